//! Reads of many items at once.

use std::collections::HashMap;
use std::time::Duration;

use aws::fault;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_get_items::TransactGetItemsError;
use aws_sdk_dynamodb::types::{Get, KeysAndAttributes, TransactGetItem};
use types::{Fault, random};

use crate::item::{Attributes, Key};
use crate::sending::short_pause;
use crate::{Consistency, Table, size};

/// Keys of one `BatchGetItem`.
const MOST_KEYS: usize = 100;
/// How often what was left unread is asked for again.
const TRIES: u32 = 6;

impl Table {
    /// Reads the items of these keys, in no order, without those that are not there: one round trip per 100 keys, and
    /// the units of as many single reads. The keys differ from each other.
    ///
    /// # Errors
    /// When the table cannot be read, or leaves keys unread at every try.
    pub async fn get_many(&self, keys: &[Key], consistency: Consistency) -> Result<Vec<Attributes>, Fault> {
        let strong = consistency == Consistency::Strong;
        let mut items = Vec::with_capacity(keys.len());
        for keys in keys.chunks(MOST_KEYS) {
            let keys = keys.iter().map(Key::attributes).collect();
            let ask = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(strong).build();
            let ask = ask.map_err(|e| Fault::permanent("building a batch of keys").caused_by(e))?;
            let mut left = HashMap::from([(self.name.to_string(), ask)]);
            let mut tries = 0_u32;
            while !left.is_empty() {
                if tries == TRIES {
                    return Err(Fault::transient("BatchGetItem left keys unread at every try"));
                }
                if tries > 0 {
                    let jitter = u64::from(random::bytes::<1>()[0]) / 8;
                    tokio::time::sleep(Duration::from_millis((10 << tries) + jitter)).await;
                }
                tries += 1;
                let request = self.client.batch_get_item().set_request_items(Some(left)).send();
                let output = aws::within_deadline("BatchGetItem", request).await?;
                let output = output.map_err(|e| fault("BatchGetItem", e))?;
                items.extend(output.responses.into_iter().flatten().flat_map(|(_, items)| items));
                left = output.unprocessed_keys.unwrap_or_default();
            }
        }
        let units: f64 = items.iter().map(|item| size::read_units(size::bytes(item), strong)).sum();
        let absent = keys.len().saturating_sub(items.len()) as f64 * size::read_units(0, strong);
        aws::invocation::meter(|meter| meter.read_units += units + absent);
        Ok(items)
    }

    /// Reads up to 100 items as they are at one instant, in the order of their keys; `None` for what is not there. One
    /// round trip at twice the price; a read that meets a transaction at work on them is tried again.
    ///
    /// # Errors
    /// When the table cannot be read, or its items are being written at every try.
    pub async fn get_together(&self, keys: &[Key]) -> Result<Vec<Option<Attributes>>, Fault> {
        let get = |key: &Key| {
            let get = Get::builder().table_name(&*self.name).set_key(Some(key.attributes())).build();
            let get = get.map_err(|e| Fault::permanent("building a read").caused_by(e))?;
            Ok(TransactGetItem::builder().get(get).build())
        };
        let gets = keys.iter().map(get).collect::<Result<Vec<_>, Fault>>()?;
        let mut tries = 0;
        let output = loop {
            tries += 1;
            let request = self.client.transact_get_items().set_transact_items(Some(gets.clone())).send();
            match aws::within_deadline("TransactGetItems", request).await? {
                Ok(output) => break output,
                Err(error) if tries < TRIES && is_busy(&error) => short_pause(tries).await,
                Err(error) if is_busy(&error) => {
                    return Err(Fault::transient("items were written at every try to read them").caused_by(error));
                }
                Err(error) => return Err(fault("TransactGetItems", error)),
            }
        };
        let items: Vec<Option<Attributes>> =
            output.responses.unwrap_or_default().into_iter().map(|it| it.item).collect();
        let units = |item: &Option<Attributes>| 2.0 * size::read_units(item.as_ref().map_or(0, size::bytes), true);
        aws::invocation::meter(|meter| meter.read_units += items.iter().map(units).sum::<f64>());
        Ok(items)
    }
}

/// Whether a transaction at work is all that kept the read from being answered.
fn is_busy(error: &SdkError<TransactGetItemsError>) -> bool {
    let Some(TransactGetItemsError::TransactionCanceledException(canceled)) = error.as_service_error() else {
        return false;
    };
    let codes = canceled.cancellation_reasons().iter().filter_map(|reason| reason.code());
    codes.into_iter().all(|code| matches!(code, "None" | "TransactionConflict"))
}
