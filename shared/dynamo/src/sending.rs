//! Sending a transaction: which cancellations are tried again, and what the others mean.

use std::time::Duration;

use aws::fault;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{CancellationReason, TransactWriteItem};
use types::{Fault, random};

use crate::Table;

/// How often a busy transaction is sent before it is given up.
pub(crate) const TRIES: u32 = 4;

/// How a transaction ended.
pub(crate) enum Cancelled {
    /// It took effect.
    Not,
    /// The condition of the write with this index failed.
    Refused(Vec<CancellationReason>, usize),
    /// Others held its items at every try: the last one's reasons.
    Busy(Vec<CancellationReason>, Fault),
}

/// Sends a transaction until it takes effect or is refused; one that meets others is sent up to `most` times.
/// `decides`: its first write is what tells whether it is a repetition.
pub(crate) async fn transact(
    table: &Table,
    writes: &[TransactWriteItem],
    units: f64,
    decides: bool,
    most: u32,
) -> Result<Cancelled, Fault> {
    let token = random::uuid().to_string(); // the same for all tries: a lost reply is not a second effect
    let mut tries = 0_u32;
    loop {
        tries += 1;
        let request = table.client.transact_write_items().set_transact_items(Some(writes.to_vec()));
        let outcome = aws::within_deadline("TransactWriteItems", request.client_request_token(&token).send()).await?;
        aws::invocation::meter(|meter| meter.write_units += 2.0 * units);
        let error = match outcome {
            Ok(_) => return Ok(Cancelled::Not),
            Err(error) => error,
        };
        let reasons = match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                cancelled.cancellation_reasons().to_vec()
            }
            _ => return Err(fault("TransactWriteItems", error)),
        };
        match judge(&reasons, decides) {
            Verdict::Refused(index) => return Ok(Cancelled::Refused(reasons, index)),
            Verdict::Broken => return Err(fault("TransactWriteItems", error)),
            Verdict::Busy if tries < most => {}
            Verdict::Busy => {
                let fault = Fault::transient("TransactWriteItems met others at every try").caused_by(error);
                return Ok(Cancelled::Busy(reasons, fault));
            }
        }
        pause(tries).await;
    }
}

/// Waits before a transaction that met others is sent again.
async fn pause(tries: u32) {
    let jitter = u64::from(random::bytes::<1>()[0]) / 8;
    tokio::time::sleep(Duration::from_millis((10 << tries) + jitter)).await;
}

/// Waits before a single write that met a transaction is sent again: that holds the item for milliseconds.
pub(crate) async fn short_pause(tries: u32) {
    let jitter = u64::from(random::bytes::<1>()[0]) / 32;
    tokio::time::sleep(Duration::from_millis((2 << tries) + jitter)).await;
}

/// What a cancelled transaction means.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// The condition of this write failed.
    Refused(usize),
    /// Another transaction held an item, or a partition was too busy: it may go through later.
    Busy,
    /// None of that.
    Broken,
}

fn judge(reasons: &[CancellationReason], decides: bool) -> Verdict {
    const BUSY: [&str; 3] = ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];
    let busy = |reason: &CancellationReason| BUSY.contains(&code(reason));
    // While what tells whether this is a repetition is held, no other write's condition tells anything.
    if decides && reasons.first().is_some_and(busy) {
        return Verdict::Busy;
    }
    match reasons.iter().position(|reason| code(reason) == "ConditionalCheckFailed") {
        Some(index) => Verdict::Refused(index),
        None if reasons.iter().any(busy) => Verdict::Busy,
        None => Verdict::Broken,
    }
}

pub(crate) fn code(reason: &CancellationReason) -> &str {
    reason.code().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_reasons_of_a_cancellation_mean() {
        const FAILED: &str = "ConditionalCheckFailed";
        const CLASH: &str = "TransactionConflict";
        for (codes, decides, verdict) in [
            (["None", FAILED], false, Verdict::Refused(1)),
            ([FAILED, FAILED], true, Verdict::Refused(0)),
            ([CLASH, FAILED], true, Verdict::Busy), // its own first sending, under way: not "taken"
            ([CLASH, FAILED], false, Verdict::Refused(1)),
            (["None", CLASH], true, Verdict::Busy),
            (["None", "ThrottlingError"], false, Verdict::Busy),
            (["ProvisionedThroughputExceeded", "None"], true, Verdict::Busy),
            (["ValidationError", "None"], true, Verdict::Broken),
        ] {
            let reasons = codes.map(|code| CancellationReason::builder().code(code).build());
            assert_eq!(judge(&reasons, decides), verdict, "{codes:?} {decides}");
        }
    }
}
