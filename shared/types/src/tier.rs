//! What a caller pays for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A caller's tier; the rate limiter's policies hang on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Tier {
    #[default]
    Free,
    Basic,
    // Guide 002 calls it premium.
    #[serde(alias = "premium")]
    Pro,
    Enterprise,
}
