//! The logs of SNS's delivery status: note whether text messages and pushes arrived.

use futures_util::future::join_all;
use types::Fault;
use work::LogEvent;

use crate::App;

/// Lines that are looked at at once.
const TOGETHER: usize = 25;

/// One read and one conditional write for a line. Told again, or in another order, it leaves the same; after a fault
/// all lines of the event come again.
pub async fn handle(app: App, events: Vec<LogEvent>) -> Result<(), Fault> {
    let mut failed = Ok(());
    for some in events.chunks(TOGETHER) {
        for taken in join_all(some.iter().map(|event| app.take_status(event))).await {
            failed = failed.and(taken);
        }
    }
    failed
}
