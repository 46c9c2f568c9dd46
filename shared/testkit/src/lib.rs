//! How systems are tested. Two layers: [`World`] runs a system's own Lambdas in this process on real tables and queues
//! of an emulator, by a clock the test moves; [`Cloud`] calls the deployed stacks as a client would.
//!
//! Both need an emulator: `make test` starts one and names it in `AWS_ENDPOINT_URL`.

mod budget;
mod cloud;
mod courier;
mod events;
mod faults;
mod feed;
mod process;
mod prove;
mod proxy;
mod receiver;
mod sandbox;
mod scenario;
mod script;
mod seen;
mod tables;
mod template;
mod world;

pub use budget::{Budget, budgets};
pub use cloud::{Answer, Cloud, eventually, upload};
pub use events::{http_event, log_lines};
pub use faults::{Fault, Faults, Injected};
pub use feed::Delivery;
pub use process::Process;
pub use prove::{Client, Proof, Verdict, prove};
pub use proxy::Sent;
pub use receiver::{Received, Receiver};
pub use runtime::Function;
pub use sandbox::{Run, Sandbox, Tally};
pub use scenario::play;
pub use tables::fresh_table;
pub use template::{Template, repository};
pub use world::{World, Worlds};
