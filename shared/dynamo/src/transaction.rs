//! Several writes all or none, each with its own refusal, and requests that take effect once.

use std::time::Duration;

use aws::fault;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    CancellationReason, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use types::once::ONCE_TTL;
use types::{Answer, Fault, Instant, Once, OnceRefusal, random};

use crate::condition::{Condition, Placeholders, le, missing};
use crate::item::{Attributes, Item, Key, Value, attributes, from_attributes};
use crate::{Table, UpdateExpression, size};

/// How a transaction that did not refuse ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done<T> {
    /// It was carried out now.
    Now,
    /// Its [`Once`] had been carried out before, with this result.
    Before(T),
}

type Refuse<'a, R> = Box<dyn FnOnce(Option<Attributes>) -> Result<R, Fault> + Send + 'a>;

/// A transaction under construction; `R` is what its conditions refuse with.
#[must_use = "a transaction does nothing until it is sent"]
pub struct Transaction<'a, R> {
    table: &'a Table,
    writes: Vec<(TransactWriteItem, Refuse<'a, R>)>,
    once: Option<Once>,
    /// Units of its writes alone; an update's item is not seen, so it counts for the least.
    units: f64,
}

/// What is stored about a request that must take effect once.
#[derive(Debug, Serialize, Deserialize)]
struct OnceItem {
    scope: String,
    once_key: String,
    fingerprint: String,
    result: String,
    expires_at: i64,
}

impl Item for OnceItem {
    fn key(&self) -> Key {
        Key::new(format!("ONCE#{}#{}", self.scope, self.once_key), "ONCE")
    }
    fn index(&self) -> Vec<(&'static str, Value)> {
        vec![("purge_at", self.expires_at.div_euclid(1000).into())]
    }
}

impl<'a, R> Transaction<'a, R> {
    pub(crate) fn new(table: &'a Table) -> Self {
        Self { table, writes: Vec::new(), once: None, units: 0.0 }
    }

    /// Puts a whole item under a condition; `refused` makes the refusal from the item that is there.
    ///
    /// # Errors
    /// When the item cannot be written as attributes.
    pub fn put<T: Item>(
        self,
        item: &T,
        condition: Condition,
        refused: impl FnOnce(Option<T>) -> R + Send + 'a,
    ) -> Result<Self, Fault> {
        let refuse: Refuse<'a, R> = Box::new(|standing| Ok(refused(standing.map(from_attributes).transpose()?)));
        self.put_raw(attributes(item)?, &condition, refuse)
    }

    fn put_raw(mut self, item: Attributes, condition: &Condition, refuse: Refuse<'a, R>) -> Result<Self, Fault> {
        self.units += size::write_units(size::bytes(&item));
        let mut names = Placeholders::default();
        let condition = condition.write(&mut names);
        let (names, values) = names.finish();
        let put = Put::builder()
            .table_name(&*self.table.name)
            .set_item(Some(item))
            .condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|e| Fault::permanent("building a put").caused_by(e))?;
        self.writes.push((TransactWriteItem::builder().put(put).build(), refuse));
        Ok(self)
    }

    /// Changes one item; its condition is part of the expression.
    ///
    /// # Errors
    /// When the update is empty.
    pub fn update<T: DeserializeOwned>(
        mut self,
        key: &Key,
        expression: &UpdateExpression,
        refused: impl FnOnce(Option<T>) -> R + Send + 'a,
    ) -> Result<Self, Fault> {
        self.units += size::write_units(0);
        let mut names = Placeholders::default();
        let (update, condition) = expression.write(&mut names);
        let (names, values) = names.finish();
        let update = Update::builder()
            .table_name(&*self.table.name)
            .set_key(Some(key.attributes()))
            .update_expression(update)
            .set_condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|e| Fault::permanent("building an update").caused_by(e))?;
        let refuse: Refuse<'a, R> = Box::new(|standing| Ok(refused(standing.map(from_attributes).transpose()?)));
        self.writes.push((TransactWriteItem::builder().update(update).build(), refuse));
        Ok(self)
    }
}

impl<'a, R: From<OnceRefusal>> Transaction<'a, R> {
    /// Makes the whole transaction take effect once: a repetition within 24 h finds `result` and changes nothing, in
    /// the same single round trip. An expired record counts as none.
    ///
    /// # Errors
    /// When the result cannot be written as JSON.
    pub fn once<T: Serialize>(mut self, once: Once, result: &T, now: Instant) -> Result<Self, Fault> {
        let result = serde_json::to_string(result).map_err(|e| Fault::permanent("writing a result").caused_by(e))?;
        let item = OnceItem {
            scope: once.scope.clone(),
            once_key: once.key.clone(),
            fingerprint: once.fingerprint.clone(),
            result,
            expires_at: (now + ONCE_TTL).millis(),
        };
        self.once = Some(once);
        let free = missing("pk").or(le("expires_at", now));
        let mut this = self.put_raw(attributes(&item)?, &free, Box::new(|_| Ok(OnceRefusal::InProgress.into())))?;
        this.writes.rotate_right(1); // the once record is judged first
        Ok(this)
    }

    /// Sends the transaction. A clash with another transaction on the same items is tried again a few times.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn send<T: DeserializeOwned>(self) -> Answer<Done<T>, R> {
        let (writes, mut refusals): (Vec<_>, Vec<_>) = self.writes.into_iter().unzip();
        let token = random::uuid().to_string(); // the same for all tries: a lost reply is not a second effect
        let mut tries = 0;
        let reasons = loop {
            tries += 1;
            let request = self.table.client.transact_write_items().set_transact_items(Some(writes.clone()));
            let outcome =
                aws::within_deadline("TransactWriteItems", request.client_request_token(&token).send()).await?;
            aws::invocation::meter(|meter| meter.write_units += 2.0 * self.units);
            let error = match outcome {
                Ok(_) => return Ok(Ok(Done::Now)),
                Err(error) => error,
            };
            let reasons = match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                    cancelled.cancellation_reasons().to_vec()
                }
                _ => return Err(fault("TransactWriteItems", error)),
            };
            let clashed = reasons.iter().any(|reason| reason.code() == Some("TransactionConflict"));
            if !clashed || reasons.iter().any(failed) {
                if !reasons.iter().any(failed) {
                    return Err(fault("TransactWriteItems", error));
                }
                break reasons;
            }
            if tries == 4 {
                if self.once.is_some() && reasons.first().is_some_and(|r| r.code() == Some("TransactionConflict")) {
                    return Ok(Err(OnceRefusal::InProgress.into()));
                }
                return Err(Fault::transient("TransactWriteItems kept clashing with others").caused_by(error));
            }
            let jitter = u64::from(random::bytes::<1>()[0]) / 8;
            tokio::time::sleep(Duration::from_millis((10 << tries) + jitter)).await;
        };
        let index = reasons.iter().position(failed).unwrap_or_default();
        let standing = reasons.into_iter().nth(index).and_then(|reason| reason.item).filter(|i| !i.is_empty());
        match (&self.once, index) {
            (Some(once), 0) => replay(once, standing),
            _ => Ok(Err(refusals.swap_remove(index)(standing)?)),
        }
    }
}

fn failed(reason: &CancellationReason) -> bool {
    reason.code() == Some("ConditionalCheckFailed")
}

/// The request was carried out before: its result, if it was the same request.
fn replay<T: DeserializeOwned, R: From<OnceRefusal>>(once: &Once, standing: Option<Attributes>) -> Answer<Done<T>, R> {
    let Some(standing) = standing else { return Ok(Err(OnceRefusal::InProgress.into())) };
    let item: OnceItem = from_attributes(standing)?;
    if item.fingerprint != once.fingerprint {
        return Ok(Err(OnceRefusal::Mismatch.into()));
    }
    serde_json::from_str(&item.result)
        .map(|result| Ok(Done::Before(result)))
        .map_err(|e| Fault::permanent("reading a stored result").caused_by(e))
}
