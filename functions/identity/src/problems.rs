//! Refusals as HTTP problems.

use web::{Problem, StatusCode};

use crate::domain::KeyError;

impl From<KeyError> for Problem {
    fn from(refusal: KeyError) -> Self {
        let detail = refusal.to_string();
        let unprocessable = |kind, title| Self::new(StatusCode::UNPROCESSABLE_ENTITY, kind, title);
        let forbidden = |kind, title| Self::new(StatusCode::FORBIDDEN, kind, title);
        let problem = match refusal {
            KeyError::Name => unprocessable("identity/name-invalid", "The name or owner cannot be used"),
            KeyError::Scopes => unprocessable("identity/scopes-invalid", "The scopes cannot be used"),
            KeyError::Expiry => unprocessable("identity/expiry-invalid", "The expiry cannot be used"),
            KeyError::Grace => unprocessable("identity/grace-too-long", "The grace is too long"),
            KeyError::ScopeNotHeld(scope) => {
                forbidden("identity/scope-not-held", "One cannot give a scope that one does not hold")
                    .with("scope", scope)
            }
            KeyError::AdminNeeded => forbidden("identity/admin-needed", "Only an admin key may do this"),
            KeyError::NotFound => Self::not_found("identity/key-not-found", "There is no such key"),
            KeyError::NotActive => {
                Self::new(StatusCode::CONFLICT, "identity/key-not-active", "The key is not active any more")
            }
            KeyError::Once(refusal) => return refusal.into(),
        };
        problem.detail(detail)
    }
}
