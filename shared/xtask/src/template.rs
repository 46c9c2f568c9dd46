//! A SAM template as rules see it: YAML with CloudFormation's tags kept, and intrinsics as the text they stand for.

use anyhow::{Context as _, Result};
use yaml_serde::Value;

/// A parsed template.
#[derive(Debug, Clone)]
pub struct Template(Value);

/// A resource of a template.
#[derive(Debug, Clone, Copy)]
pub struct Resource<'a> {
    /// Its logical id.
    pub id: &'a str,
    /// Its `Type`.
    pub kind: &'a str,
    /// Its `Properties`.
    pub properties: &'a Value,
}

/// An event source of a function.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Its name in the template.
    pub id: &'a str,
    /// `HttpApi`, `SQS`, …
    pub kind: &'a str,
    /// Its `Properties`.
    pub properties: &'a Value,
}

impl Template {
    /// Parses a template.
    ///
    /// # Errors
    /// When it is no YAML, or has no `Resources`.
    pub fn parse(text: &str) -> Result<Self> {
        let value: Value = yaml_serde::from_str(text).context("it is not YAML")?;
        value.get("Resources").and_then(Value::as_mapping).context("it has no Resources")?;
        Ok(Self(value))
    }

    /// The names of its top-level sections, in order.
    pub fn sections(&self) -> Vec<&str> {
        self.0.as_mapping().into_iter().flat_map(|map| map.keys()).filter_map(Value::as_str).collect()
    }

    /// A value of the template by its path: `at(&["Parameters", "Stage"])`.
    pub fn at(&self, path: &[&str]) -> Option<&Value> {
        at(&self.0, path)
    }

    /// The parameters that have a default, and that.
    pub fn defaults(&self) -> Vec<(String, String)> {
        let parameters = entries(self.0.get("Parameters"));
        parameters.filter_map(|(name, value)| Some((name.to_owned(), text(value.get("Default")?)?))).collect()
    }

    /// All resources, in order.
    pub fn resources(&self) -> Vec<Resource<'_>> {
        entries(self.0.get("Resources"))
            .map(|(id, value)| Resource {
                id,
                kind: value.get("Type").and_then(Value::as_str).unwrap_or_default(),
                properties: value.get("Properties").unwrap_or(&Value::Null),
            })
            .collect()
    }

    /// The resources of one type.
    pub fn of_type(&self, kind: &str) -> Vec<Resource<'_>> {
        self.resources().into_iter().filter(|resource| resource.kind == kind).collect()
    }

    /// The functions.
    pub fn functions(&self) -> Vec<Resource<'_>> {
        self.of_type("AWS::Serverless::Function")
    }
}

impl<'a> Resource<'a> {
    /// The text at a path of the properties.
    pub fn text(&self, path: &[&str]) -> Option<String> {
        text(at(self.properties, path)?)
    }

    /// The event sources of a function.
    pub fn sources(&self) -> Vec<Source<'a>> {
        entries(self.properties.get("Events"))
            .map(|(id, value)| Source {
                id,
                kind: value.get("Type").and_then(Value::as_str).unwrap_or_default(),
                properties: value.get("Properties").unwrap_or(&Value::Null),
            })
            .collect()
    }
}

impl Source<'_> {
    /// The text at a path of the properties.
    pub fn text(&self, path: &[&str]) -> Option<String> {
        text(at(self.properties, path)?)
    }
}

/// The value at a path of keys.
pub fn at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, key| value.get(*key))
}

/// The entries of a mapping, where it is one.
pub fn entries(value: Option<&Value>) -> impl Iterator<Item = (&str, &Value)> {
    let pairs = value.and_then(Value::as_mapping).into_iter().flatten();
    pairs.filter_map(|(key, value)| Some((key.as_str()?, value)))
}

/// A list, or one value that stands for a list of one.
pub fn list(value: Option<&Value>) -> Vec<&Value> {
    match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Sequence(values)) => values.iter().collect(),
        Some(value) => vec![value],
    }
}

/// The text of a scalar or of an intrinsic: `!Sub '${Stage}-x'`, `!Ref Stage` → `${Stage}`, `!GetAtt A.Arn` →
/// `${A.Arn}`.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Tagged(tagged) => intrinsic(&tagged.tag.to_string(), &tagged.value),
        Value::Mapping(map) if map.len() == 1 => {
            entries(Some(value)).next().and_then(|(key, value)| intrinsic(key, value))
        }
        _ => None,
    }
}

fn intrinsic(name: &str, value: &Value) -> Option<String> {
    match name.trim_start_matches('!').trim_start_matches("Fn::") {
        "Sub" => list(Some(value)).first().copied().and_then(text),
        "Ref" => text(value).map(|name| format!("${{{name}}}")),
        "GetAtt" => {
            let parts: Option<Vec<String>> = list(Some(value)).into_iter().map(text).collect();
            parts.map(|parts| format!("${{{}}}", parts.join(".")))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intrinsics_read_as_the_text_they_stand_for() {
        let value: Value = yaml_serde::from_str(
            "[plain, 3, !Sub '${Stage}-x', !Ref Stage, !GetAtt A.Arn, {'Fn::GetAtt': [A, Arn]}, {Ref: B}, \
             !Sub ['${A}', {A: 1}]]",
        )
        .unwrap();
        let texts: Vec<_> = list(Some(&value)).into_iter().filter_map(text).collect();
        assert_eq!(texts, ["plain", "3", "${Stage}-x", "${Stage}", "${A.Arn}", "${A.Arn}", "${B}", "${A}"]);
    }

    #[test]
    fn what_is_no_template_is_refused() {
        assert!(Template::parse("just: text").is_err());
        assert!(Template::parse("a: [").is_err());
        assert!(Template::parse("Resources: {}").is_ok());
    }
}
