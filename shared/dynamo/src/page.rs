//! Queries, a page at a time.

use std::collections::BTreeMap;

use aws::fault;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::de::DeserializeOwned;
use types::Fault;

use crate::condition::{Condition, Placeholders};
use crate::item::{Attributes, Value, from_attributes};
use crate::table::Consistency;
use crate::{Table, size};

/// A place in a table or an index: the names and values of its key attributes, which with us are all strings.
pub type Position = BTreeMap<String, String>;

/// One page, and where the next begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The items, in order.
    pub items: Vec<T>,
    /// Position after the last item (the key it has in table and index), or `None` at the end. All our keys are
    /// strings.
    pub next: Option<Position>,
}

/// A query of one partition.
#[must_use = "a query does nothing until it is sent"]
#[derive(Debug)]
pub struct Query<'a> {
    table: &'a Table,
    partition: Value,
    index: Option<(&'static str, &'static str, &'static str)>,
    range: Option<(Value, Value)>,
    filter: Option<Condition>,
    descending: bool,
    consistency: Consistency,
    after: Option<Position>,
}

impl<'a> Query<'a> {
    pub(crate) fn new(table: &'a Table, partition: Value) -> Self {
        let consistency = Consistency::Eventual;
        Self { table, partition, index: None, range: None, filter: None, descending: false, consistency, after: None }
    }

    /// Reads the index `name` with these partition and sort key attributes; indexes are always eventually consistent.
    pub fn index(mut self, name: &'static str, partition: &'static str, sort: &'static str) -> Self {
        self.index = Some((name, partition, sort));
        self
    }

    /// Only sort keys from `low` to `high`, both included.
    pub fn between(mut self, low: impl Into<Value>, high: impl Into<Value>) -> Self {
        self.range = Some((low.into(), high.into()));
        self
    }

    /// Leaves out what does not meet the condition, after it was read and paid for: a page may hold fewer items than
    /// its limit, or none, and still have a next one.
    pub fn filter(mut self, condition: Option<Condition>) -> Self {
        self.filter = condition;
        self
    }

    /// Largest sort key first.
    pub fn descending(mut self) -> Self {
        self.descending = true;
        self
    }

    /// Misses nothing (not on an index); twice the price.
    pub fn strong(mut self) -> Self {
        self.consistency = Consistency::Strong;
        self
    }

    /// Goes on where an earlier page ended.
    pub fn after(mut self, position: Option<Position>) -> Self {
        self.after = position;
        self
    }

    /// Reads one page of at most `limit` items (and at most 1 MB).
    ///
    /// # Errors
    /// When the table cannot be read or an item does not fit `T`.
    pub async fn page<T: DeserializeOwned>(&self, limit: u16) -> Result<Page<T>, Fault> {
        let page = self.raw_page(limit, self.after.clone()).await?;
        let items = page.items.into_iter().map(from_attributes).collect::<Result<_, _>>()?;
        Ok(Page { items, next: page.next })
    }

    /// Reads every item of the range as it is stored, page after page, up to `most`.
    ///
    /// # Errors
    /// As [`Query::page`]; also when there are more than `most`, since a silent cut would be a wrong answer.
    pub async fn all(&self, most: usize) -> Result<Vec<Attributes>, Fault> {
        let (mut items, mut after) = (Vec::new(), self.after.clone());
        loop {
            let page = self.raw_page(1000, after).await?;
            items.extend(page.items);
            if items.len() > most {
                return Err(Fault::permanent(format!("a query bounded to {most} items found more")));
            }
            after = page.next;
            if after.is_none() {
                return Ok(items);
            }
        }
    }

    /// Reads the first items of the range as they are stored, in one request.
    ///
    /// # Errors
    /// As [`Query::page`].
    pub async fn first(&self, most: u16) -> Result<Vec<Attributes>, Fault> {
        Ok(self.raw_page(most, self.after.clone()).await?.items)
    }

    async fn raw_page(&self, limit: u16, after: Option<Position>) -> Result<Page<Attributes>, Fault> {
        let (index, pk, sk) = match self.index {
            None => (None, "pk", "sk"),
            Some((name, pk, sk)) => (Some(name.to_owned()), pk, sk),
        };
        let mut names = Placeholders::default();
        let mut condition = format!("{} = {}", names.name(pk), names.value(self.partition.clone()));
        if let Some((low, high)) = &self.range {
            let (name, low, high) = (names.name(sk), names.value(low.clone()), names.value(high.clone()));
            condition.push_str(&format!(" AND {name} BETWEEN {low} AND {high}"));
        }
        let filter = self.filter.as_ref().map(|filter| filter.write(&mut names));
        let (names, values) = names.finish();
        let strong = self.consistency == Consistency::Strong;
        let request = self.table.client.query().table_name(&*self.table.name).set_index_name(index);
        let request = request
            .key_condition_expression(condition)
            .set_filter_expression(filter)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .consistent_read(strong)
            .scan_index_forward(!self.descending)
            .limit(i32::from(limit))
            .set_exclusive_start_key(
                after.map(|key| key.into_iter().map(|(name, text)| (name, AttributeValue::S(text))).collect()),
            );
        let output = aws::within_deadline("Query", request.send()).await?.map_err(|e| fault("Query", e))?;
        let items = output.items.unwrap_or_default();
        let bytes = items.iter().map(size::bytes).sum();
        aws::invocation::meter(|meter| meter.read_units += size::read_units(bytes, strong));
        let next = output.last_evaluated_key.filter(|key| !key.is_empty()).map(position).transpose()?;
        Ok(Page { items, next })
    }
}

fn position(key: Attributes) -> Result<Position, Fault> {
    let part = |(name, value): (String, AttributeValue)| match value {
        AttributeValue::S(text) => Ok((name, text)),
        _ => Err(Fault::permanent(format!("the key attribute {name} is not a string"))),
    };
    key.into_iter().map(part).collect()
}
