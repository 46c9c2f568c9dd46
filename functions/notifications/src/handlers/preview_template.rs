//! POST /templates/{id}/preview: render a template as a notification would be, and send nothing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use web::{Body, Caller, Json, Path, Problem, State};

use crate::App;
use crate::domain::{Locale, NotificationError, Rendered};

/// With what.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct With {
    /// The variables.
    #[serde(default)]
    payload: Map<String, Value>,
    /// The reader's language.
    locale: Option<Locale>,
}

/// What a notification would say.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Preview {
    /// The language that it is in: the nearest that the template has.
    locale: Locale,
    /// The template's version.
    version: u64,
    /// What it says.
    content: Rendered,
}

/// One strongly consistent read.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Body(With { payload, locale }): Body<With>,
) -> Result<Json<Preview>, Problem> {
    let stored = app.store.template(&caller.id, &id).await??;
    let rendered = stored.template.render(locale.as_ref(), &payload);
    let (locale, content) = rendered.map_err(NotificationError::from)?;
    Ok(Json(Preview { locale, version: stored.version, content }))
}
