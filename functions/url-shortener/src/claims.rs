//! Claiming a link: the code, the write, and what is done when the table does not take it now.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use types::{Answer, Fault, Instant, Once, random};
use web::RequestMeta;
use work::Queue;

use crate::App;
use crate::domain::{Code, DomainName, Edit, Link, LinkError, Target};
use crate::requests::NewLink;
use crate::store::{Deduped, Replaces};

/// How often a generated code may meet one that somebody chose: with n chosen codes of seven characters, n in 3.5 ×
/// 10^12.
const TRIES: u8 = 3;
/// How long the table may take before the claim is queued: half of the function's time.
const CLAIM_BUDGET: Duration = Duration::from_secs(5);
/// How long the queue may take.
const QUEUE_BUDGET: Duration = Duration::from_secs(2);

/// What a new link has to do with others to the same URL.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Dedupe {
    /// Nothing.
    #[default]
    No,
    /// It is the one that is found from now on.
    Found,
    /// It is made only if there is none.
    Only,
}

/// What a caller asked for.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub(crate) struct Claim {
    pub owner: String,
    pub url: Target,
    pub wishes: Edit,
    pub code: Option<Code>,
    pub domain: Option<DomainName>,
    pub dedupe: Dedupe,
    /// Whether the caller understands that the claim is carried out later.
    pub patient: bool,
}

/// How it ended.
#[derive(Debug)]
pub(crate) enum Claimed {
    /// A new link, or the same request's.
    New(Link),
    /// The caller's link to this URL, which was there.
    Known(Link),
    /// The table did not take it; a worker will. The request can be asked for by this key.
    Queued(Once),
}

/// A claim that waits for the table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct QueuedClaim {
    /// Version of this shape.
    pub v: u8,
    /// The link as it was first tried; it meets itself if that try took effect.
    pub link: Link,
    /// Whether the caller chose the code.
    pub chosen: bool,
    /// Whether the caller wants no second link to the URL.
    pub dedupe: Dedupe,
    /// What makes the request take effect once.
    pub scope: String,
    /// Of the same.
    pub key: String,
    /// Of the same.
    pub fingerprint: String,
}

impl QueuedClaim {
    pub fn once(&self) -> Once {
        Once { scope: self.scope.clone(), key: self.key.clone(), fingerprint: self.fingerprint.clone() }
    }
}

impl App {
    /// Makes the link that a request asks for. A repetition is answered as the first was, though what it asks for may
    /// be past by now.
    pub(crate) async fn create(
        &self,
        owner: &str,
        new: NewLink,
        meta: &RequestMeta,
        once: Option<&Once>,
    ) -> Answer<Claimed, LinkError> {
        let now = self.clock.now();
        let claimed = match self.read_claim(owner, new, meta, now) {
            Ok(claim) => self.claim(claim, once, now).await?,
            Err(refusal) => Err(refusal),
        };
        match (claimed, once) {
            (Err(refusal), Some(once)) => {
                Ok(self.store.claimed(once, now).await?.and_then(|first| first.ok_or(refusal)).map(Claimed::New))
            }
            (claimed, _) => Ok(claimed),
        }
    }

    /// Claims a link: one write, or one transaction with an idempotency record or against a second link. A table that
    /// throttles or does not answer does not turn the caller away: the claim is queued.
    pub(crate) async fn claim(&self, claim: Claim, once: Option<&Once>, now: Instant) -> Answer<Claimed, LinkError> {
        if let Some(domain) = &claim.domain
            && let Err(refusal) = self.own_domain(domain.as_str(), &claim.owner).await?
        {
            return Ok(Err(refusal));
        }
        let code = self.code(&claim).await;
        let (chosen, dedupe, patient) = (claim.code.is_some(), claim.dedupe, claim.patient);
        let Claim { owner, url, wishes, .. } = claim;
        let link = match Link::claim(owner, code, url, wishes, self.settings.default_ttl, now) {
            Ok(link) => Link { claim: Some(random::base62(11)), ..link },
            Err(refusal) => return Ok(Err(refusal)),
        };
        let now_or_later = self.claim_link(link.clone(), chosen, dedupe, once, now);
        match tokio::time::timeout(CLAIM_BUDGET, now_or_later).await {
            Ok(Err(fault)) if fault.is_transient() && patient => {
                self.queue(link, chosen, dedupe, once, fault).await.map(Ok)
            }
            Ok(done) => done,
            Err(_) => {
                let fault = Fault::transient("the claim took too long");
                if !patient {
                    return Err(fault);
                }
                self.queue(link, chosen, dedupe, once, fault).await.map(Ok)
            }
        }
    }

    async fn code(&self, claim: &Claim) -> Code {
        let code = match &claim.code {
            Some(code) => code.clone(),
            None => self.fresh_code(&claim.owner, &claim.url, 0).await,
        };
        code.on(claim.domain.as_ref())
    }

    /// A code from the stage's source, but no reserved word.
    async fn fresh_code(&self, owner: &str, url: &Target, attempt: u8) -> Code {
        let mut attempt = attempt;
        loop {
            let code = self.codes.next(owner, url, attempt).await;
            if !code.is_reserved() {
                return code;
            }
            attempt = attempt.saturating_add(1);
        }
    }

    /// Claims this very link, or where its code was made here and is taken, one of another code.
    pub(crate) async fn claim_link(
        &self,
        mut link: Link,
        chosen: bool,
        dedupe: Dedupe,
        once: Option<&Once>,
        now: Instant,
    ) -> Answer<Claimed, LinkError> {
        let mut attempt = 0;
        loop {
            let claimed = match dedupe {
                Dedupe::No => self.store.claim(link.clone(), once.cloned(), now).await?.map(Claimed::New),
                _ => self.claim_once(link.clone(), dedupe == Dedupe::Only, once, now).await?,
            };
            attempt += 1;
            if chosen || attempt == TRIES || !matches!(claimed, Err(LinkError::CodeTaken)) {
                return Ok(claimed);
            }
            let domain = link.code.domain().and_then(|domain| domain.parse().ok());
            link.code = self.fresh_code(&link.owner, &link.url, attempt).await.on(domain.as_ref());
        }
    }

    /// The caller's link to the same URL, or a new one.
    async fn claim_once(
        &self,
        link: Link,
        only: bool,
        once: Option<&Once>,
        now: Instant,
    ) -> Answer<Claimed, LinkError> {
        let target = self.urls.mac_text(format!("{:?}\n{}", link.code.domain(), link.url).as_bytes());
        let mut stale = if only { Replaces::Nothing } else { Replaces::Anything };
        for _ in 0..TRIES {
            let outcome = self.store.claim_once(link.clone(), target.clone(), &stale, once.cloned(), now).await?;
            let code = match outcome {
                Ok(Deduped::Claimed(link)) => return Ok(Ok(Claimed::New(*link))),
                Ok(Deduped::Known(code)) => code,
                Err(refusal) => return Ok(Err(refusal)),
            };
            if let Some(code) = code {
                let known = self.store.find_now(&code).await?.and_then(|known| known.of(&link.owner, now).ok());
                // It may be disabled by now, have ended, or lead elsewhere: then a new link takes its place.
                if let Some(known) = known.filter(|known| known.open(now).is_ok() && known.url == link.url) {
                    return Ok(Ok(Claimed::Known(known)));
                }
                stale = Replaces::Stale(code);
            }
        }
        Err(Fault::transient("other requests for the same URL were always ahead"))
    }

    async fn queue(
        &self,
        link: Link,
        chosen: bool,
        dedupe: Dedupe,
        once: Option<&Once>,
        fault: Fault,
    ) -> Result<Claimed, Fault> {
        aws::count("claims_queued", 1.0);
        tracing::warn!(fault = fault.chain(), "the table did not take a link; it is queued");
        let own = || Once {
            scope: format!("{}#queued", link.owner),
            key: random::uuid().to_string(),
            fingerprint: String::new(),
        };
        let once = once.cloned().unwrap_or_else(own);
        let Once { scope, key, fingerprint } = once.clone();
        let message = QueuedClaim { v: 1, link, chosen, dedupe, scope, key, fingerprint };
        self.claims().send(&message, QUEUE_BUDGET).await?;
        Ok(Claimed::Queued(once))
    }

    fn claims(&self) -> &Queue {
        self.claims.get_or_init(|| Queue::new(self.sdk.sqs(), &self.settings.claims_queue_url))
    }
}
