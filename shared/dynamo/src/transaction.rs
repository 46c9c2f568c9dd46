//! Several writes all or none, each with its own refusal, and requests that take effect once.

use aws_sdk_dynamodb::types::{
    ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use types::{Answer, Fault, Instant, Once, OnceRefusal};

use crate::condition::{Condition, Placeholders, le, missing};
use crate::item::{Attributes, Item, Key, attributes, standing};
use crate::once::{OnceItem, replay};
use crate::sending::{Cancelled, TRIES, code, transact};
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
    pub(crate) writes: Vec<(TransactWriteItem, Refuse<'a, R>)>,
    once: Option<Once>,
    first_decides: bool,
    /// Units of its writes alone; an update's item is not seen, so it counts for the least.
    pub(crate) units: f64,
}

impl<'a, R> Transaction<'a, R> {
    pub(crate) fn new(table: &'a Table) -> Self {
        Self { table, writes: Vec::new(), once: None, first_decides: false, units: 0.0 }
    }

    /// Its first write tells whether it is a repetition: while that item is held by another transaction, which may be
    /// its own first sending, what the other conditions say is not believed.
    pub fn first_decides(mut self) -> Self {
        self.first_decides = true;
        self
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
        let refuse: Refuse<'a, R> = Box::new(|item| Ok(refused(standing(item)?)));
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
        let refuse: Refuse<'a, R> = Box::new(|item| Ok(refused(standing(item)?)));
        self.writes.push((TransactWriteItem::builder().update(update).build(), refuse));
        Ok(self)
    }

    /// Deletes one item under a condition; `refused` makes the refusal from the item that is there.
    ///
    /// # Errors
    /// Never for a key and a condition; the SDK's builder is fallible.
    pub fn delete<T: DeserializeOwned>(
        mut self,
        key: &Key,
        condition: &Condition,
        refused: impl FnOnce(Option<T>) -> R + Send + 'a,
    ) -> Result<Self, Fault> {
        self.units += size::write_units(0);
        let mut names = Placeholders::default();
        let condition = condition.write(&mut names);
        let (names, values) = names.finish();
        let delete = Delete::builder()
            .table_name(&*self.table.name)
            .set_key(Some(key.attributes()))
            .condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|e| Fault::permanent("building a delete").caused_by(e))?;
        let refuse: Refuse<'a, R> = Box::new(|item| Ok(refused(standing(item)?)));
        self.writes.push((TransactWriteItem::builder().delete(delete).build(), refuse));
        Ok(self)
    }

    /// Writes the others only if this item, which is left as it is, meets the condition; `refused` makes the refusal.
    ///
    /// # Errors
    /// As [`Transaction::delete`].
    pub fn check<T: DeserializeOwned>(
        mut self,
        key: &Key,
        condition: &Condition,
        refused: impl FnOnce(Option<T>) -> R + Send + 'a,
    ) -> Result<Self, Fault> {
        self.units += size::write_units(0);
        let mut names = Placeholders::default();
        let condition = condition.write(&mut names);
        let (names, values) = names.finish();
        let check = ConditionCheck::builder()
            .table_name(&*self.table.name)
            .set_key(Some(key.attributes()))
            .condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|e| Fault::permanent("building a condition check").caused_by(e))?;
        let refuse: Refuse<'a, R> = Box::new(|item| Ok(refused(standing(item)?)));
        self.writes.push((TransactWriteItem::builder().condition_check(check).build(), refuse));
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
        let item = OnceItem::of(&once, result, now)?;
        self.once = Some(once);
        let free = missing("pk").or(le("expires_at", now));
        let mut this = self.put_raw(attributes(&item)?, &free, Box::new(|_| Ok(OnceRefusal::InProgress.into())))?;
        this.writes.rotate_right(1); // the once record is judged first
        this.first_decides = true;
        Ok(this)
    }

    /// Sends the transaction. A clash with another transaction on the same items is tried again a few times.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn send<T: DeserializeOwned>(self) -> Answer<Done<T>, R> {
        let (writes, mut refusals): (Vec<_>, Vec<_>) = self.writes.into_iter().unzip();
        let once = self.once.is_some();
        let (reasons, index) = match transact(self.table, &writes, self.units, self.first_decides, TRIES).await? {
            Cancelled::Not => return Ok(Ok(Done::Now)),
            Cancelled::Refused(reasons, index) => (reasons, index),
            Cancelled::Busy(reasons, _) if once && code(&reasons[0]) == "TransactionConflict" => {
                return Ok(Err(OnceRefusal::InProgress.into()));
            }
            Cancelled::Busy(_, fault) => return Err(fault),
        };
        let item = reasons.into_iter().nth(index).and_then(|reason| reason.item);
        match (&self.once, index) {
            (Some(once), 0) => replay(once, standing(item)?),
            _ => Ok(Err(refusals.swap_remove(index)(item)?)),
        }
    }
}
