//! Digests, from collecting to the one notification that tells all.
//!
//! Each notification is in one digest. Collecting is a transaction that marks the notification and that a closed digest
//! refuses; a digest is closed before it is read, and what it becomes is a notification whose id follows from user and
//! time, which is made once. Whoever dies in between leaves a delivery that waits or a message that comes again.

use types::{Fault, Instant, Priority};

use crate::App;
use crate::domain::{
    Channel, DIGEST, DigestErrand, DigestItem, KEPT, Notification, NotificationError, plan, render_digest,
};
use crate::store::{Collecting, Known};

/// Digests that are tried where clocks differ and one is closed already.
const MOST_PERIODS: u8 = 3;

impl App {
    /// Puts a notification into the digest that is due at `until`, or the next that takes it.
    pub(crate) async fn collect(&self, known: &Known, mut until: Instant, now: Instant) -> Result<(), Fault> {
        let (notification, preferences) = (&known.notification, &known.preferences);
        for _ in 0..MOST_PERIODS {
            let item = DigestItem::of(notification, until);
            let digest = self.digest_id(&item.tenant, &item.user, until);
            if self.store.collect(&known.delivery, &item, &digest, now).await? == Collecting::Done {
                aws::count("deliveries_digested", 1.0);
                return Ok(());
            }
            let Some(wish) = &preferences.digest else { break };
            until = wish.next(&preferences.time_zone, until);
        }
        Err(Fault::transient("every digest that was tried is closed"))
    }

    /// Makes the notification of a digest whose time has come. Its deliveries leave by the table's stream as all do.
    pub(crate) async fn tell_digest(&self, errand: &DigestErrand) -> Result<(), Fault> {
        let (now, DigestErrand { tenant, user, until, .. }) = (self.clock.now(), errand);
        let Some(period) = self.store.close_digest(tenant, user, *until, now).await? else {
            aws::count("digests_forgotten", 1.0);
            return Ok(());
        };
        let own = self.store.template(tenant, DIGEST);
        let (items, known, own) = tokio::try_join!(self.store.digested(&period), self.store.user(tenant, user), own)?;
        let read = items.len();
        // Whatever the user has opted out of meanwhile is not told.
        let wanted = |item: &DigestItem| known.preferences.allows(&item.kind, Channel::Email).is_ok();
        let items: Vec<DigestItem> = items.into_iter().filter(wanted).collect();
        let count = period.count.saturating_sub(read - items.len());
        if count == 0 {
            aws::count("digests_empty", 1.0);
            return Ok(());
        }
        let own = own.ok();
        let template = own.as_ref().map(|stored| &stored.template);
        let rendered = render_digest(template, known.preferences.locale.as_ref(), &items, count);
        let (content, by_own) = rendered.map_err(|why| Fault::permanent("rendering a digest").caused_by(why))?;
        let notification = Notification {
            tenant: tenant.clone(),
            id: self.digest_id(tenant, user, *until),
            user: user.clone(),
            kind: DIGEST.to_owned(),
            priority: Priority::Normal,
            channels: vec![Channel::Email],
            content,
            template: own.filter(|_| by_own).map(|stored| (stored.id, stored.version)),
            data: None,
            collapse_key: None,
            fallback: None,
            digest: true,
            created_at: now,
            send_at: None,
            expires_at: None,
            canceled_at: None,
            purge_at: (now + KEPT).seconds(),
        };
        let deliveries = plan(&notification, &known.addresses, &known.preferences);
        match self.store.accept(&notification, &deliveries, None, now).await? {
            Ok(_) => aws::count("digests_told", 1.0),
            // By whoever got the message before.
            Err(NotificationError::TooLate) => aws::count("digests_repeated", 1.0),
            Err(refusal) => return Err(Fault::permanent("making a digest's notification").caused_by(refusal)),
        }
        Ok(())
    }

    /// Like the id of any notification, but the same for the same user and time.
    fn digest_id(&self, tenant: &str, user: &str, until: Instant) -> String {
        let of = format!("digest\0{tenant}\0{user}\0{}", until.millis());
        format!("{:011x}{}", until.millis(), &self.ids.mac_text(of.as_bytes())[..11])
    }
}
