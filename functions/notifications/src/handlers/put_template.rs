//! PUT /templates/{id}: make a template, or a new version of it.

use web::{Body, Caller, IfMatch, Path, Problem, State};

use crate::App;
use crate::domain::{NotificationError, Template, is_type};
use crate::view::Tagged;

/// One read, and one transaction of three writes; no new version where it would be the same.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    expected: IfMatch,
    Body(template): Body<Template>,
) -> Result<Tagged, Problem> {
    if !is_type(&id) {
        return Err(NotificationError::TemplateId.into());
    }
    template.validate().map_err(NotificationError::from)?;
    let (stored, created) = app.store.put_template(&caller.id, &id, template, expected, app.clock.now()).await??;
    Ok(Tagged::of(stored, created))
}
