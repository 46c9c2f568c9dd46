//! The schedule: mark links that expired, which tells the others, and those that soon will, which tells their owners.
//! No rule waits for it; every read compares the time itself.

use std::time::Duration;

use types::Fault;

use crate::App;
use crate::store::expiry_hour;

/// Links swept or warned of in one run (guide 000: 10,000).
const MOST: usize = 10_000;
/// Links read from one shard of an hour at a time.
const PAGE: u16 = 100;
/// Where a run begins that finds no note of an earlier one. (Should the note be lost, links that expired before are not
/// told of until TTL removes them.)
const FIRST_RUN: Duration = Duration::from_secs(48 * 3600);
/// An hour is left behind this long after its end, when the index has long caught up.
const SETTLED: Duration = Duration::from_secs(300);

/// One query per shard of an hour, one write per link that is due, one per hour left behind: each is noted at once, so
/// that a run that dies is made good by the next, however many die.
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
    let (mut swept, mut warned) = (0, 0);
    for hour in first..=expiry_hour(now) {
        loop {
            let found = app.store.due(hour, now, PAGE).await?;
            for due in &found {
                match due.warn_at {
                    Some(at) if app.store.warn(&due.code, at, now).await? => warned += 1,
                    // A warning that comes after the end is none any more.
                    _ => swept += usize::from(app.store.sweep(&due.code, now).await?),
                }
            }
            // The index may lag behind the sweep and show a link again: what a full page shows is worth another look.
            if found.len() < usize::from(PAGE) || swept + warned >= MOST {
                break;
            }
        }
        if swept + warned >= MOST {
            break;
        }
        if hour < expiry_hour(now - SETTLED) {
            app.store.set_swept_until(hour + 1).await?;
        }
    }
    aws::count("links_swept", swept as f64);
    aws::count("links_warned", warned as f64);
    Ok(())
}
