//! Leases: for a while one holder works on an item, and nobody else.
//!
//! A holder may stall for longer than its lease (a paused sandbox, a lost network) and not know it. So a lease is never
//! proof that one still holds it. Each has a **fencing token**, larger than that of every lease of the item before it,
//! and what a holder writes is conditional on it: [`Lease::held`] on the leased item itself, or beside it in a
//! transaction; [`Lease::newest`] on an item elsewhere, which then remembers the largest token that wrote it. A holder
//! whose lease was taken over is refused by both, whatever its clock says.
//!
//! Expiry is compared with the time that the caller passes. Where clocks differ, a lease is taken over that much too
//! early or too late; the token keeps this harmless.

use std::time::Duration;

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use types::{Answer, Instant, random};

use crate::condition::{Condition, eq, le, missing};
use crate::item::{Key, from_attributes, standing};
use crate::{Table, UpdateExpression};

/// The attributes that a lease keeps in its item. The token stays when a lease ends, so that the next is larger.
const TOKEN: &str = "lease_token";
const HOLDER: &str = "lease_holder";
const UNTIL: &str = "lease_until";

/// A lease as granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    key: Key,
    /// Grows with every lease of the item, beginning at 1.
    pub token: u64,
    /// When anybody may take it over.
    pub until: Instant,
    /// Chance, made for this lease: it tells a repeated call from another holder's, and outlives the item, which may be
    /// deleted and made again with its tokens at the beginning.
    holder: String,
}

/// Another holds the lease until then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// When it may be taken over.
    pub until: Instant,
}

/// The lease is no longer ours: it expired and was taken over, or it was released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost;

/// The leasing of an item.
#[must_use = "a lease is asked for when this is sent"]
#[derive(Debug)]
pub struct Acquire<'a> {
    table: &'a Table,
    key: Key,
    now: Instant,
    term: Duration,
    also: UpdateExpression,
    condition: Option<Condition>,
}

#[derive(Deserialize)]
struct State {
    #[serde(rename = "lease_token", default)]
    token: u64,
    #[serde(rename = "lease_holder")]
    holder: Option<String>,
    #[serde(rename = "lease_until", default)]
    until: i64,
}

impl Table {
    /// Leases an item for `term`, if nobody holds it or who did is late. The item is made where there is none, unless
    /// [`Acquire::when`] forbids it.
    pub fn acquire(&self, key: Key, now: Instant, term: Duration) -> Acquire<'_> {
        Acquire { table: self, key, now, term, also: UpdateExpression::new(), condition: None }
    }

    /// Makes a lease last until `term` from now, expired or not, as long as nobody took it over: one conditional write.
    ///
    /// # Errors
    /// Refuses with [`Lost`] when somebody did, or it was released.
    pub async fn renew(&self, lease: &Lease, now: Instant, term: Duration) -> Answer<Lease, Lost> {
        let until = now + term;
        let expression = UpdateExpression::new().set(UNTIL, until).when(lease.held());
        let renewed = self.update(lease.key.clone()).apply(expression).send_raw().await?;
        Ok(renewed.map(|_| Lease { until, ..lease.clone() }).map_err(|_| Lost))
    }

    /// Ends a lease early, so that the next need not wait for its expiry: one conditional write.
    ///
    /// # Errors
    /// Refuses with [`Lost`] when somebody took it over.
    pub async fn release(&self, lease: Lease) -> Answer<(), Lost> {
        let expression = UpdateExpression::new().remove(HOLDER).remove(UNTIL).when(lease.held());
        let Err(item) = self.update(lease.key.clone()).apply(expression).send_raw().await? else { return Ok(Ok(())) };
        // A release whose reply was lost is sent again and finds itself done.
        let state: Option<State> = standing(item)?;
        let released = state.is_some_and(|state| state.token == lease.token && state.holder.is_none());
        Ok(if released { Ok(()) } else { Err(Lost) })
    }
}

impl Acquire<'_> {
    /// Only if the item also meets this condition: `eq("state", "PENDING")`.
    pub fn when(mut self, condition: Condition) -> Self {
        self.condition = Some(condition);
        self
    }

    /// Changes the item in the same write: `set("state", "LEASED")`. A condition of it is ignored; see
    /// [`Acquire::when`].
    pub fn with(mut self, changes: UpdateExpression) -> Self {
        self.also = changes;
        self
    }

    /// Asks for the lease: one conditional write.
    ///
    /// # Errors
    /// Refuses with [`Held`]. With a condition of one's own, use [`Acquire::send_or`], which can tell the two apart.
    pub async fn send(self) -> Answer<Lease, Held> {
        let held = |item: Option<State>| Held { until: Instant::from_millis(item.map_or(0, |state| state.until)) };
        Ok(self.send_or::<IgnoredAny, State, Held>(held).await?.map(|(lease, _)| lease))
    }

    /// Asks for the lease: one conditional write, which also returns the item. Where it is refused, `refused` makes the
    /// refusal from the item that is there; its `lease_until` (milliseconds) says until when it is held.
    ///
    /// # Errors
    /// When the table cannot be written or an item does not fit its type.
    pub async fn send_or<T, O, R>(self, refused: impl FnOnce(Option<O>) -> R) -> Answer<(Lease, T), R>
    where
        T: DeserializeOwned,
        O: DeserializeOwned,
    {
        let (holder, until) = (random::base62(16), self.now + self.term);
        let free = missing(UNTIL).or(le(UNTIL, self.now));
        let free = self.condition.into_iter().fold(free, Condition::and);
        let expression = self.also.set(HOLDER, holder.as_str()).set(UNTIL, until).add(TOKEN, 1_u64).when(free);
        let item = match self.table.update(self.key.clone()).apply(expression).send_raw().await? {
            Ok(item) => item,
            Err(item) => {
                // A request whose reply was lost is sent again and meets itself: that is success.
                let state: Option<State> = standing(item.clone())?;
                match item {
                    Some(item) if state.is_some_and(|state| state.holder == Some(holder.clone())) => item,
                    item => return Ok(Err(refused(standing(item)?))),
                }
            }
        };
        let state: State = from_attributes(item.clone())?;
        Ok(Ok((Lease { key: self.key, token: state.token, until, holder }, from_attributes(item)?)))
    }
}

impl Lease {
    /// The leased item's key.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// A condition on the leased item: the lease is ours, expired or not, and neither taken over nor released.
    pub fn held(&self) -> Condition {
        eq(TOKEN, self.token).and(eq(HOLDER, self.holder.as_str()))
    }

    /// A condition on another item: no later lease wrote it. The write sets `attribute` to [`Lease::token`].
    pub fn newest(&self, attribute: &str) -> Condition {
        missing(attribute).or(le(attribute, self.token))
    }
}
