//! JSON schemas in words.

use serde_json::Value;

use super::{escaped, prose, row, text};

/// What a value of the schema is: `integer, 1 to 100`, a link to a schema of the document, `array of …`.
pub(super) fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        let name = escaped(name);
        return format!("<a href=\"#schema-{name}\">{name}</a>");
    }
    for choice in ["anyOf", "oneOf"] {
        if let Some(schemas) = schema[choice].as_array() {
            return schemas.iter().map(kind).collect::<Vec<_>>().join(" or ");
        }
    }
    let words = match &schema["type"] {
        Value::String(name) => of_type(name, schema),
        Value::Array(names) => names.iter().map(|name| of_type(text(name), schema)).collect::<Vec<_>>().join(" or "),
        _ => "any value".to_owned(),
    };
    std::iter::once(words).chain(bounds(schema)).collect::<Vec<_>>().join(", ")
}

fn of_type(name: &str, schema: &Value) -> String {
    match name {
        "array" => format!("array of {}", kind(&schema["items"])),
        "object" if schema["additionalProperties"].is_object() => {
            format!("object of {}", kind(&schema["additionalProperties"]))
        }
        name => escaped(name),
    }
}

/// What else is asked of it.
fn bounds(schema: &Value) -> Vec<String> {
    let mut bounds = Vec::new();
    for (key, before, after) in [
        ("format", "", ""),
        ("minimum", "at least ", ""),
        ("maximum", "at most ", ""),
        ("minLength", "at least ", " characters"),
        ("maxLength", "at most ", " characters"),
        ("minItems", "at least ", " items"),
        ("maxItems", "at most ", " items"),
        ("pattern", "matches ", ""),
        ("const", "always ", ""),
        ("default", "default ", ""),
    ] {
        match &schema[key] {
            Value::Null => {}
            Value::String(text) => bounds.push(format!("{before}<code>{}</code>{after}", escaped(text))),
            value => bounds.push(format!("{before}{}{after}", escaped(&value.to_string()))),
        }
    }
    if let Some(values) = schema["enum"].as_array() {
        let values = values.iter().map(|value| format!("<code>{}</code>", escaped(&value.to_string())));
        bounds.push(format!("one of {}", values.collect::<Vec<_>>().join(", ")));
    }
    bounds
}

/// A row for each field of an object.
pub(super) fn fields(schema: &Value) -> String {
    let required = schema["required"].as_array().map_or(&[][..], Vec::as_slice);
    let fields = schema["properties"].as_object().into_iter().flatten();
    fields
        .map(|(name, field)| {
            let always = if required.iter().any(|known| known == name) { "" } else { " (optional)" };
            row(&[&format!("<code>{}</code>{always}", escaped(name)), &kind(field), &prose(&field["description"])])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn schemas_read_as_words() {
        for (schema, words) in [
            (json!({"type": "integer", "minimum": 1, "maximum": 9}), "integer, at least 1, at most 9"),
            (json!({"type": ["string", "null"], "maxLength": 3}), "string or null, at most 3 characters"),
            (json!({"type": "array", "items": {"$ref": "#/x/Cat"}}), "array of <a href=\"#schema-Cat\">Cat</a>"),
            (json!({"anyOf": [{"type": "string"}, {"type": "null"}]}), "string or null"),
            (json!({"type": "object", "additionalProperties": {"type": "integer"}}), "object of integer"),
            (json!({"type": "string", "enum": ["a"]}), "string, one of <code>&quot;a&quot;</code>"),
            (json!({}), "any value"),
        ] {
            assert_eq!(kind(&schema), words);
        }
    }
}
