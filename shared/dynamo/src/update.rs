//! Changes to attributes of one item.

use aws::fault;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use serde::de::DeserializeOwned;
use types::{Answer, Fault};

use crate::condition::{Condition, Placeholders};
use crate::item::{Attributes, Key, Value, from_attributes, standing};
use crate::sending::{TRIES, short_pause};
use crate::{Table, size};

/// What an update does, apart from where: used alone and in transactions.
#[derive(Debug, Clone, Default)]
pub struct UpdateExpression {
    set: Vec<(String, Value)>,
    add: Vec<(String, Value)>,
    remove: Vec<String>,
    condition: Option<Condition>,
}

impl UpdateExpression {
    /// An update that does nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// `SET attribute = value`
    #[must_use]
    pub fn set(mut self, attribute: impl Into<String>, value: impl Into<Value>) -> Self {
        self.set.push((attribute.into(), value.into()));
        self
    }

    /// `ADD attribute value`: a number is added to (from 0), a set is united with.
    #[must_use]
    pub fn add(mut self, attribute: impl Into<String>, value: impl Into<Value>) -> Self {
        self.add.push((attribute.into(), value.into()));
        self
    }

    /// `REMOVE attribute`
    #[must_use]
    pub fn remove(mut self, attribute: impl Into<String>) -> Self {
        self.remove.push(attribute.into());
        self
    }

    /// Only if the item that is there meets the condition.
    #[must_use]
    pub fn when(mut self, condition: Condition) -> Self {
        self.condition = Some(condition);
        self
    }

    /// The update expression and the condition expression.
    pub(crate) fn write(&self, names: &mut Placeholders) -> (String, Option<String>) {
        let mut clauses = Vec::new();
        let pairs = |pairs: &[(String, Value)], operator: &str, names: &mut Placeholders| -> String {
            let each = pairs
                .iter()
                .map(|(attribute, value)| format!("{}{operator}{}", names.name(attribute), names.value(value.clone())));
            each.collect::<Vec<_>>().join(", ")
        };
        if !self.set.is_empty() {
            clauses.push(format!("SET {}", pairs(&self.set, " = ", names)));
        }
        if !self.add.is_empty() {
            clauses.push(format!("ADD {}", pairs(&self.add, " ", names)));
        }
        if !self.remove.is_empty() {
            let removed: Vec<String> = self.remove.iter().map(|attribute| names.name(attribute)).collect();
            clauses.push(format!("REMOVE {}", removed.join(", ")));
        }
        (clauses.join(" "), self.condition.as_ref().map(|condition| condition.write(names)))
    }
}

/// A change of one item.
#[must_use = "an update does nothing until it is sent"]
#[derive(Debug)]
pub struct Update<'a> {
    table: &'a Table,
    key: Key,
    expression: UpdateExpression,
}

impl<'a> Update<'a> {
    pub(crate) fn new(table: &'a Table, key: Key) -> Self {
        Self { table, key, expression: UpdateExpression::new() }
    }

    /// The changes and their condition.
    pub fn apply(mut self, expression: UpdateExpression) -> Self {
        self.expression = expression;
        self
    }

    /// Sends the update and returns the item as it is now; where the condition fails, `refused` makes the refusal from
    /// the item that is there.
    ///
    /// # Errors
    /// When the table cannot be written or an item does not fit its type.
    pub async fn send_or<T, O, R>(self, refused: impl FnOnce(Option<O>) -> R) -> Answer<T, R>
    where
        T: DeserializeOwned,
        O: DeserializeOwned,
    {
        Ok(match self.send_raw().await? {
            Ok(item) => Ok(from_attributes(item)?),
            Err(item) => Err(refused(standing(item)?)),
        })
    }

    /// The item as it is now, or the one that made the condition fail.
    pub(crate) async fn send_raw(self) -> Answer<Attributes, Option<Attributes>> {
        let mut names = Placeholders::default();
        let (update, condition) = self.expression.write(&mut names);
        let (names, values) = names.finish();
        let request = self.table.client.update_item().table_name(&*self.table.name);
        let mut tries = 0;
        let request = request
            .set_key(Some(self.key.attributes()))
            .update_expression(update)
            .set_condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let answer = loop {
            tries += 1;
            match aws::within_deadline("UpdateItem", request.clone().send()).await? {
                Ok(output) => break Ok(output.attributes.unwrap_or_default()),
                Err(error) => match error.as_service_error() {
                    Some(UpdateItemError::ConditionalCheckFailedException(failed)) => break Err(failed.item.clone()),
                    // A transaction holds the item for a moment; the SDK does not send such a write again.
                    Some(UpdateItemError::TransactionConflictException(_)) if tries < TRIES => short_pause(tries).await,
                    _ => return Err(fault("UpdateItem", error)),
                },
            }
        };
        let bytes = answer.as_ref().map_or_else(|item| item.as_ref().map_or(0, size::bytes), size::bytes);
        aws::invocation::meter(|meter| meter.write_units += size::write_units(bytes));
        Ok(answer)
    }

    /// Sends an update that has no condition and whose result nobody needs.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn send(self) -> Result<(), Fault> {
        let sent = self.send_or::<serde::de::IgnoredAny, serde::de::IgnoredAny, ()>(|_| ()).await?;
        sent.map(drop).map_err(|()| Fault::permanent("an update without a refusal was refused"))
    }
}
