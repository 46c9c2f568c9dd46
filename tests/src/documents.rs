//! The document of each API says what its template routes, and nothing that it refers to is missing.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use runtime::{System, openapi};
use serde_json::Value;
use testkit::Template;

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
    references(&document, &mut |reference| {
        let pointer = reference.strip_prefix('#').with_context(|| format!("{reference} leads elsewhere"))?;
        document.pointer(pointer).map(drop).with_context(|| format!("{reference} leads nowhere"))
    })
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
fn document_of_url_shortener() -> Result<()> {
    is_complete(&url_shortener::system())
}
