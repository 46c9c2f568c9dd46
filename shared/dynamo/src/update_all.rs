//! Several updates all or none, each telling why it was refused.

use aws_sdk_dynamodb::types::CancellationReason;
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use types::{Answer, Fault, Instant, Once, OnceRefusal};

use crate::item::{Key, standing};
use crate::once::replay;
use crate::sending::{Cancelled, code, transact};
use crate::{Done, Table, UpdateExpression};

/// How often a transaction is sent whose items others hold. Fewer than others': whoever updates all has another way.
const TRIES: u32 = 2;

/// Why nothing was updated.
#[derive(Debug)]
pub enum AllRefused<T> {
    /// For each update `None` where its condition held, `Some` of the item (if there is one) where it did not.
    Conditions(Vec<Option<Option<T>>>),
    /// Other writers held the items at every try.
    Busy(Fault),
    /// It had been carried out before in another way.
    Once(OnceRefusal),
}

impl<T> From<OnceRefusal> for AllRefused<T> {
    fn from(refusal: OnceRefusal) -> Self {
        Self::Once(refusal)
    }
}

impl Table {
    /// Carries out several updates, all or none: one transaction, twice the units. With `once`, only the first time,
    /// and a repetition finds the first one's result.
    ///
    /// # Errors
    /// Refuses as [`AllRefused`] says.
    pub async fn update_all<T: DeserializeOwned, R: Serialize + DeserializeOwned>(
        &self,
        updates: &[(Key, UpdateExpression)],
        once: Option<(&Once, &R, Instant)>,
    ) -> Answer<Done<R>, AllRefused<T>> {
        let mut transaction = self.transact::<AllRefused<T>>();
        let unused = |_: Option<IgnoredAny>| AllRefused::Conditions(Vec::new()); // the reasons are read below
        for (key, expression) in updates {
            transaction = transaction.update(key, expression, unused)?;
        }
        if let Some((once, result, now)) = once {
            transaction = transaction.once(once.clone(), result, now)?;
        }
        let writes: Vec<_> = transaction.writes.into_iter().map(|(write, _)| write).collect();
        let mut reasons = match transact(self, &writes, transaction.units, once.is_some(), TRIES).await? {
            Cancelled::Not => return Ok(Ok(Done::Now)),
            Cancelled::Busy(_, fault) => return Ok(Err(AllRefused::Busy(fault))),
            Cancelled::Refused(reasons, _) => reasons,
        };
        if let Some((once, ..)) = once {
            let record = reasons.remove(0);
            if failed(&record) {
                return replay(once, standing(record.item)?);
            }
        }
        let stood = |reason: CancellationReason| match failed(&reason) {
            true => standing(reason.item).map(Some),
            false => Ok(None),
        };
        Ok(Err(AllRefused::Conditions(reasons.into_iter().map(stood).collect::<Result<_, _>>()?)))
    }
}

fn failed(reason: &CancellationReason) -> bool {
    code(reason) == "ConditionalCheckFailed"
}
