//! Reads a system's template: its tables and queues as declared, and the environment of its functions.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

/// A template with its short-form intrinsics in their long form: `!Ref X` is `{"Ref": "X"}`.
#[derive(Debug, Clone)]
pub struct Template {
    root: Value,
}

/// The root of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").components().collect()
}

impl Template {
    /// The template of the system `name`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of_system(name: &str) -> Result<Self> {
        // Systems that only tests have stand beside the tests.
        let folders = ["functions", "tests"].map(|folder| repository().join(folder).join(name).join("template.yaml"));
        let path = folders.iter().find(|path| path.is_file()).unwrap_or(&folders[0]);
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let yaml: yaml_serde::Value = yaml_serde::from_str(&text).with_context(|| path.display().to_string())?;
        Ok(Self { root: long_form(yaml)? })
    }

    /// Resources of one type: logical id and properties.
    pub fn resources<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
        let all = self.root["Resources"].as_object().into_iter().flatten();
        all.filter(move |(_, resource)| resource["Type"] == kind)
            .map(|(id, resource)| (id.as_str(), &resource["Properties"]))
    }

    /// The variables that all functions of the system share.
    ///
    /// # Errors
    /// When a value uses what [`Template::text`] cannot resolve.
    pub fn environment(&self, names: &BTreeMap<String, String>) -> Result<Vec<(String, String)>> {
        let variables = self.root["Globals"]["Function"]["Environment"]["Variables"].as_object();
        let variables = variables.into_iter().flatten();
        variables.map(|(name, value)| Ok((name.clone(), self.text(value, names)?))).collect()
    }

    /// A value as CloudFormation would resolve it; `names` are the physical names and parameters known so far, the rest
    /// are parameters' defaults. A secret is a fixed text.
    ///
    /// # Errors
    /// For an intrinsic that no environment here uses.
    pub fn text(&self, value: &Value, names: &BTreeMap<String, String>) -> Result<String> {
        let known = |name: &str| {
            let default = &self.root["Parameters"][name]["Default"];
            names.get(name).cloned().or_else(|| (!default.is_null()).then(|| plain(default)))
        };
        let Some((function, argument)) = value.as_object().and_then(|object| object.iter().next()) else {
            return Ok(plain(value));
        };
        match (function.as_str(), argument) {
            ("Ref", name) => Ok(known(&plain(name)).unwrap_or_else(|| plain(name))),
            ("Fn::Sub", text) => {
                let mut text = plain(text);
                if text.contains("{{resolve:secretsmanager:") {
                    return Ok("a secret that only tests know, long enough".to_owned());
                }
                while let Some((before, rest)) = text.split_once("${") {
                    let (name, after) = rest.split_once('}').context("an unclosed ${ in a template")?;
                    text = format!("{before}{}{after}", known(name).unwrap_or_default());
                }
                Ok(text)
            }
            // Conditions choose what AWS alone has (a user pool): a scenario does without.
            ("Fn::If", _) => Ok(String::new()),
            (other, _) => bail!("a test cannot resolve {other}"),
        }
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn long_form(value: yaml_serde::Value) -> Result<Value> {
    use yaml_serde::Value as Yaml;
    Ok(match value {
        Yaml::Null => Value::Null,
        Yaml::Bool(flag) => flag.into(),
        Yaml::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => whole.into(),
            (None, float) => json!(float),
        },
        Yaml::String(text) => text.into(),
        Yaml::Sequence(items) => items.into_iter().map(long_form).collect::<Result<Vec<_>>>()?.into(),
        Yaml::Mapping(entries) => {
            let entry = |(name, value): (Yaml, Yaml)| -> Result<(String, Value)> {
                Ok((plain(&long_form(name)?), long_form(value)?))
            };
            Value::Object(entries.into_iter().map(entry).collect::<Result<_>>()?)
        }
        Yaml::Tagged(tagged) => {
            let name = tagged.tag.to_string();
            let name = name.trim_start_matches('!');
            let long = if name == "Ref" { name.to_owned() } else { format!("Fn::{name}") };
            json!({ long: long_form(tagged.value)? })
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intrinsics_resolve_as_cloudformation_would() -> Result<()> {
        let yaml = "Parameters: {Stage: {Default: dev}}\nGlobals: {Function: {Environment: {Variables: {A: !Ref Stage, \
                    B: !Sub 'x-${Stage}-${Table}', \
                    C: !Sub '{{resolve:secretsmanager:${Secret}:SecretString}}', D: 7}}}}";
        let template = Template { root: long_form(yaml_serde::from_str(yaml)?)? };
        let names = [("Stage".to_owned(), "t1".to_owned()), ("Table".to_owned(), "t1-zoo".to_owned())].into();
        let env: BTreeMap<_, _> = template.environment(&names)?.into_iter().collect();
        assert_eq!((env["A"].as_str(), env["B"].as_str(), env["D"].as_str()), ("t1", "x-t1-t1-zoo", "7"));
        assert!(env["C"].len() >= 32);
        Ok(())
    }
}
