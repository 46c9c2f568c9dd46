//! An OpenAPI document as a page to read: no script, and nothing loaded from elsewhere.

mod example;
mod schema;

use aws_lc_rs::digest::{SHA256, digest};
use axum::http::HeaderValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use example::{curl, example};
use schema::{fields, kind};

/// How an operation refers to what it does not list.
const PROBLEM: &str = "#/components/responses/Problem";

const STYLE: &str = include_str!("page.css");

/// The page, and the Content-Security-Policy that allows its own style and nothing else.
pub(crate) struct Page {
    pub(crate) html: String,
    pub(crate) policy: Option<HeaderValue>,
}

/// Renders the page.
pub(crate) fn render(document: &Value) -> Page {
    let style = STANDARD.encode(digest(&SHA256, STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let info = &document["info"];
    let operations = operations(document);
    let contents: String = operations.iter().map(|operation| operation.entry()).collect();
    let sections: String = operations.iter().map(|operation| operation.section(document)).collect();
    let schemas = document["components"]["schemas"].as_object().into_iter().flatten();
    let schemas: String = schemas.map(|(name, schema)| schema_section(name, schema)).collect();
    let title = escaped(text(&info["title"]));
    let html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title><style>{STYLE}</style></head>\n\
         <body><h1>{title} <small>{}</small></h1>\n<p>{}</p>\n\
         <p>Also as <a href=\"openapi.json\">OpenAPI 3.1</a>.</p>\n\
         <h2>Credentials</h2>\n<ul>{}</ul>\n<h2>Operations</h2>\n<nav><ul>{contents}</ul></nav>\n{sections}\
         <h2 id=\"problems\">Problems</h2>\n{}<h2>Schemas</h2>\n{schemas}</body></html>\n",
        escaped(text(&info["version"])),
        prose(&info["description"]),
        credentials(document),
        problems(document),
    );
    Page { html, policy: HeaderValue::try_from(policy).ok() }
}

struct Operation<'a> {
    path: &'a str,
    method: String,
    says: &'a Value,
    head: bool,
}

/// All operations; HEAD is told with its GET.
fn operations(document: &Value) -> Vec<Operation<'_>> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let methods = paths.flat_map(|(path, methods)| {
        let head = methods.get("head").is_some();
        let own = methods.as_object().into_iter().flatten().filter(|(method, _)| *method != "head");
        own.map(move |(method, says)| Operation {
            path,
            method: method.to_uppercase(),
            says,
            head: head && method == "get",
        })
    });
    methods.collect()
}

impl Operation<'_> {
    fn name(&self) -> String {
        escaped(&format!("{} {}", self.method, self.path))
    }

    fn entry(&self) -> String {
        let (id, summary) = (escaped(text(&self.says["operationId"])), prose(&self.says["summary"]));
        format!("<li><a href=\"#{id}\"><code>{}</code></a> {summary}</li>\n", self.name())
    }

    fn section(&self, document: &Value) -> String {
        let says = self.says;
        let mut html = format!(
            "<section id=\"{}\"><h3><code>{}</code></h3>\n<p><b>{}.</b> {}</p>\n<p>{}{}</p>\n",
            escaped(text(&says["operationId"])),
            self.name(),
            prose(&says["summary"]),
            prose(&says["description"]),
            self.access(),
            if self.head { " HEAD is answered too." } else { "" },
        );
        let parameters = says["parameters"].as_array().map_or(&[][..], Vec::as_slice);
        if !parameters.is_empty() {
            let rows: String = parameters.iter().map(parameter).collect();
            html += &format!("<h4>Parameters</h4>\n{}", table(&["Name", "In", "Type", "Means"], &rows));
        }
        for (media, body) in says["requestBody"]["content"].as_object().into_iter().flatten() {
            let kind = kind(&body["schema"]);
            html += &format!("<h4>Body</h4>\n<p><code>{}</code>: {kind}</p>\n", escaped(media));
        }
        html += &format!("<h4>Example</h4>\n<pre><code>{}</code></pre>\n", escaped(&curl(document, self)));
        let answers = says["responses"].as_object().into_iter().flatten();
        let rows: String = answers.map(|(status, answer)| answer_row(document, status, answer)).collect();
        html + "<h4>Answers</h4>\n" + &table(&["Status", "Means", "Body"], &rows) + "</section>\n"
    }

    fn scope(&self) -> Option<&str> {
        self.says["security"][0].as_object()?.values().next()?[0].as_str()
    }

    fn access(&self) -> String {
        match self.scope() {
            Some(scope) => format!("Needs the scope <code>{}</code>.", escaped(scope)),
            None => "Anybody may call.".to_owned(),
        }
    }
}

fn parameter(parameter: &Value) -> String {
    let required = if parameter["required"] == true { ", required" } else { "" };
    row(&[
        &format!("<code>{}</code>", escaped(text(&parameter["name"]))),
        &format!("{}{required}", escaped(text(&parameter["in"]))),
        &kind(&parameter["schema"]),
        &prose(&parameter["description"]),
    ])
}

fn answer_row(document: &Value, status: &str, answer: &Value) -> String {
    if answer["$ref"] == PROBLEM {
        return row(&[&escaped(status), "Any other refusal", "<a href=\"#problems\">a problem</a>"]);
    }
    let headers = answer["headers"].as_object().into_iter().flatten();
    let headers: String = headers.map(|(name, _)| format!("<br>Header <code>{}</code>", escaped(name))).collect();
    let contents = answer["content"].as_object().into_iter().flatten();
    let bodies = contents.map(|(media, body)| {
        let named = body["examples"].as_object().into_iter().flatten();
        let mut examples: String = named.map(|(name, it)| details(name, &it["value"])).collect();
        if examples.is_empty() && media == "application/json" {
            examples = details("example", &example(document, &body["schema"]));
        }
        format!("<code>{}</code>: {}{examples}", escaped(media), kind(&body["schema"]))
    });
    let bodies = bodies.collect::<Vec<_>>().join("<br>");
    row(&[&escaped(status), &format!("{}{headers}", prose(&answer["description"])), &bodies])
}

/// All types of problems of the system, by status.
fn problems(document: &Value) -> String {
    let problems = &document["components"]["responses"]["Problem"]["content"]["application/problem+json"]["examples"];
    let mut problems: Vec<&Value> = problems.as_object().into_iter().flatten().map(|(_, it)| &it["value"]).collect();
    problems.sort_by_key(|problem| problem["status"].as_u64());
    let rows = problems.into_iter().map(|problem| {
        let kind = format!("<code>{}</code>", escaped(text(&problem["type"])));
        row(&[&escaped(&problem["status"].to_string()), &kind, &escaped(text(&problem["title"]))])
    });
    table(&["Status", "Type", "Means"], &rows.collect::<String>())
}

fn details(name: &str, value: &Value) -> String {
    format!(
        "<details><summary>{}</summary><pre><code>{}</code></pre></details>",
        escaped(name),
        escaped(&format!("{value:#}"))
    )
}

fn schema_section(name: &str, schema: &Value) -> String {
    let name = escaped(name);
    format!(
        "<section id=\"schema-{name}\"><h3>{name}</h3>\n<p>{}</p>\n{}</section>\n",
        prose(&schema["description"]),
        {
            let rows = fields(schema);
            if rows.is_empty() {
                format!("<p>{}</p>\n", kind(schema))
            } else {
                table(&["Field", "Type", "Means"], &rows)
            }
        }
    )
}

fn credentials(document: &Value) -> String {
    let schemes = document["components"]["securitySchemes"].as_object().into_iter().flatten();
    let header = |scheme: &Value| match scheme["name"].as_str() {
        Some(name) => format!("<code>{}: …</code>", escaped(name)),
        None => "<code>Authorization: Bearer …</code>".to_owned(),
    };
    schemes.map(|(_, scheme)| format!("<li>{} {}</li>", header(scheme), prose(&scheme["description"]))).collect()
}

/// What a reference leads to; anything else is itself.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let pointer = value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    pointer.and_then(|pointer| document.pointer(pointer)).unwrap_or(value)
}

fn table(heads: &[&str], rows: &str) -> String {
    let heads: String = heads.iter().map(|head| format!("<th>{head}</th>")).collect();
    format!("<table><thead><tr>{heads}</tr></thead><tbody>\n{rows}</tbody></table>\n")
}

fn row(cells: &[&str]) -> String {
    let cells: String = cells.iter().map(|cell| format!("<td>{cell}</td>")).collect();
    format!("<tr>{cells}</tr>\n")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Text in which `code` stands between backticks.
fn prose(value: &Value) -> String {
    let parts = escaped(text(value));
    let parts = parts.split('`').enumerate();
    parts.map(|(at, part)| if at % 2 == 1 { format!("<code>{part}</code>") } else { part.to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn no_text_of_a_document_becomes_markup() {
        let evil = "<script>alert(1)</script>\"'&";
        let document = json!({
            "info": {"title": evil, "version": evil, "description": evil},
            "paths": {evil: {"get": {
                "operationId": evil, "summary": evil, "description": evil,
                "security": [{"key": [evil]}],
                "parameters": [{"name": evil, "in": evil, "description": evil, "schema": {"pattern": evil}}],
                "requestBody": {"content": {evil: {"schema": {"$ref": evil}}}},
                "responses": {evil: {"description": evil, "content": {evil: {"examples": {evil: {"value": evil}}}}}},
            }}},
            "components": {"schemas": {evil: {"description": evil, "properties": {evil: {"enum": [evil]}}}}},
        });
        let html = render(&document).html;
        assert!(html.contains("&lt;script&gt;") && !html.contains("<script"), "{html}");
    }
}
