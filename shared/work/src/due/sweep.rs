//! The sweep.

use std::collections::BTreeSet;
use std::future::Future;
use std::time::Duration;

use dynamo::{Acquire, Consistency, Item as _, Lease, Page, Position, UpdateExpression, exists, lt};
use futures_util::future::join_all;
use serde::de::IgnoredAny;
use types::{Clock, Fault, Instant, random};

use super::{CLAIM, Claim, DueBuckets, DueItem, SETTLED, Watermark, bucket, minute};

/// A piece that was claimed this often (each minute once, so for more than an hour and a half) is set aside.
const MOST_CLAIMS: u64 = 100;
/// Pieces claimed and handed over together: what one `SendMessageBatch` takes.
const TOGETHER: usize = 10;
/// Pieces read at a time.
const PAGE: u16 = 100;
/// A sweep takes nothing new with less than this left of its invocation.
const RESERVE: Duration = Duration::from_secs(5);

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Handed over and deleted.
    pub carried: usize,
    /// Not handed over; they come again in the next sweep.
    pub failed: usize,
    /// Handed over, but by then claimed by another sweep, which hands it over again.
    pub late: usize,
    /// Claimed too often, and set aside.
    pub dead: usize,
    /// Whether it ended at its bound with more to do.
    pub cut: bool,
}

impl DueBuckets {
    /// Hands over what is due by now, in order of time (shard by shard), ten at a time, at most some `most` of it.
    /// `carry` returns the ids that it could not hand over; when it fails as a whole, none was. What is left is for the
    /// next run, and so is what a run leaves that ends with its invocation.
    ///
    /// # Errors
    /// When the table cannot be read or written.
    pub async fn sweep<F, Fut>(&self, clock: &Clock, most: usize, carry: F) -> Result<Swept, Fault>
    where
        F: Fn(Vec<Claim>) -> Fut,
        Fut: Future<Output = Result<BTreeSet<String>, Fault>>,
    {
        let (now, mut swept) = (clock.now(), Swept::default());
        let note: Option<Watermark> = self.table.get(&self.watermark(), Consistency::Strong).await?;
        let Some(first) = note.map(|note| note.minute) else { return Ok(swept) };
        let (mut settled, mut outcome) = (first, Ok(()));
        for of_minute in first..=minute(now) {
            // Empty minutes cost time too: after days without a sweep several runs share them.
            swept.cut |= aws::remaining() < RESERVE;
            if swept.cut || outcome.is_err() {
                break;
            }
            match self.sweep_minute(of_minute, now, clock, most, &carry, &mut swept).await {
                Ok(true) if settled == of_minute && of_minute < minute(now - SETTLED) => settled = of_minute + 1,
                Ok(_) => {}
                Err(fault) => outcome = Err(fault),
            }
        }
        if settled > first {
            let expression = UpdateExpression::new().set("minute", settled).when(lt("minute", settled));
            let noted = self.table.update(self.watermark()).apply(expression);
            noted.send_or::<IgnoredAny, IgnoredAny, ()>(|_| ()).await?.ok();
        }
        swept.count();
        outcome.map(|()| swept)
    }

    /// True if nothing is left that was due in the minute.
    async fn sweep_minute<F, Fut>(
        &self,
        of_minute: i64,
        now: Instant,
        clock: &Clock,
        most: usize,
        carry: &F,
        swept: &mut Swept,
    ) -> Result<bool, Fault>
    where
        F: Fn(Vec<Claim>) -> Fut,
        Fut: Future<Output = Result<BTreeSet<String>, Fault>>,
    {
        // Sweeps at once begin at different shards, so that they meet less.
        let first = random::bytes::<1>()[0] % self.shards;
        let shards: Vec<u8> = (first..self.shards).chain(0..first).collect();
        let pages = join_all(shards.iter().map(|&shard| self.page(of_minute, shard, now, None))).await;
        let mut clear = true;
        for (shard, page) in shards.into_iter().zip(pages) {
            let mut page = page?;
            loop {
                for items in page.items.chunks(TOGETHER) {
                    if swept.carried + swept.failed >= most || aws::remaining() < RESERVE {
                        swept.cut = true;
                        return Ok(false);
                    }
                    clear &= self.hand_over(items, clock, carry, swept).await?;
                }
                let Some(next) = page.next.take() else { break };
                page = self.page(of_minute, shard, now, Some(next)).await?;
            }
        }
        Ok(clear)
    }

    async fn page(
        &self,
        minute: i64,
        shard: u8,
        now: Instant,
        after: Option<Position>,
    ) -> Result<Page<DueItem>, Fault> {
        let query =
            self.table.query(bucket(self.name, minute, shard)).between("0", format!("{}#\u{10ffff}", now.sortable()));
        query.after(after).page(PAGE).await
    }

    /// Claims, carries, deletes. True if none of the items is left.
    async fn hand_over<F, Fut>(
        &self,
        items: &[DueItem],
        clock: &Clock,
        carry: &F,
        swept: &mut Swept,
    ) -> Result<bool, Fault>
    where
        F: Fn(Vec<Claim>) -> Fut,
        Fut: Future<Output = Result<BTreeSet<String>, Fault>>,
    {
        let now = clock.now();
        let acquire = |item: &DueItem| -> Acquire<'_> { self.table.acquire(item.key(), now, CLAIM).when(exists("pk")) };
        // Refused where another sweep has the item (and it stands), or had it (and it is gone).
        let answers = items.iter().map(|item| acquire(item).send_or(|other: Option<IgnoredAny>| other.is_some()));
        let (mut clear, mut claims) = (true, Vec::new());
        for answer in join_all(answers).await {
            // One that cannot be claimed keeps none of the others back.
            let answer = match answer {
                Ok(answer) => answer,
                Err(fault) => {
                    tracing::error!(fault = fault.chain(), "what is due could not be claimed");
                    (clear, swept.failed) = (false, swept.failed + 1);
                    continue;
                }
            };
            match answer {
                Ok((lease, item)) if lease.token > MOST_CLAIMS => {
                    self.set_aside(item, &lease, now).await?;
                    swept.dead += 1;
                }
                Ok((lease, item)) => claims.push(Claim::of(item, lease)),
                Err(stands) => clear &= !stands,
            }
        }
        if claims.is_empty() {
            return Ok(clear);
        }
        let leases: Vec<(String, Lease)> = claims.iter().map(|claim| (claim.id.clone(), claim.lease.clone())).collect();
        let failed = carry(claims).await.unwrap_or_else(|fault| {
            tracing::error!(fault = fault.chain(), "what is due could not be handed over");
            leases.iter().map(|(id, _)| id.clone()).collect()
        });
        let failed = &failed;
        let ends = leases.into_iter().map(|(id, lease)| async move {
            if failed.contains(&id) {
                return self.table.release(lease).await.map(|_| None);
            }
            // Gone already where the handler settled it; standing where another sweep claimed it meanwhile.
            let delete = self.table.delete(lease.key().clone()).when(lease.held());
            let refused = |other: Option<IgnoredAny>| other.is_some();
            Ok(Some(delete.send_or::<IgnoredAny, bool>(refused).await? == Err(true)))
        });
        for end in join_all(ends).await {
            let end = end?;
            swept.failed += usize::from(end.is_none());
            swept.late += usize::from(end == Some(true));
            swept.carried += usize::from(end == Some(false));
            clear &= end == Some(false);
        }
        Ok(clear)
    }

    async fn set_aside(&self, item: DueItem, lease: &Lease, now: Instant) -> Result<(), Fault> {
        tracing::error!(id = item.id, claims = lease.token, "what is due was claimed too often and is set aside");
        let dead = DueItem { dead_at: Some(now.millis()), ..item };
        // The copy first: a death in between leaves both, and the next sweep does it again.
        self.table.put(&dead).send_or(|_: Option<DueItem>| ()).await?.ok();
        let delete = self.table.delete(lease.key().clone()).when(lease.held());
        delete.send_or::<IgnoredAny, ()>(|_| ()).await.map(drop)
    }
}

impl Swept {
    fn count(self) {
        for (name, amount) in [
            ("due_carried", self.carried),
            ("due_failed", self.failed),
            ("due_late", self.late),
            ("due_dead", self.dead),
        ] {
            aws::count(name, amount as f64);
        }
    }
}
