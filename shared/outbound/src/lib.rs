//! HTTP to hosts that tenants chose: a client that cannot be led into private networks, and the signatures by which a
//! receiver knows who called (Standard Webhooks).
//!
//! A tenant names the URL, so the URL is an attack until shown otherwise (server-side request forgery): [`check_url`]
//! judges it when it is registered, [`Outbound`] judges it again at every call together with the addresses its name
//! resolves to at that moment, and connects to those addresses alone.

mod client;
mod guard;
mod webhooks;

pub use client::{Answer, MOST_ANSWER_BYTES, MOST_RETRY_AFTER, Outbound, SendError};
pub use guard::{MOST_URL_BYTES, check_url};
pub use webhooks::{BadSecret, Rejected, TOLERANCE, WebhookSecret, sign, verify};
