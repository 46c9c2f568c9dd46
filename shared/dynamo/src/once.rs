//! What is kept of a request that must take effect once, and how its repetition is answered.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use types::once::ONCE_TTL;
use types::{Answer, Fault, Instant, Once, OnceRefusal};

use crate::item::{Item, Key, Value};
use crate::{Consistency, Done, Table};

/// What is stored about a request that must take effect once.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct OnceItem {
    scope: String,
    once_key: String,
    fingerprint: String,
    result: String,
    expires_at: i64,
}

impl OnceItem {
    /// The record of `once`, whose `result` is remembered.
    pub(crate) fn of<T: Serialize>(once: &Once, result: &T, now: Instant) -> Result<Self, Fault> {
        let result = serde_json::to_string(result).map_err(|e| Fault::permanent("writing a result").caused_by(e))?;
        Ok(Self {
            scope: once.scope.clone(),
            once_key: once.key.clone(),
            fingerprint: once.fingerprint.clone(),
            result,
            expires_at: (now + ONCE_TTL).millis(),
        })
    }
}

impl Item for OnceItem {
    fn key(&self) -> Key {
        once_key(&self.scope, &self.once_key)
    }
    fn index(&self) -> Vec<(&'static str, Value)> {
        vec![("purge_at", self.expires_at.div_euclid(1000).into())]
    }
}

impl Table {
    /// What a request that would now be refused was answered before, if it was: a repetition is answered as the first
    /// was, though time or rules have moved on since.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn replay<T: DeserializeOwned, R: From<OnceRefusal>>(
        &self,
        once: &Once,
        now: Instant,
    ) -> Answer<Option<T>, R> {
        let standing: Option<OnceItem> = self.get(&once_key(&once.scope, &once.key), Consistency::Strong).await?;
        let Some(item) = standing.filter(|item| now.millis() < item.expires_at) else { return Ok(Ok(None)) };
        Ok(result_of(once, item)?.map(Some))
    }
}

fn once_key(scope: &str, key: &str) -> Key {
    Key::new(format!("ONCE#{scope}#{key}"), "ONCE")
}

/// The request was carried out before: its result, if it was the same request.
pub(crate) fn replay<T: DeserializeOwned, R: From<OnceRefusal>>(
    once: &Once,
    standing: Option<OnceItem>,
) -> Answer<Done<T>, R> {
    let Some(item) = standing else { return Ok(Err(OnceRefusal::InProgress.into())) };
    Ok(result_of(once, item)?.map(Done::Before))
}

fn result_of<T: DeserializeOwned, R: From<OnceRefusal>>(once: &Once, item: OnceItem) -> Answer<T, R> {
    if item.fingerprint != once.fingerprint {
        return Ok(Err(OnceRefusal::Mismatch.into()));
    }
    serde_json::from_str(&item.result).map(Ok).map_err(|e| Fault::permanent("reading a stored result").caused_by(e))
}
