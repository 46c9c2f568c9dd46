//! API keys: who may issue which, what one looks like, when it is good.

mod credential;
mod key;
mod owner;

pub use credential::{Credential, ID_CHARACTERS, SECRET_CHARACTERS};
pub use key::{ApiKey, Draft, Issuer, KeyError, USE_NOTED_EVERY};
pub use owner::user;
