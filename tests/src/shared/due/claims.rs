//! What becomes of a claim: cancelled, or settled with its effect.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use anyhow::{Result, ensure};
use dynamo::{Key, UpdateExpression};
use serde::Deserialize;
use types::{Fault, OnceRefusal};
use work::{CLAIM, Cancelled, Claim};

use super::super::race;
use super::{Carried, MINUTE, NOW, buckets};

#[test]
fn a_cancelled_piece_is_not_handed_over() -> Result<()> {
    race(async {
        let (_, due, clock) = buckets().await?;
        let (keep, drop) = (NOW + MINUTE * 20, NOW + MINUTE * 30);
        let kept = due.schedule("kept", keep, &(), NOW).await?;
        let dropped = due.schedule("dropped", drop, &(), NOW).await?;
        assert_eq!(due.cancel(&dropped).await?, Cancelled::Now);
        assert_eq!(due.cancel(&dropped).await?, Cancelled::Gone);
        clock.advance(MINUTE * 40);
        let (carried, seen) = (Carried::default(), Mutex::new(None));
        let asked = due.sweep(&clock, 100, |claims| {
            carried.take(&claims);
            async {
                let answer = due.cancel(&kept).await?;
                *seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
                Ok(BTreeSet::new())
            }
        });
        assert_eq!(asked.await?.carried, 1);
        assert_eq!(*seen.lock().unwrap_or_else(PoisonError::into_inner), Some(Cancelled::Busy));
        assert_eq!(due.cancel(&kept).await?, Cancelled::Gone);
        assert_eq!(carried.times().into_keys().collect::<Vec<_>>(), ["kept"]);
        Ok(())
    })
}

/// The handler's effect is in the transaction that settles the claim: a slow sweep whose claims were taken over by
/// another one has no effect.
#[test]
fn an_effect_settled_with_its_claim_happens_once_whoever_is_late() -> Result<()> {
    race(async {
        let (table, due, clock) = buckets().await?;
        for number in 0..8 {
            due.schedule(&format!("n{number}"), NOW, &number, NOW).await?;
        }
        let effect = |claim: Claim| {
            let table = table.clone();
            async move {
                let lost = OnceRefusal::InProgress;
                let add = UpdateExpression::new().add("times", 1_u64);
                let never = |_: Option<serde::de::IgnoredAny>| lost;
                let key = Key::new("EFFECT", claim.id.as_str());
                let transaction = claim.settle(table.transact().update(&key, &add, never)?, lost)?;
                transaction.send::<()>().await
            }
        };
        let slow = due.sweep(&clock, 100, |claims| async {
            // It stalls for longer than its claims last, and another one does its work meanwhile.
            clock.advance(CLAIM);
            let quick = due.sweep(&clock, 100, |claims| async {
                for claim in claims {
                    effect(claim).await?.map_err(|_| Fault::permanent("a claim of our own was refused"))?;
                }
                Ok(BTreeSet::new())
            });
            quick.await?;
            for claim in claims {
                if effect(claim).await?.is_ok() {
                    return Err(Fault::permanent("a claim that was taken over still had its effect"));
                }
            }
            Ok(BTreeSet::new())
        });
        assert_eq!(slow.await?.late, 0);
        #[derive(Deserialize)]
        struct Effect {
            times: u64,
        }
        let effects = table.query("EFFECT").strong().page::<Effect>(100).await?.items;
        ensure!(effects.len() == 8 && effects.iter().all(|effect| effect.times == 1));
        Ok(())
    })
}
