//! What providers tell later, and the sums of it by template.

use dynamo::{Key, UpdateExpression, Value, exists, from_attributes, missing, ne};
use schemars::JsonSchema;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use types::{Fault, Instant, random};

use super::{Clash, Store, keys};
use crate::domain::DeliveryState;

/// Items that a template's sums are spread over: a partition takes 1,000 writes a second, and each mail causes several.
const SHARDS: u8 = 8;

/// What became of a template's mails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TemplateStats {
    /// Arrived at their servers.
    pub delivered: u64,
    /// Of these, opened (by programs that show pictures, and by those that fetch them unasked).
    pub opened: u64,
    /// Of these, had a link followed.
    pub clicked: u64,
    /// Came back for good.
    pub bounced: u64,
    /// Were called spam.
    pub complained: u64,
}

/// Something that is told of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Told {
    Delivered,
    Opened,
    Clicked,
    /// For good.
    Bounced,
    /// For now, and it was given up.
    Returned,
    Complained,
    Rejected,
    /// Its network or platform did not take it.
    Undelivered,
}

impl Told {
    /// The delivery's attribute that says when.
    fn attribute(self) -> &'static str {
        match self {
            Self::Delivered => "delivered_at",
            Self::Opened => "opened_at",
            Self::Clicked => "clicked_at",
            Self::Bounced | Self::Returned => "bounced_at",
            Self::Complained => "complained_at",
            Self::Rejected => "rejected_at",
            Self::Undelivered => "undelivered_at",
        }
    }

    /// The sum that it counts in.
    fn sum(self) -> Option<&'static str> {
        match self {
            Self::Delivered => Some("delivered"),
            Self::Opened => Some("opened"),
            Self::Clicked => Some("clicked"),
            Self::Bounced | Self::Returned => Some("bounced"),
            Self::Complained => Some("complained"),
            Self::Rejected | Self::Undelivered => None,
        }
    }

    fn state(self) -> Option<DeliveryState> {
        match self {
            // What is opened has arrived, whoever told of it or did not.
            Self::Delivered | Self::Opened | Self::Clicked => Some(DeliveryState::Delivered),
            Self::Bounced | Self::Returned => Some(DeliveryState::Bounced),
            Self::Rejected | Self::Undelivered => Some(DeliveryState::Failed),
            Self::Complained => None,
        }
    }
}

impl Store {
    /// Notes what a provider told of a delivery, once, and counts it with its template's: one transaction of two
    /// writes, without a template one write. True where it was the first to say so.
    ///
    /// # Errors
    /// Our failure.
    pub async fn note_feedback(
        &self,
        key: &Key,
        told: Told,
        template: Option<(&str, &str)>,
        reason: Option<&str>,
        at: Instant,
    ) -> Result<bool, Fault> {
        let attribute = told.attribute();
        let mut expression = UpdateExpression::new().set(attribute, Value::from(at));
        if let Some(reason) = reason {
            expression = expression.set("reason", reason);
        }
        let mut condition = exists("pk").and(missing(attribute));
        if let Some(state) = told.state() {
            expression = expression.set("state", state.name());
            // What came back does not arrive by what was told before; it may come back after it arrived.
            condition = condition.and(ne("state", DeliveryState::Bounced.name()));
        }
        if told == Told::Returned {
            // An answer that somebody is away comes as such a bounce, after the mail has arrived.
            condition = condition.and(missing("delivered_at")).and(missing("opened_at"));
        }
        let expression = expression.when(condition);
        let Some(((tenant, id), sum)) = template.zip(told.sum()) else {
            let update = self.table.update(key.clone()).apply(expression);
            return Ok(update.send_or::<IgnoredAny, IgnoredAny, ()>(|_| ()).await?.is_ok());
        };
        let shard = random::bytes::<1>()[0] % SHARDS;
        let count = UpdateExpression::new().add(sum, 1_u64);
        let transaction = self.table.transact::<Clash>().update::<IgnoredAny>(key, &expression, |_| Clash)?;
        let stats = keys::template_stats(tenant, id, shard);
        let transaction = transaction.update::<IgnoredAny>(&stats, &count, |_| Clash)?;
        Ok(transaction.send::<()>().await?.is_ok())
    }

    /// What became of a template's mails: one query.
    ///
    /// # Errors
    /// Our failure.
    pub async fn template_stats(&self, tenant: &str, id: &str) -> Result<TemplateStats, Fault> {
        if !keys::is_id(id) {
            return Ok(TemplateStats::default());
        }
        let query = self.table.query(keys::of_template(tenant, id)).between(keys::STATS, format!("{}~", keys::STATS));
        let mut sum = TemplateStats::default();
        for item in query.all(usize::from(u8::MAX)).await? {
            let part: TemplateStats = from_attributes(item)?;
            sum.delivered += part.delivered;
            sum.opened += part.opened;
            sum.clicked += part.clicked;
            sum.bounced += part.bounced;
            sum.complained += part.complained;
        }
        Ok(sum)
    }
}
