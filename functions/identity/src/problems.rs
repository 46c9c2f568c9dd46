//! Refusals as HTTP problems.

use web::Problem;

use crate::domain::KeyError;

web::problems! {
    NAME_INVALID = UNPROCESSABLE_ENTITY "identity/name-invalid" "The name or owner cannot be used";
    SCOPES_INVALID = UNPROCESSABLE_ENTITY "identity/scopes-invalid" "The scopes cannot be used";
    EXPIRY_INVALID = UNPROCESSABLE_ENTITY "identity/expiry-invalid" "The expiry cannot be used";
    GRACE_TOO_LONG = UNPROCESSABLE_ENTITY "identity/grace-too-long" "The grace is too long";
    SCOPE_NOT_HELD = FORBIDDEN "identity/scope-not-held" "One cannot give a scope that one does not hold";
    ADMIN_NEEDED = FORBIDDEN "identity/admin-needed" "Only an admin key may do this";
    KEY_NOT_FOUND = NOT_FOUND "identity/key-not-found" "There is no such key";
    KEY_NOT_ACTIVE = CONFLICT "identity/key-not-active" "The key is not active any more";
}

impl From<KeyError> for Problem {
    fn from(refusal: KeyError) -> Self {
        let detail = refusal.to_string();
        let problem = match refusal {
            KeyError::Name => Self::of(NAME_INVALID),
            KeyError::Scopes => Self::of(SCOPES_INVALID),
            KeyError::Expiry => Self::of(EXPIRY_INVALID),
            KeyError::Grace => Self::of(GRACE_TOO_LONG),
            KeyError::ScopeNotHeld(scope) => Self::of(SCOPE_NOT_HELD).with("scope", scope),
            KeyError::AdminNeeded => Self::of(ADMIN_NEEDED),
            KeyError::NotFound => Self::of(KEY_NOT_FOUND),
            KeyError::NotActive => Self::of(KEY_NOT_ACTIVE),
            KeyError::Once(refusal) => return refusal.into(),
        };
        problem.detail(detail)
    }
}
