//! What waits for workers: messages of queues, changes of the table.

use anyhow::{Context as _, Result};
use aws::Sdk;
use aws_sdk_dynamodbstreams::types::ShardIteratorType;
use aws_sdk_sqs::types::DeleteMessageBatchRequestEntry;
use serde_json::Value;

use crate::events;

/// How a batch is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Once, in order.
    Once,
    /// Everything twice, shuffled, in batches of three: at least once and in any order. The seed is printed.
    TwiceShuffled(u64),
}

/// The batches in which `items` are delivered.
pub(crate) fn batches<T: Clone>(items: Vec<T>, delivery: Delivery) -> Vec<Vec<T>> {
    let Delivery::TwiceShuffled(seed) = delivery else {
        return if items.is_empty() { Vec::new() } else { vec![items] };
    };
    let mut doubled: Vec<T> = items.iter().chain(&items).cloned().collect();
    fastrand::Rng::with_seed(seed).shuffle(&mut doubled);
    doubled.chunks(3).map(<[T]>::to_vec).collect()
}

/// Takes all that waits in a queue; each message as the record that a Lambda gets.
pub(crate) async fn receive(sdk: &Sdk, url: &str) -> Result<Vec<Value>> {
    let (sqs, mut records) = (sdk.sqs(), Vec::new());
    loop {
        let batch = sqs.receive_message().queue_url(url).max_number_of_messages(10);
        let batch = batch.message_attribute_names("All").send().await?;
        if batch.messages().is_empty() {
            return Ok(records);
        }
        let mut taken = Vec::new();
        for (index, message) in batch.messages().iter().enumerate() {
            records.push(events::message(url.rsplit('/').next().unwrap_or_default(), message));
            let receipt = message.receipt_handle().unwrap_or_default();
            taken
                .push(DeleteMessageBatchRequestEntry::builder().id(index.to_string()).receipt_handle(receipt).build()?);
        }
        sqs.delete_message_batch().queue_url(url).set_entries(Some(taken)).send().await?;
    }
}

/// A table's stream, read once from its beginning. (Emulators keep one shard for the life of a table.)
#[derive(Default)]
pub(crate) struct Feed {
    iterators: Option<Vec<Option<String>>>,
    pub(crate) changes: Vec<Value>,
}

impl Feed {
    /// Reads what happened since.
    pub(crate) async fn read(&mut self, sdk: &Sdk, table: &str) -> Result<()> {
        let client = aws_sdk_dynamodbstreams::Client::new(sdk.config());
        if self.iterators.is_none() {
            self.iterators = Some(beginning(&client, table).await?);
        }
        for iterator in self.iterators.iter_mut().flatten() {
            while let Some(at) = iterator.take() {
                let page = client.get_records().shard_iterator(at).send().await?;
                self.changes.extend(page.records().iter().map(events::change));
                *iterator = page.next_shard_iterator.clone();
                if page.records().is_empty() {
                    break;
                }
            }
        }
        Ok(())
    }
}

async fn beginning(client: &aws_sdk_dynamodbstreams::Client, table: &str) -> Result<Vec<Option<String>>> {
    let streams = client.list_streams().table_name(table).send().await?;
    let arn = streams.streams().first().and_then(|s| s.stream_arn()).context("the table has a stream")?.to_owned();
    let stream = client.describe_stream().stream_arn(&arn).send().await?;
    let mut iterators = Vec::new();
    for shard in stream.stream_description.iter().flat_map(|stream| stream.shards()) {
        let from = client.get_shard_iterator().stream_arn(&arn).shard_id(shard.shard_id().unwrap_or_default());
        iterators.push(from.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await?.shard_iterator);
    }
    Ok(iterators)
}
