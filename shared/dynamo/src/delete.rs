//! The deletion of one item.

use aws::fault;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use serde::de::DeserializeOwned;
use types::Answer;

use crate::condition::{Condition, Placeholders};
use crate::item::{Key, standing};
use crate::{Table, size};

/// A deletion.
#[must_use = "a delete does nothing until it is sent"]
#[derive(Debug)]
pub struct Delete<'a> {
    table: &'a Table,
    key: Key,
    condition: Option<Condition>,
}

impl<'a> Delete<'a> {
    pub(crate) fn new(table: &'a Table, key: Key) -> Self {
        Self { table, key, condition: None }
    }

    /// Deletes only if the item that is there (or its absence) meets the condition.
    pub fn when(mut self, condition: Condition) -> Self {
        self.condition = Some(condition);
        self
    }

    /// Sends the deletion and returns what was deleted, `None` where nothing was; where the condition fails, `refused`
    /// makes the refusal from the item that is there. Costs what writing the deleted item would.
    ///
    /// # Errors
    /// When the table cannot be written or the item does not fit `T`.
    pub async fn send_or<T: DeserializeOwned, R>(self, refused: impl FnOnce(Option<T>) -> R) -> Answer<Option<T>, R> {
        let mut names = Placeholders::default();
        let condition = self.condition.map(|condition| condition.write(&mut names));
        let (names, values) = names.finish();
        let request = self.table.client.delete_item().table_name(&*self.table.name);
        let request = request
            .set_key(Some(self.key.attributes()))
            .set_condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let (item, deleted) = match aws::within_deadline("DeleteItem", request.send()).await? {
            Ok(output) => (output.attributes, true),
            Err(error) => match error.as_service_error() {
                Some(DeleteItemError::ConditionalCheckFailedException(failed)) => (failed.item.clone(), false),
                _ => return Err(fault("DeleteItem", error)),
            },
        };
        let bytes = item.as_ref().map_or(0, size::bytes);
        aws::invocation::meter(|meter| meter.write_units += size::write_units(bytes));
        let item = standing(item)?;
        Ok(if deleted { Ok(item) } else { Err(refused(item)) })
    }
}
