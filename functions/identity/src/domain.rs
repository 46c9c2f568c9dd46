//! API keys: who may issue which, what one looks like, when it is good.

mod credential;
mod grant;
mod key;
mod owner;

pub use credential::{Credential, ID_CHARACTERS, SECRET_CHARACTERS};
pub use grant::{Draft, Issuer, KeyError};
pub use key::{ApiKey, MOST_GRACE, MOST_SCOPES, NAME_CHARACTERS, USE_NOTED_EVERY};
pub use owner::user;
