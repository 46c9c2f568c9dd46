//! One table: reads and single writes.

use std::sync::Arc;

use aws::fault;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use serde::de::DeserializeOwned;
use types::{Answer, Fault};

use crate::condition::{Condition, Placeholders};
use crate::delete::Delete;
use crate::item::{Item, Key, attributes, from_attributes, standing};
use crate::page::Query;
use crate::transaction::Transaction;
use crate::update::Update;
use crate::{item, size};

/// A table and the client that reaches it.
#[derive(Debug, Clone)]
pub struct Table {
    pub(crate) client: Client,
    pub(crate) name: Arc<str>,
}

/// What a read may miss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consistency {
    /// Writes of the last moment, typically well under a second; half the price.
    Eventual,
    /// Nothing.
    Strong,
}

impl Table {
    /// The table called `name`.
    pub fn new(client: Client, name: impl Into<Arc<str>>) -> Self {
        Self { client, name: name.into() }
    }

    /// Reads one item: ½ unit (eventual) or 1 unit (strong) per 4 KB.
    ///
    /// # Errors
    /// When the table cannot be read or the item does not fit `T`.
    pub async fn get<T: DeserializeOwned>(&self, key: &Key, consistency: Consistency) -> Result<Option<T>, Fault> {
        let strong = consistency == Consistency::Strong;
        let request = self.client.get_item().table_name(&*self.name).consistent_read(strong);
        let output = aws::within_deadline("GetItem", request.set_key(Some(key.attributes())).send())
            .await?
            .map_err(|e| fault("GetItem", e))?;
        let bytes = output.item.as_ref().map_or(0, size::bytes);
        aws::invocation::meter(|meter| meter.read_units += size::read_units(bytes, strong));
        output.item.map(from_attributes).transpose()
    }

    /// Writes a whole item, replacing what is there unless [`Put::when`] forbids it.
    pub fn put<'a, T: Item>(&'a self, item: &'a T) -> Put<'a, T> {
        Put { table: self, item, condition: None }
    }

    /// Changes attributes of one item, making it if it is not there.
    pub fn update(&self, key: Key) -> Update<'_> {
        Update::new(self, key)
    }

    /// Removes one item.
    pub fn delete(&self, key: Key) -> Delete<'_> {
        Delete::new(self, key)
    }

    /// Reads items of one partition in the order of the sort key.
    pub fn query(&self, partition: impl Into<item::Value>) -> Query<'_> {
        Query::new(self, partition.into())
    }

    /// Writes up to 100 items all or none, at twice the price.
    pub fn transact<R>(&self) -> Transaction<'_, R> {
        Transaction::new(self)
    }
}

/// A write of one whole item.
#[must_use = "a put does nothing until it is sent"]
#[derive(Debug)]
pub struct Put<'a, T> {
    table: &'a Table,
    item: &'a T,
    condition: Option<Condition>,
}

impl<T: Item> Put<'_, T> {
    /// Writes only if the item that is there (or its absence) meets the condition.
    pub fn when(mut self, condition: Condition) -> Self {
        self.condition = Some(condition);
        self
    }

    /// Sends the write; where the condition fails, `refused` makes the refusal from the item that is there.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn send_or<R>(self, refused: impl FnOnce(Option<T>) -> R) -> Answer<(), R> {
        let item = attributes(self.item)?;
        let bytes = size::bytes(&item);
        let mut names = Placeholders::default();
        let condition = self.condition.map(|condition| condition.write(&mut names));
        let (names, values) = names.finish();
        let request = self.table.client.put_item().table_name(&*self.table.name).set_item(Some(item));
        let request = request
            .set_condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let outcome = aws::within_deadline("PutItem", request.send()).await?;
        aws::invocation::meter(|meter| meter.write_units += size::write_units(bytes));
        match outcome {
            Ok(_) => Ok(Ok(())),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                    Ok(Err(refused(standing(failed.item.clone())?)))
                }
                _ => Err(fault("PutItem", error)),
            },
        }
    }
}
