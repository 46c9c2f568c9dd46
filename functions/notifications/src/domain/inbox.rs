//! A user's inbox inside the app.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use types::Instant;
use types::time::{millis, opt_millis};

/// A notification in the inbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxItem {
    /// Whose user.
    pub tenant: String,
    /// The user.
    pub user: String,
    /// The notification's id, which sorts by time.
    pub id: String,
    /// What it is about.
    pub kind: String,
    /// Its headline.
    pub title: String,
    /// Its text.
    pub body: String,
    /// What goes along, as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// When it was made.
    #[serde(with = "millis")]
    pub created_at: Instant,
    /// When it was shown in the list.
    #[serde(with = "opt_millis", default, skip_serializing_if = "Option::is_none")]
    pub seen_at: Option<Instant>,
    /// When it was read.
    #[serde(with = "opt_millis", default, skip_serializing_if = "Option::is_none")]
    pub read_at: Option<Instant>,
    /// When it was put away.
    #[serde(with = "opt_millis", default, skip_serializing_if = "Option::is_none")]
    pub archived_at: Option<Instant>,
    /// Until when it is out of sight.
    #[serde(with = "opt_millis", default, skip_serializing_if = "Option::is_none")]
    pub snoozed_until: Option<Instant>,
    /// 0, 1, …: each change makes the next.
    #[serde(default)]
    pub version: u64,
    /// When it is forgotten, in seconds since the epoch.
    pub purge_at: i64,
}

/// How many items are new to a user. An item that is archived is neither.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Not shown yet.
    #[serde(default)]
    pub unseen: i64,
    /// Not read yet.
    #[serde(default)]
    pub unread: i64,
}

/// What is to be changed about an item; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// Whether it was shown.
    pub seen: Option<bool>,
    /// Whether it was read; what is read was seen.
    pub read: Option<bool>,
    /// Whether it is put away.
    pub archived: Option<bool>,
    /// Out of sight until then; a time that has passed brings it back.
    pub snoozed_until: Option<Instant>,
}

impl InboxItem {
    /// What it counts for.
    pub fn counts(&self) -> Counts {
        let open = self.archived_at.is_none();
        let one = |open: bool| i64::from(open);
        Counts {
            unseen: one(open && self.seen_at.is_none() && self.read_at.is_none()),
            unread: one(open && self.read_at.is_none()),
        }
    }

    /// Whether the list shows it.
    pub fn is_shown(&self, now: Instant) -> bool {
        self.archived_at.is_none() && self.snoozed_until.is_none_or(|until| until <= now)
    }

    /// The item with the changes.
    #[must_use]
    pub fn marked(&self, mark: &Mark, now: Instant) -> Self {
        let set = |wish: Option<bool>, old: Option<Instant>| match wish {
            None => old,
            Some(true) => old.or(Some(now)),
            Some(false) => None,
        };
        let read_at = set(mark.read, self.read_at);
        let seen_at = set(mark.seen, self.seen_at).or(read_at);
        Self {
            seen_at,
            read_at,
            archived_at: set(mark.archived, self.archived_at),
            snoozed_until: mark.snoozed_until.or(self.snoozed_until).filter(|&until| until > now),
            version: self.version + 1,
            ..self.clone()
        }
    }
}

impl std::ops::Sub for Counts {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self { unseen: self.unseen - other.unseen, unread: self.unread - other.unread }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn item() -> InboxItem {
        InboxItem {
            tenant: "t".into(),
            user: "u".into(),
            id: "n".into(),
            kind: "k".into(),
            title: "t".into(),
            body: "b".into(),
            data: None,
            created_at: Instant::from_seconds(0),
            seen_at: None,
            read_at: None,
            archived_at: None,
            snoozed_until: None,
            version: 0,
            purge_at: 0,
        }
    }

    #[test]
    fn what_is_read_was_seen_and_what_is_archived_counts_for_nothing() {
        let now = Instant::from_seconds(10);
        let read = item().marked(&Mark { read: Some(true), ..Mark::default() }, now);
        assert_eq!((read.seen_at, read.counts()), (Some(now), Counts::default()));
        let unread = read.marked(&Mark { read: Some(false), ..Mark::default() }, now);
        assert_eq!(unread.counts(), Counts { unseen: 0, unread: 1 });
        let archived = item().marked(&Mark { archived: Some(true), ..Mark::default() }, now);
        assert_eq!((archived.counts(), archived.is_shown(now)), (Counts::default(), false));
        let until = Instant::from_seconds(20);
        let snoozed = item().marked(&Mark { snoozed_until: Some(until), ..Mark::default() }, now);
        assert_eq!((snoozed.is_shown(now), snoozed.is_shown(until)), (false, true));
        assert!(snoozed.marked(&Mark { snoozed_until: Some(now), ..Mark::default() }, now).is_shown(now));
    }

    proptest! {
        #[test]
        fn counts_add_up_over_any_changes(
            marks in prop::collection::vec(any::<(Option<bool>, Option<bool>, Option<bool>)>(), 0..20),
        ) {
            let (mut now, mut standing, mut sum) = (0, item(), item().counts());
            for (seen, read, archived) in marks {
                now += 1;
                let mark = Mark { seen, read, archived, snoozed_until: None };
                let next = standing.marked(&mark, Instant::from_seconds(now));
                let change = next.counts() - standing.counts();
                sum = Counts { unseen: sum.unseen + change.unseen, unread: sum.unread + change.unread };
                standing = next;
                prop_assert_eq!(sum, standing.counts());
                prop_assert!(sum.unseen >= 0 && sum.unread <= 1 && sum.unseen <= sum.unread);
            }
        }
    }
}
