//! Examples made of schemas.

use serde_json::{Map, Value, json};

use super::{Operation, resolved, text};

/// A value that the schema allows, with the fields that must be there.
pub(super) fn example(document: &Value, schema: &Value) -> Value {
    of_depth(document, schema, 6)
}

fn of_depth(document: &Value, schema: &Value, depth: u8) -> Value {
    let schema = resolved(document, schema);
    let given = [&schema["examples"][0], &schema["const"], &schema["default"], &schema["enum"][0]];
    if let Some(given) = given.into_iter().find(|value| !value.is_null()) {
        return given.clone();
    }
    let Some(depth) = depth.checked_sub(1) else { return Value::Null };
    if let Some(first) = schema["anyOf"].get(0).or_else(|| schema["oneOf"].get(0)) {
        return of_depth(document, first, depth);
    }
    let name = schema["type"].as_str().or_else(|| schema["type"][0].as_str());
    match name.unwrap_or_default() {
        "string" => match text(&schema["format"]) {
            "date-time" => "2026-11-21T10:05:09Z".into(),
            "date" => "2026-11-21".into(),
            "uri" | "uri-reference" => "https://example.com/".into(),
            _ => "text".into(),
        },
        "integer" | "number" => schema["minimum"].as_u64().unwrap_or(1).into(),
        "boolean" => true.into(),
        "array" => json!([of_depth(document, &schema["items"], depth)]),
        "object" => {
            let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let field = |name: &str| (name.to_owned(), of_depth(document, &schema["properties"][name], depth));
            Value::Object(required.map(field).collect::<Map<_, _>>())
        }
        _ => Value::Null,
    }
}

/// A call of the operation from a shell.
pub(super) fn curl(document: &Value, operation: &Operation<'_>) -> String {
    let mut call = "curl".to_owned();
    // A body makes it a POST; nothing makes it a GET.
    let implied = if operation.says["requestBody"].is_object() { "POST" } else { "GET" };
    if operation.method != implied {
        call += &format!(" -X {}", operation.method);
    }
    if operation.scope().is_some() {
        call += " -H \"X-Api-Key: $KEY\"";
    }
    for parameter in operation.says["parameters"].as_array().into_iter().flatten() {
        if parameter["in"] == "header" && parameter["required"] == true {
            let value = example(document, &parameter["schema"]);
            call += &format!(" -H '{}: {}'", text(&parameter["name"]), text(&value));
        }
    }
    for (media, body) in operation.says["requestBody"]["content"].as_object().into_iter().flatten() {
        let body = example(document, &body["schema"]).to_string().replace('\'', "'\\''");
        call += &format!(" -H 'Content-Type: {media}' -d '{body}'");
    }
    format!("{call} \"$URL{}\"", operation.path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_has_what_must_be_there() {
        let document = json!({"components": {"schemas": {"Cat": {
            "type": "object",
            "required": ["name", "born", "legs"],
            "properties": {
                "name": {"type": "string", "examples": ["Tom"]},
                "born": {"type": "string", "format": "date-time"},
                "legs": {"type": ["integer", "null"], "minimum": 3},
                "color": {"type": "string"},
                "kittens": {"type": "array", "items": {"$ref": "#/components/schemas/Cat"}},
            },
        }}}});
        let cat = example(&document, &json!({"$ref": "#/components/schemas/Cat"}));
        assert_eq!(cat, json!({"name": "Tom", "born": "2026-11-21T10:05:09Z", "legs": 3}));
    }

    #[test]
    fn an_example_of_what_holds_itself_ends() {
        let document = json!({"loop": {"type": "array", "items": {"$ref": "#/loop"}}});
        assert!(example(&document, &document["loop"]).to_string().len() < 40);
    }
}
