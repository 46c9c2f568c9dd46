//! HTTP as every endpoint here speaks it: problems (RFC 9457), callers and their scopes, idempotency keys, signed
//! cursors, bodies and queries that are refused with a reason. Built on axum's extractors.

mod access;
mod body;
mod conditional;
mod cursor;
pub mod describe;
mod form;
mod headers;
mod idempotency;
mod kind;
pub mod limits;
mod problem;
mod socket;

pub use access::{Access, Caller, guard};
pub use body::{Body, MAX_BODY_BYTES, Path, Query};
pub use conditional::{IfMatch, etag};
pub use cursor::{Cursor, CursorKey, PageOf, PageQuery};
pub use describe::{Describe, Input, Operation, Output};
pub use form::Form;
pub use headers::{Created, Health, NoContent, Redirect, RequestMeta, secure, with_next};
pub use idempotency::{BodyDigest, IdempotencyKey};
pub use kind::{Kind, shared};
pub use limits::{By, Limits, RoutePolicy, Takes, Units, Viewer};
pub use problem::{Problem, Refused};
pub use socket::{Connections, Gone, MOST_MESSAGE_BYTES, SocketEvent};

pub use axum::Json;
pub use axum::extract::{FromRef, State};
pub use axum::http::{HeaderMap, Method, StatusCode, header};
pub use axum::response::{IntoResponse, Response};
