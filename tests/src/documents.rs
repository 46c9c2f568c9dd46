//! The document of each API is one of OpenAPI 3.1, says what its template routes and what its samples send, and nothing
//! that it refers to is missing.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, anyhow, ensure};
use boon::{Compiler, Schemas};
use runtime::{System, Trigger, openapi};
use serde_json::Value;
use testkit::{Template, repository};

fn is_complete<A: Clone + Send + Sync + 'static>(system: &System<A>) -> Result<()> {
    let document = openapi(system)?;
    let mut documented = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().context("no paths")? {
        for (method, operation) in methods.as_object().context("no methods")? {
            documented.insert(format!("{} {path}", method.to_uppercase()));
            ensure!(operation["summary"].as_str().is_some_and(|text| text.len() > 3), "{method} {path}: no summary");
            let named = operation["parameters"].as_array().into_iter().flatten().filter(|it| it["in"] == "path");
            let named: Vec<String> = named.map(|it| format!("{{{}}}", it["name"].as_str().unwrap_or("?"))).collect();
            let in_path: Vec<&str> = path.split('/').filter(|part| part.starts_with('{')).collect();
            ensure!(named == in_path, "{method} {path} documents the path parameters {named:?}");
        }
    }
    assert_eq!(documented, routes(system.name())?, "left: the document, right: the template");
    let ids: Vec<&str> =
        document["paths"].as_object().into_iter().flatten().flat_map(|(_, methods)| ids(methods)).collect();
    let different: BTreeSet<&&str> = ids.iter().collect();
    ensure!(different.len() == ids.len(), "an operationId is used twice: {ids:?}");
    is_openapi(&document)?;
    samples_fit(system, &document)?;
    references(&document, &mut |reference| {
        let pointer = reference.strip_prefix('#').with_context(|| format!("{reference} leads elsewhere"))?;
        document.pointer(pointer).map(drop).with_context(|| format!("{reference} leads nowhere"))
    })
}

/// Where the documents are for the validator; nothing is loaded from there.
const DOCUMENT: &str = "file:///openapi.json";

/// The schema is the OpenAPI Initiative's (Apache-2.0): https://spec.openapis.org/oas/3.1/schema/2022-10-07.
fn is_openapi(document: &Value) -> Result<()> {
    let meta = include_str!("openapi-3.1.schema.json");
    holds(&serde_json::from_str(meta)?, "", document).context("the document is none of OpenAPI 3.1")?;
    // It leaves the schemas inside to the schemas of JSON Schema: each of them must be one.
    for name in document["components"]["schemas"].as_object().context("no schemas")?.keys() {
        let schema = format!("{DOCUMENT}#/components/schemas/{name}");
        compiler(document)?.compile(&schema, &mut Schemas::new()).map_err(|e| anyhow!("{e:#}"))?;
    }
    Ok(())
}

/// The bodies of the samples are what the routes take.
fn samples_fit<A: Clone + Send + Sync + 'static>(system: &System<A>, document: &Value) -> Result<()> {
    for row in system.rows() {
        let Trigger::Http { method, path, .. } = &row.trigger else { continue };
        let file = repository().join(format!("events/{}/{}.json", system.name(), row.handler));
        let sample: Value = serde_json::from_str(&std::fs::read_to_string(file)?)?;
        let method = method.as_str().to_ascii_lowercase();
        let body = &document["paths"][path][&method]["requestBody"]["content"]["application/json"]["schema"];
        ensure!(
            body.is_object() == sample["body"].is_string(),
            "{}: one body, of the route or its sample",
            row.handler
        );
        if let Some(text) = sample["body"].as_str() {
            let pointer =
                format!("/paths/{}/{method}/requestBody/content/application~1json/schema", path.replace('/', "~1"));
            let sent = serde_json::from_str(text)?;
            holds(document, &pointer, &sent).with_context(|| format!("the sample of {}", row.handler))?;
        }
    }
    Ok(())
}

/// Holds `value` to the schema at `pointer` of `root`.
fn holds(root: &Value, pointer: &str, value: &Value) -> Result<()> {
    let mut schemas = Schemas::new();
    let fragment = pointer.replace('{', "%7B").replace('}', "%7D");
    let schema = compiler(root)?.compile(&format!("{DOCUMENT}#{fragment}"), &mut schemas);
    let schema = schema.map_err(|e| anyhow!("{e:#}"))?;
    schemas.validate(value, schema).map_err(|e| anyhow!("{e:#}"))
}

fn compiler(root: &Value) -> Result<Compiler> {
    let mut compiler = Compiler::new();
    compiler.enable_format_assertions();
    compiler.add_resource(DOCUMENT, root.clone()).map_err(|e| anyhow!("{e:#}"))?;
    Ok(compiler)
}

fn ids(methods: &Value) -> impl Iterator<Item = &str> {
    methods.as_object().into_iter().flatten().filter_map(|(_, operation)| operation["operationId"].as_str())
}

/// The routes of the template's HTTP API: `GET /links/{code}`.
fn routes(system: &str) -> Result<BTreeSet<String>> {
    let template = Template::of_system(system)?;
    let events =
        template.resources("AWS::Serverless::Function").filter_map(|(_, function)| function["Events"].as_object());
    let events: Vec<&Value> =
        events.flatten().map(|(_, event)| event).filter(|event| event["Type"] == "HttpApi").collect();
    let route = |event: &&Value| {
        let (method, path) = (event["Properties"]["Method"].as_str()?, event["Properties"]["Path"].as_str()?);
        Some(format!("{} {path}", method.to_uppercase()))
    };
    Ok(events.iter().filter_map(route).collect())
}

fn references(value: &Value, hold: &mut impl FnMut(&str) -> Result<()>) -> Result<()> {
    match value {
        Value::Object(object) => {
            if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
                hold(reference)?;
            }
            object.values().try_for_each(|value| references(value, hold))
        }
        Value::Array(values) => values.iter().try_for_each(|value| references(value, hold)),
        _ => Ok(()),
    }
}

#[test]
fn document_of_identity() -> Result<()> {
    is_complete(&identity::system())
}

#[test]
fn document_of_ledger() -> Result<()> {
    is_complete(&ledger::system())
}

#[test]
fn document_of_notifications() -> Result<()> {
    is_complete(&notifications::system())
}

#[test]
fn document_of_rate_limiter() -> Result<()> {
    is_complete(&rate_limiter::system())
}

#[test]
fn document_of_url_shortener() -> Result<()> {
    is_complete(&url_shortener::system())
}

#[test]
fn what_is_no_document_or_no_body_is_found() -> Result<()> {
    let mut document = openapi(&url_shortener::system())?;
    let create = "/paths/~1links/post/requestBody/content/application~1json/schema";
    let url = |url: Value| serde_json::json!({"url": url});
    assert!(holds(&document, create, &url("https://a.example".into())).is_ok());
    assert!(holds(&document, create, &url(7.into())).is_err());
    document["paths"]["/links"]["post"]["responses"] = Value::Null;
    assert!(is_openapi(&document).is_err());
    Ok(())
}
