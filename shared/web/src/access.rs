//! Who calls, and whether they may. The authorizer (functions/identity) says who; each route says which scope it needs,
//! and [`guard`] holds every route to it, so a handler cannot forget.

use aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
use axum::extract::{FromRequestParts, OptionalFromRequestParts, Request};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::convert::Infallible;

use types::{Instant, Tier};

use crate::Problem;
use crate::describe::{Input, Operation};

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody; the template gives the route no authorizer.
    Public,
    /// Callers with this scope, or with `admin`.
    Scope(&'static str),
}

impl Access {
    /// The scope, where one is needed.
    pub fn scope(self) -> Option<&'static str> {
        match self {
            Self::Public => None,
            Self::Scope(scope) => Some(scope),
        }
    }
}

/// An authenticated caller, as the authorizer's context names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The tenant: every key of another's data contains another id.
    pub id: String,
    /// What the credential may do.
    pub scopes: Vec<String>,
    /// The caller's tier.
    pub tier: Tier,
    /// When the API key ends, where it is one that does: what it makes must not outlive it.
    pub ends: Option<Instant>,
}

impl Caller {
    /// Whether the credential carries `scope`, itself or through `admin`.
    pub fn may(&self, scope: &str) -> bool {
        self.scopes.iter().any(|own| own == scope || own == "admin")
    }

    pub(crate) fn of_parts(parts: &Parts) -> Result<Self, Problem> {
        Self::of(parts).ok_or_else(Problem::unauthenticated)
    }

    fn of(parts: &Parts) -> Option<Self> {
        let context = parts.extensions.get::<ApiGatewayV2httpRequestContext>()?;
        let fields = &context.authorizer.as_ref()?.fields;
        Self::of_context(|name| fields.get(name).and_then(|value| value.as_str()))
    }

    /// Reads the authorizer's context, which API Gateway alone writes: a client cannot send one.
    pub(crate) fn of_context<'a>(text: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        let id = text("caller").filter(|id| !id.is_empty())?;
        Some(Self {
            id: id.to_owned(),
            scopes: text("scopes").unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
            ends: text("ends").and_then(|ends| ends.parse().ok()),
            tier: text("tier").and_then(|tier| serde_json::from_value(tier.into()).ok()).unwrap_or_default(),
        })
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::of_parts(parts)
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for Caller {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(Self::of(parts))
    }
}

/// Who calls is a matter of the route's access.
impl Input for Caller {
    fn describe(_: &mut Operation<'_>) {}
}

impl Input for Option<Caller> {
    fn describe(_: &mut Operation<'_>) {}
}

impl Access {
    /// Whether a caller, or none, may pass.
    ///
    /// # Errors
    /// 401 without a caller, 403 without the scope.
    pub(crate) fn check(self, caller: Option<&Caller>) -> Result<(), Problem> {
        match (self, caller) {
            (Self::Scope(_), None) => Err(Problem::unauthenticated()),
            (Self::Scope(scope), Some(caller)) if !caller.may(scope) => Err(Problem::insufficient_scope(scope)),
            _ => Ok(()),
        }
    }
}

/// Refuses a request that lacks the route's access: 401 without a caller, 403 without the scope.
pub async fn guard(access: Access, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match access.check(Caller::of(&parts).as_ref()) {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(problem) => problem.into_response(),
    }
}
