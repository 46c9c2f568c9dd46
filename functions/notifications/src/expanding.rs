//! One page of a fan-out, from its queue to its users' notifications.
//!
//! The page is read where the shard's item says that it begins, each of its users gets a notification under an id that
//! is the same each time, and only then the shard is moved on, by a write that is refused to whoever comes second. So a
//! worker that dies leaves the page as it was; the next one finds what was made and makes the rest. The next page is
//! sent on by the table's stream, from that same write: none is forgotten by a worker that dies after it.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::join_all;
use types::{Answer, Fault, Instant};

use crate::App;
use crate::audiences::Missing;
use crate::domain::fan_out::{CHUNK, Lines, Step, TOPIC_PAGE};
use crate::domain::{
    Audience, FanOut, FanOutState, NotificationError, Said, Shard, ShardState, Template, Worked, plan,
};

/// The users of a page, and after whom the next one begins.
struct Users {
    users: Vec<String>,
    /// Lines of a file that name nobody.
    bad: u64,
    next: Option<String>,
}

impl App {
    /// Does what a message asks for, unless it was done.
    pub(crate) async fn expand(&self, step: &Step) -> Result<(), Fault> {
        let Some(shard) = step.shard else { return self.store.open_fan_out(&step.tenant, &step.fan_out).await };
        let Some((fan_out, shard)) = self.store.fan_out_shard(step, shard).await? else {
            aws::count("fan_outs_forgotten", 1.0);
            return Ok(());
        };
        let is_next = step.page.is_none_or(|page| page == shard.page);
        if fan_out.state != FanOutState::Open || shard.state != ShardState::Open || !is_next {
            aws::count("fan_out_pages_done_before", 1.0);
            return Ok(());
        }
        let (page, template) = tokio::try_join!(self.page(&fan_out, &shard), self.template_of(&fan_out))?;
        let page = match page {
            Ok(page) => page,
            Err(missing) => {
                tracing::error!(fan_out = fan_out.id, reason = missing.reason(), "a broadcast cannot go on");
                return self.store.fail_fan_out(&fan_out, missing.reason()).await;
            }
        };
        let worked = match template {
            Ok(template) => self.work_through(&fan_out, page, template.as_deref()).await?,
            // The version that it was accepted with is gone: nobody can be told.
            Err(_) => {
                let refused = page.users.len() as u64 + page.bad;
                Some(Worked { refused, next: page.next, ..Worked::default() })
            }
        };
        let Some(worked) = worked else { return Ok(()) };
        if self.store.move_shard(&shard, &shard.moved(worked.clone())).await? {
            aws::count("expanded", worked.expanded as f64);
            aws::count("expansions_refused", worked.refused as f64);
        }
        Ok(())
    }

    async fn page(&self, fan_out: &FanOut, shard: &Shard) -> Answer<Users, Missing> {
        match &fan_out.audience {
            Audience::Users(users) => {
                let page = users.chunks(CHUNK).nth(usize::from(shard.shard));
                Ok(Ok(Users { users: page.unwrap_or_default().to_vec(), bad: 0, next: None }))
            }
            Audience::File(file) => {
                let (from, to) = file.range(shard.shard);
                let position = shard.position(from);
                let read = self.audiences.read(&fan_out.tenant, file, position).await?;
                Ok(read.map(|window| {
                    let Lines { users, bad, next, .. } = file.lines(&window, position, to);
                    Users { users, bad, next: next.map(|next| next.to_string()) }
                }))
            }
            Audience::Topic(topic) => {
                let after = Some(shard.after.as_str()).filter(|after| !after.is_empty());
                let topic = (fan_out.tenant.as_str(), topic.as_str());
                let page = self.store.subscribers(topic, shard.shard, TOPIC_PAGE, after).await?;
                let more = page.next.is_some();
                let users: Vec<String> = page.items.into_iter().map(|subscriber| subscriber.user).collect();
                let next = users.last().filter(|_| more).cloned();
                Ok(Ok(Users { users, bad: 0, next }))
            }
        }
    }

    /// The template that a fan-out names, in the version that it was accepted with.
    async fn template_of(&self, fan_out: &FanOut) -> Answer<Option<Arc<Template>>, NotificationError> {
        let Said::Template { id, version, .. } = &fan_out.said else { return Ok(Ok(None)) };
        let stored = self.store.template_version(&fan_out.tenant, id, *version).await?;
        Ok(stored.map(|stored| Some(Arc::new(stored.template))))
    }

    /// A chunk at a time, so that a fan-out that is taken back ends within one. None where it is paused: its page is
    /// worked through again when it goes on, and finds what was made.
    async fn work_through(
        &self,
        fan_out: &FanOut,
        page: Users,
        template: Option<&Template>,
    ) -> Result<Option<Worked>, Fault> {
        let mut worked = Worked { next: page.next, refused: page.bad, ..Worked::default() };
        for (place, chunk) in page.users.chunks(CHUNK).enumerate() {
            if place > 0 {
                match self.store.fan_out_state(fan_out).await? {
                    Some(FanOutState::Open) => {}
                    Some(FanOutState::Paused) => return Ok(None),
                    _ => {
                        worked.stopped = true;
                        break;
                    }
                }
            }
            let now = self.clock.now();
            // A user who is named twice would meet herself.
            let users: BTreeSet<&String> = chunk.iter().collect();
            let mut refused = 0;
            for told in join_all(users.iter().map(|user| self.tell_recipient(fan_out, user, template, now))).await {
                match told {
                    Ok(Ok(())) => {}
                    Ok(Err(refusal)) => {
                        tracing::warn!(fan_out = fan_out.id, %refusal, "a user of a fan-out is told nothing");
                        refused += 1;
                    }
                    // What will fail each time must not keep all others behind it waiting.
                    Err(fault) if !fault.is_transient() => {
                        tracing::error!(fan_out = fan_out.id, fault = fault.chain(), "a user of a fan-out is left out");
                        refused += 1;
                    }
                    Err(fault) => return Err(fault),
                }
            }
            worked.refused += refused;
            worked.expanded += chunk.len() as u64 - refused;
        }
        Ok(Some(worked))
    }

    /// Gives one user a notification, unless there is one.
    async fn tell_recipient(
        &self,
        fan_out: &FanOut,
        user: &str,
        template: Option<&Template>,
        now: Instant,
    ) -> Answer<(), NotificationError> {
        let known = self.store.user(&fan_out.tenant, user).await?;
        let content = match fan_out.content(template, known.preferences.locale.as_ref()) {
            Ok(content) => content,
            Err(refusal) => return Ok(Err(refusal.into())),
        };
        let notification = fan_out.notification(self.id_for(fan_out, user), user, content, now);
        if let Err(refusal) = notification.check() {
            return Ok(Err(refusal));
        }
        let deliveries = plan(&notification, &known.addresses, &known.preferences);
        self.store.accept_child(&notification, &deliveries, now).await.map(Ok)
    }

    /// The id of a user's notification: the same for the same user each time. It sorts where the fan-out does, and one
    /// user's does not tell another's.
    fn id_for(&self, fan_out: &FanOut, user: &str) -> String {
        let what = format!("fan-out\0{}\0{}\0{user}", fan_out.tenant, fan_out.id);
        format!("{}-{}", fan_out.id, &self.ids.mac_text(what.as_bytes())[..16])
    }
}
