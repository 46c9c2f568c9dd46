//! Links of OpenAPI: what a POST made is what the operations below it are about.

use serde_json::{Map, Value, json};

/// Links each 201 of `POST /links` to the operations at `/links/{code}…`, where the answer holds a `code`.
pub(super) fn add(paths: &mut Map<String, Value>, schemas: &Map<String, Value>) {
    let mut found = Vec::new();
    for (path, methods) in paths.iter() {
        let made = &methods["post"]["responses"]["201"]["content"]["application/json"]["schema"];
        for (below, others) in paths.iter() {
            let Some(name) = parameter_below(path, below) else { continue };
            let Some(pointer) = pointer_to(made, name, schemas) else { continue };
            let ids = others.as_object().into_iter().flatten().filter(|(method, _)| *method != "head");
            let links = ids.map(|(_, operation)| {
                let id = operation["operationId"].clone();
                json!({"operationId": id, "parameters": {name: format!("$response.body#{pointer}")}})
            });
            found.push((path.clone(), links.collect::<Vec<_>>()));
        }
    }
    for (path, links) in found {
        for link in links {
            let name = link["operationId"].as_str().unwrap_or_default().to_owned();
            paths[&path]["post"]["responses"]["201"]["links"][name] = link;
        }
    }
}

/// The name of the one parameter that `below` has, right behind `path`.
fn parameter_below<'a>(path: &str, below: &'a str) -> Option<&'a str> {
    let (name, rest) = below.strip_prefix(path)?.strip_prefix("/{")?.split_once('}')?;
    (!rest.contains('{')).then_some(name)
}

/// Where an answer holds a field: by itself, or in one of its parts.
fn pointer_to(answer: &Value, name: &str, schemas: &Map<String, Value>) -> Option<String> {
    let fields = |schema: &Value| {
        let name = schema["$ref"].as_str()?.rsplit('/').next()?.to_owned();
        schemas.get(&name)?["properties"].as_object()
    };
    let own = fields(answer)?;
    if own.contains_key(name) {
        return Some(format!("/{name}"));
    }
    let part = own.iter().find(|(_, part)| fields(part).is_some_and(|fields| fields.contains_key(name)))?;
    Some(format!("/{}/{name}", part.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_is_linked_to_what_is_below() {
        let made = json!({"201": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/New"}}}}});
        let mut paths = json!({
            "/cats": {"post": {"responses": made}},
            "/cats/{id}": {"get": {"operationId": "get_cat"}, "head": {"operationId": "get_cat_head"}},
            "/cats/{id}/toys/{toy}": {"get": {"operationId": "get_toy"}},
            "/dogs/{id}": {"get": {"operationId": "get_dog"}},
        });
        let schemas = json!({
            "New": {"properties": {"cat": {"$ref": "#/components/schemas/Cat"}}},
            "Cat": {"properties": {"id": {"type": "string"}}},
        });
        if let (Some(paths), Some(schemas)) = (paths.as_object_mut(), schemas.as_object()) {
            add(paths, schemas);
        }
        let link = json!({"operationId": "get_cat", "parameters": {"id": "$response.body#/cat/id"}});
        assert_eq!(paths["/cats"]["post"]["responses"]["201"]["links"], json!({"get_cat": link}));
    }
}
