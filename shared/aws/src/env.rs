//! Configuration: environment variables, read once at cold start. A missing one stops the function before it takes
//! traffic.

use std::collections::BTreeMap;
use std::str::FromStr;

use types::{Fault, Secret};

/// The variables that the template gives a function (and Lambda adds), or a test's own.
#[derive(Debug, Clone, Default)]
pub struct Env(BTreeMap<String, String>);

impl Env {
    /// The process's environment.
    #[allow(clippy::disallowed_methods)] // the one reader of the environment
    pub fn of_process() -> Self {
        Self(std::env::vars().collect())
    }

    /// Exactly these variables.
    pub fn of<K: Into<String>, V: Into<String>>(variables: impl IntoIterator<Item = (K, V)>) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// This environment with one variable more.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A variable that may be absent; an empty one counts as absent, since a template cannot leave one out.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A variable that must be there.
    ///
    /// # Errors
    /// A permanent fault that names it.
    pub fn require(&self, name: &str) -> Result<&str, Fault> {
        self.get(name).ok_or_else(|| Fault::permanent(format!("the environment variable {name} is not set")))
    }

    /// A variable parsed, or `default` when absent.
    ///
    /// # Errors
    /// A permanent fault when it is there and does not parse.
    pub fn parse_or<T: FromStr>(&self, name: &str, default: T) -> Result<T, Fault> {
        match self.get(name) {
            None => Ok(default),
            Some(text) => text
                .parse()
                .map_err(|_| Fault::permanent(format!("the environment variable {name} cannot be read: {text:?}"))),
        }
    }

    /// The system's root secret, `ALMANAC_SECRET`.
    ///
    /// # Errors
    /// When it is absent or short.
    pub fn secret(&self) -> Result<Secret, Fault> {
        Secret::new(self.require("ALMANAC_SECRET")?).map_err(|e| Fault::permanent("ALMANAC_SECRET").caused_by(e))
    }
}
