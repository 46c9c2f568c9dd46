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
    /// Types that are bodies themselves: the operations refer to them by these names.
    pub(super) bodies: Vec<String>,
}

/// Where a document has its schemas.
const PLACE: &str = "#/components/schemas/";

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
            bodies: Vec::new(),
        }
    }
}

impl Schemas {
    /// All schemas by name. What is part of a body and of an answer in different forms is `Cat` as it is answered and
    /// `NewCat` as it is sent. Otherwise a name that stands for two different things is a clash.
    ///
    /// # Errors
    /// The clashing name: give one of the types another by `#[schemars(rename = "…")]`.
    pub fn into_components(mut self) -> Result<Map<String, Value>, String> {
        let answered = self.answered.take_definitions(true);
        let mut sent = std::mem::take(&mut self.named);
        for (name, schema) in self.sent.take_definitions(true) {
            match sent.get(&name) {
                Some(other) if *other != schema => return Err(name),
                _ => sent.insert(name, schema),
            };
        }
        let two_forms = |name: &String| answered.get(name).is_some_and(|schema| sent.get(name) != Some(schema));
        let two_forms: Vec<String> = sent.keys().filter(|name| two_forms(name)).cloned().collect();
        if let Some(body) = two_forms.iter().find(|name| self.bodies.contains(*name)) {
            return Err(body.clone());
        }
        self.named = answered;
        for (name, mut schema) in sent {
            refer_to_new(&mut schema, &two_forms);
            let name = if two_forms.contains(&name) { format!("New{name}") } else { name };
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

/// Where a sent schema refers to one that has two forms, it means the one that is sent.
fn refer_to_new(schema: &mut Value, two_forms: &[String]) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::String(reference)) = object.get_mut("$ref")
                && let Some(name) = reference.strip_prefix(PLACE).filter(|name| two_forms.iter().any(|it| it == name))
            {
                *reference = format!("{PLACE}New{name}");
            }
            object.values_mut().for_each(|value| refer_to_new(value, two_forms));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| refer_to_new(item, two_forms)),
        _ => {}
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
        schemas.bodies.push("Cat".to_owned());
        assert_eq!(schemas.into_components(), Err("Cat".to_owned()), "one is a body, one is answered");
    }

    #[derive(Deserialize, JsonSchema)]
    #[allow(dead_code)]
    struct Litter {
        cats: Vec<Cat>,
    }

    #[test]
    fn what_is_sent_and_answered_in_two_forms_has_two_names() {
        let mut schemas = Schemas::default();
        schemas.sent.subschema_for::<Litter>();
        schemas.answered.subschema_for::<Cat>();
        let all = schemas.into_components().unwrap();
        assert_eq!(all["Litter"]["properties"]["cats"]["items"]["$ref"], "#/components/schemas/NewCat");
        assert_eq!(all["NewCat"]["properties"]["color"]["type"][1], "null");
        assert_eq!(all["Cat"]["properties"]["color"]["type"], "string");
    }

    #[test]
    fn a_field_that_is_skipped_is_never_null() {
        let mut schemas = Schemas::default();
        schemas.answered.subschema_for::<Cat>();
        let cat = schemas.into_components().unwrap().remove("Cat").unwrap();
        assert_eq!((&cat["properties"]["color"]["type"], &cat["required"][0]), (&"string".into(), &"tags".into()));
    }
}
