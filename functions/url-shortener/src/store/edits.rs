//! Links as they change: by their owners' wishes, and by clicks that are limited.

use dynamo::{UpdateExpression, Value, below, eq, gt, missing, ne};
use serde::Serialize;
use types::{Answer, Fault, Instant};

use super::{Store, due_keys, keys};
use crate::domain::{Change, Code, Edit, GRACE, Link, LinkError, warning_before};

impl Store {
    /// Changes `owner`'s link as it stands: one conditional write, and the link as it is now. A link that expired lives
    /// again with a new end; a disabled one stays so.
    ///
    /// # Errors
    /// Refuses with [`LinkError::NotFound`] what is not there, not `owner`'s, or forgotten; with
    /// [`LinkError::Disabled`] what is.
    pub async fn edit(&self, code: &Code, owner: &str, edit: &Edit, now: Instant) -> Answer<Link, LinkError> {
        let there = eq("owner", owner).and(missing("disabled_at"));
        let there = there.and(missing("purge_at").or(gt("purge_at", now.seconds())));
        let Some(expression) = changes(code, edit, now)? else {
            return Ok(self.find_now(code).await?.ok_or(LinkError::NotFound).and_then(|link| link.of(owner, now)));
        };
        let refused = |standing: Option<Link>| {
            let link = standing.ok_or(LinkError::NotFound).and_then(|link| link.of(owner, now));
            link.map_or_else(|refusal| refusal, |link| LinkError::Disabled { at: link.disabled_at.unwrap_or(now) })
        };
        self.table.update(keys::link(code)).apply(expression.set("updated_at", now).when(there)).send_or(refused).await
    }

    /// Uses one of a link's limited clicks: one conditional write, so never more than there are, and the link as it is
    /// now. `id` is the opening's own: sent again after a lost reply it meets itself, unless another came between.
    ///
    /// # Errors
    /// Refuses with the link as it is: used up, ended, or limited no more.
    pub async fn use_click(&self, code: &Code, id: &str, now: Instant) -> Answer<Link, Option<Link>> {
        let opens = missing("disabled_at").and(missing("expires_at").or(gt("expires_at", now)));
        let left = below("used", "max_clicks").or(missing("used").and(gt("max_clicks", 0_u64)));
        let fresh = missing("last_use").or(ne("last_use", id));
        let expression = UpdateExpression::new()
            .add("used", 1_u64)
            .set("used_at", now)
            .set("last_use", id)
            .when(opens.and(left).and(fresh));
        let update = self.table.update(keys::link(code)).apply(expression);
        let used: Result<Link, Option<Link>> = update.send_or(|standing| standing).await?;
        Ok(match used {
            Err(Some(link)) if link.last_use.as_deref() == Some(id) => Ok(link),
            other => other,
        })
    }
}

/// The wishes as changes of the item; none where there is nothing to change.
fn changes(code: &Code, edit: &Edit, now: Instant) -> Result<Option<UpdateExpression>, Fault> {
    let mut expression = UpdateExpression::new();
    let mut empty = true;
    let mut change = |name: &str, value: Change<Value>| {
        empty &= value.is_keep();
        expression = match value {
            Change::Keep => std::mem::take(&mut expression),
            Change::Clear => std::mem::take(&mut expression).remove(name),
            Change::Set(value) => std::mem::take(&mut expression).set(name, value),
        };
    };
    change("url", Change::of(edit.url.as_ref().map(|url| Value::from(url.as_str()))));
    change("title", value_of(&edit.title)?);
    change("tags", value_of(&edit.tags)?);
    change("redirect_status", value_of(&edit.redirect_status)?);
    change("max_clicks", value_of(&edit.max_clicks)?);
    change("fallback_url", value_of(&edit.fallback_url)?);
    change("password", value_of(&edit.password)?);
    change("forward_query", value_of(&edit.forward_query)?);
    change("forward_path", value_of(&edit.forward_path)?);
    change("utm", value_of(&edit.utm)?);
    change("rules", value_of(&edit.rules)?);
    match edit.expires_at {
        Change::Keep => {}
        Change::Clear => ["expires_at", "expiry_pk", "expiry_sk", "purge_at", "swept_at", "warn_at", "warned_at"]
            .into_iter()
            .for_each(|name| change(name, Change::Clear)),
        Change::Set(at) => {
            let warn_at = warning_before(at, now);
            let [bucket, moment] = due_keys(code, warn_at, at);
            change("expires_at", Change::Set(at.into()));
            change("expiry_pk", Change::Set(bucket.into()));
            change("expiry_sk", Change::Set(moment.into()));
            change("purge_at", Change::Set((at + GRACE).seconds().into()));
            change("warn_at", warn_at.map_or(Change::Clear, |at| Change::Set(at.into())));
            // So that the new end is told too, and warned of.
            change("swept_at", Change::Clear);
            change("warned_at", Change::Clear);
        }
    }
    Ok((!empty).then_some(expression))
}

fn value_of<T: Serialize>(change: &Change<T>) -> Result<Change<Value>, Fault> {
    Ok(match change {
        Change::Keep => Change::Keep,
        Change::Clear => Change::Clear,
        Change::Set(value) => Change::Set(Value::of(value)?),
    })
}
