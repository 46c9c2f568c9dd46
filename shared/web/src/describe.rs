//! What an operation takes and answers, told by the types of its handler: the source of a system's OpenAPI document.
//! Nothing of it runs until the document is asked for.

mod schemas;

use std::collections::BTreeMap;
use std::fmt::Display;

use schemars::JsonSchema;
use serde_json::{Map, Value, json};

use crate::kind::Kind;

pub use schemas::Schemas;
use schemas::fields;

/// What an extractor takes from a request, for the documentation.
pub trait Input {
    /// Adds parameters, a body, and how they are refused.
    fn describe(operation: &mut Operation<'_>);
}

/// What a handler answers, for the documentation.
pub trait Output {
    /// Adds responses.
    fn describe(operation: &mut Operation<'_>);
}

/// A handler whose arguments and answer describe themselves; `T` is as in axum's `Handler<T, S>`.
pub trait Describe<T> {
    /// Adds all that the handler's types say.
    fn describe(operation: &mut Operation<'_>);
}

macro_rules! describe_functions {
    ($($first:ident $($input:ident)*;)*) => {$(
        impl<F, Fut, M, $first, $($input,)*> Describe<(M, $first, $($input,)*)> for F
        where
            F: FnOnce($first, $($input,)*) -> Fut,
            Fut: Future<Output: Output>,
            $first: Input,
            $($input: Input,)*
        {
            fn describe(operation: &mut Operation<'_>) {
                <$first>::describe(operation);
                $(<$input>::describe(operation);)*
                Fut::Output::describe(operation);
            }
        }
    )*};
}

describe_functions! {
    A;
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E G;
    A B C D E G H;
    A B C D E G H I;
}

impl<F: FnOnce() -> Fut, Fut: Future<Output: Output>> Describe<((),)> for F {
    fn describe(operation: &mut Operation<'_>) {
        Fut::Output::describe(operation);
    }
}

/// One operation while its handler's types describe it.
#[derive(Debug)]
pub struct Operation<'a> {
    id: &'static str,
    path: &'static str,
    schemas: &'a mut Schemas,
    parameters: Vec<Value>,
    body: Option<Value>,
    answers: BTreeMap<String, Value>,
    refusals: BTreeMap<u16, Vec<Kind>>,
}

impl<'a> Operation<'a> {
    /// The operation of the handler `id` at `path` (`/links/{code}`).
    pub fn new(id: &'static str, path: &'static str, schemas: &'a mut Schemas) -> Self {
        let (parameters, answers) = Default::default();
        Self { id, path, schemas, parameters, body: None, answers, refusals: BTreeMap::new() }
    }

    /// A parameter in `place`: `query`, `path` or `header`. Its description moves up from its schema.
    pub fn parameter(&mut self, place: &str, name: &str, required: bool, mut schema: Value) {
        let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
        let mut parameter = json!({"name": name, "in": place, "required": required, "schema": schema});
        parameter.as_object_mut().into_iter().for_each(|object| {
            object.extend(description.clone().map(|text| ("description".to_owned(), text)));
        });
        self.parameters.push(parameter);
    }

    /// The query's parameters: the fields of `T`.
    pub fn query<T: JsonSchema>(&mut self) {
        for (name, required, schema) in fields(&T::json_schema(&mut self.schemas.sent)) {
            self.parameter("query", &name, required, schema);
        }
    }

    /// The path's parameters: one, a tuple, or the fields of `T`.
    pub fn path<T: JsonSchema>(&mut self) {
        let schema = T::json_schema(&mut self.schemas.sent).to_value();
        let names = self.path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
        let schema_of = |index: usize, name: &str| match (&schema["properties"][name], &schema["prefixItems"][index]) {
            (Value::Null, Value::Null) => schema.clone(),
            (Value::Null, of_tuple) => of_tuple.clone(),
            (of_field, _) => of_field.clone(),
        };
        let parameters: Vec<(&str, Value)> = names.enumerate().map(|(i, name)| (name, schema_of(i, name))).collect();
        for (name, schema) in parameters {
            self.parameter("path", name, true, schema);
        }
    }

    /// The JSON body.
    pub fn body<T: JsonSchema>(&mut self) {
        let schema = match T::schema_name().as_ref() {
            // A handler's own type is known by the handler's name.
            "Request" => {
                let name = self.own("Request");
                let mut schema = T::json_schema(&mut self.schemas.sent);
                schema.remove("description");
                let schema = schema.to_value();
                self.schemas.named.insert(name.clone(), schema);
                json!({"$ref": format!("#/components/schemas/{name}")})
            }
            name => {
                self.schemas.bodies.push(name.to_owned());
                self.schemas.sent.subschema_for::<T>().to_value()
            }
        };
        self.body = Some(json!({"required": true, "content": {"application/json": {"schema": schema}}}));
    }

    /// The body may be an HTML form of the same members too.
    pub fn also_as_form(&mut self) {
        if let Some(body) = &mut self.body {
            let schema = body["content"]["application/json"].clone();
            body["content"]["application/x-www-form-urlencoded"] = schema;
        }
    }

    /// An answer of JSON.
    pub fn json<T: JsonSchema>(&mut self, status: u16, description: &str) -> &mut Value {
        let schema = self.schemas.answered.subschema_for::<T>();
        let answer = self.answer(status, description);
        answer["content"]["application/json"]["schema"] = schema.to_value();
        answer
    }

    /// An answer of any of these media types.
    pub fn content(&mut self, status: u16, description: &str, media: &[&str]) -> &mut Value {
        let answer = self.answer(status, description);
        media.iter().for_each(|media| answer["content"][media] = json!({"schema": {"type": "string"}}));
        answer
    }

    /// An answer; the status may be a range: `3XX`.
    pub fn answer(&mut self, status: impl Display, description: &str) -> &mut Value {
        let answer = self.answers.entry(status.to_string()).or_insert_with(|| json!({}));
        answer["description"] = description.into();
        answer
    }

    /// A refusal.
    pub fn refusal(&mut self, kind: Kind) {
        let kinds = self.refusals.entry(kind.status.as_u16()).or_default();
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }

    fn own(&self, suffix: &str) -> String {
        let capital = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
        self.id.split('_').filter(|word| !word.is_empty()).map(capital).collect::<String>() + suffix
    }

    /// The operation as an object of OpenAPI 3.1, without what only the table of routes knows.
    pub fn into_value(self) -> Value {
        let mut value = json!({"operationId": self.id, "responses": {"default": {"$ref": PROBLEM}}});
        if !self.parameters.is_empty() {
            value["parameters"] = self.parameters.into();
        }
        if let Some(body) = self.body {
            value["requestBody"] = body;
        }
        for (status, answer) in self.answers {
            value["responses"][status] = answer;
        }
        for (status, kinds) in self.refusals {
            let titles: Vec<&str> = kinds.iter().map(|kind| kind.title).collect();
            value["responses"][status.to_string()] = refusals(&titles.join("; or: "), &kinds);
        }
        value
    }
}

/// Where a document holds the response that every refusal is.
const PROBLEM: &str = "#/components/responses/Problem";

/// The response that these problems are.
pub fn refusals<'a>(description: &str, kinds: impl IntoIterator<Item = &'a Kind>) -> Value {
    let examples = kinds.into_iter().map(|kind| (kind.slug.to_owned(), json!({"value": kind.example()})));
    let schema = json!({"$ref": "#/components/schemas/Problem"});
    let content = json!({"schema": schema, "examples": examples.collect::<Map<_, _>>()});
    json!({"description": description, "content": {"application/problem+json": content}})
}
