//! The named schemas of a document.

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value};

/// The schemas that the operations of one document share. What is sent and what is answered differ: a field with a
/// default is optional in the one and always there in the other.
#[derive(Debug)]
pub struct Schemas {
    pub(super) sent: SchemaGenerator,
    pub(super) answered: SchemaGenerator,
    pub(super) named: Map<String, Value>,
}

impl Default for Schemas {
    fn default() -> Self {
        let settings = || {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.meta_schema = None;
                settings.definitions_path = "/components/schemas".into();
            })
        };
        Self {
            sent: settings().for_deserialize().into_generator(),
            answered: settings().for_serialize().with_transform(RecursiveTransform(absent_not_null)).into_generator(),
            named: Map::new(),
        }
    }
}

impl Schemas {
    /// All schemas by name. A name that stands for two different things is a clash.
    ///
    /// # Errors
    /// The clashing name: give one of the types another by `#[schemars(rename = "…")]`. One type that is sent and
    /// answered in different forms clashes with itself: make it two.
    pub fn into_components(mut self) -> Result<Map<String, Value>, String> {
        let parts = [self.sent.take_definitions(true), self.answered.take_definitions(true)];
        for (name, schema) in parts.into_iter().flatten() {
            match self.named.get(&name) {
                Some(other) if *other != schema => return Err(name),
                _ => self.named.insert(name, schema),
            };
        }
        // The generator calls the second of a name `Cat2`; which one that is hangs on the order of the routes.
        let first = |name: &String| name.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
        match self.named.keys().find(|name| first(name) != **name && self.named.contains_key(&first(name))) {
            Some(second) => Err(first(second)),
            None => Ok(self.named),
        }
    }
}

/// The fields of an object: name, whether it must be there, schema (a parameter is absent, never null).
pub(super) fn fields(schema: &Schema) -> Vec<(String, bool, Value)> {
    let required = |name: &str| {
        let names = schema.get("required").and_then(Value::as_array);
        names.is_some_and(|names| names.iter().any(|known| known == name))
    };
    let fields = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    fields.map(|(name, schema)| (name.clone(), required(name), without_null(schema.clone()))).collect()
}

/// A field of an answer that may be missing is left out when it has no value: it is never null.
fn absent_not_null(schema: &mut Schema) {
    let optional = fields(schema).into_iter().filter(|(_, required, _)| !required);
    for (name, _, without_null) in optional.collect::<Vec<_>>() {
        if let Some(field) = schema.get_mut("properties").and_then(|fields| fields.get_mut(&name)) {
            *field = without_null;
        }
    }
}

fn without_null(mut schema: Value) -> Value {
    if let Some(types) = schema["type"].as_array_mut() {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            schema["type"] = only.clone();
        }
    } else if let Some(other) = schema["anyOf"].as_array().and_then(|any| any.iter().find(|s| s["type"] != "null")) {
        let mut other = other.clone();
        other["description"] = schema["description"].take();
        return other;
    }
    if let Some(object) = schema.as_object_mut() {
        object.retain(|_, value| !value.is_null());
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};

    mod other {
        #[derive(schemars::JsonSchema)]
        #[allow(dead_code)]
        pub(super) struct Cat {
            legs: u8,
        }
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Cat {
        #[serde(skip_serializing_if = "Option::is_none")]
        color: Option<String>,
        #[serde(default)]
        tags: Vec<String>,
    }

    #[test]
    fn two_types_of_one_name_are_a_clash() {
        let mut schemas = Schemas::default();
        schemas.answered.subschema_for::<Cat>();
        schemas.answered.subschema_for::<other::Cat>();
        assert_eq!(schemas.into_components(), Err("Cat".to_owned()), "both are answered");
        let mut schemas = Schemas::default();
        schemas.sent.subschema_for::<Cat>();
        schemas.answered.subschema_for::<other::Cat>();
        assert_eq!(schemas.into_components(), Err("Cat".to_owned()), "one is sent, one is answered");
    }

    #[test]
    fn a_field_that_is_skipped_is_never_null() {
        let mut schemas = Schemas::default();
        schemas.answered.subschema_for::<Cat>();
        let cat = schemas.into_components().unwrap().remove("Cat").unwrap();
        assert_eq!((&cat["properties"]["color"]["type"], &cat["required"][0]), (&"string".into(), &"tags".into()));
    }
}
