//! The project's own tools: `tidy` holds the rules that no compiler holds, `new-system` and `new-handler` write what
//! every system and every Lambda begins with.

pub mod names;
pub mod policies;
pub mod project;
pub mod rows;
pub mod scaffold;
pub mod source;
pub mod template;
pub mod tidy;
pub mod tree;

pub use policies::policies;
pub use project::{Project, System};
pub use tidy::{Finding, tidy};
pub use tree::{Tree, root};
