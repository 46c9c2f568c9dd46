//! An OpenAPI document as a page to read: no script, nothing loaded from elsewhere.

use serde_json::Value;

/// The page, and the Content-Security-Policy that it needs.
pub(crate) struct Page {
    pub(crate) html: String,
    pub(crate) policy: axum::http::HeaderValue,
}

/// Renders the page.
pub(crate) fn render(document: &Value) -> Page {
    let html = format!("<!doctype html><pre>{document:#}</pre>");
    Page { html, policy: axum::http::HeaderValue::from_static("default-src 'none'") }
}
