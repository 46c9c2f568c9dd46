//! The schedule: mark links that expired, which tells the others. No rule waits for it; every read compares the time
//! itself.

use std::time::Duration;

use types::Fault;

use crate::App;
use crate::store::expiry_hour;

/// Links swept in one run (guide 000: 10,000).
const MOST: usize = 10_000;
/// Links read from one shard of an hour at a time.
const PAGE: u16 = 100;
/// Where a run begins that finds no note of an earlier one. (Should the note be lost, links that expired before are not
/// told of until TTL removes them.)
const FIRST_RUN: Duration = Duration::from_secs(48 * 3600);
/// An hour is left behind this long after its end, when the index has long caught up.
const SETTLED: Duration = Duration::from_secs(300);

/// One query per shard of an hour, one write per expired link, one per hour left behind: each is noted at once, so that
/// a run that dies is made good by the next, however many die.
pub async fn handle(app: App) -> Result<(), Fault> {
    let now = app.clock.now();
    let first = match app.store.swept_until().await? {
        Some(hour) => hour,
        None => {
            let hour = expiry_hour(now - FIRST_RUN);
            app.store.set_swept_until(hour).await?;
            hour
        }
    };
    let mut swept = 0;
    for hour in first..=expiry_hour(now) {
        loop {
            let codes = app.store.due(hour, now, PAGE).await?;
            for code in &codes {
                swept += usize::from(app.store.sweep(code, now).await?);
            }
            // The index may lag behind the sweep and show a link again: what a full page shows is worth another look.
            if codes.len() < usize::from(PAGE) || swept >= MOST {
                break;
            }
        }
        if swept >= MOST {
            break;
        }
        if hour < expiry_hour(now - SETTLED) {
            app.store.set_swept_until(hour + 1).await?;
        }
    }
    aws::count("links_swept", swept as f64);
    Ok(())
}
