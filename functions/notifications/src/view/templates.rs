//! Templates.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use types::Instant;
use web::header::{ETAG, LOCATION};
use web::{IntoResponse, Json, Operation, Output, Response, StatusCode, etag};

use crate::domain::Template;
use crate::store::StoredTemplate;

/// A version of a template.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "StoredTemplate")]
pub struct TemplateView {
    /// Its id.
    pub id: String,
    /// 1, 2, …; the `ETag` has it too.
    pub version: u64,
    /// What it says.
    #[schemars(schema_with = "as_it_is_sent")]
    pub template: Template,
    /// The variables that it needs, of all its languages.
    pub variables: Vec<String>,
    /// When this version was made.
    pub created_at: Instant,
}

/// The schema of the body that makes it.
fn as_it_is_sent(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"$ref": "#/components/schemas/Template"})
}

/// A template with its `ETag`, made now or standing.
#[derive(Debug)]
pub struct Tagged {
    /// Whether this is the first version.
    pub created: bool,
    /// The template.
    pub view: TemplateView,
}

impl Tagged {
    /// A version.
    pub fn of(stored: StoredTemplate, created: bool) -> Self {
        let StoredTemplate { id, version, template, created_at, .. } = stored;
        let variables = template.variables().into_iter().collect();
        Self { created, view: TemplateView { id, version, template, variables, created_at } }
    }
}

impl IntoResponse for Tagged {
    fn into_response(self) -> Response {
        let (tag, location) = (etag(self.view.version), format!("/templates/{}", self.view.id).parse());
        let status = if self.created { StatusCode::CREATED } else { StatusCode::OK };
        let mut response = (status, Json(self.view)).into_response();
        response.headers_mut().insert(ETAG, tag);
        if let Some(location) = location.ok().filter(|_| self.created) {
            response.headers_mut().insert(LOCATION, location);
        }
        response
    }
}

impl Output for Tagged {
    fn describe(operation: &mut Operation<'_>) {
        operation.json::<TemplateView>(200, "The template; `ETag` has its version.");
        operation.json::<TemplateView>(201, "It is made, and is at `Location`.");
    }
}
