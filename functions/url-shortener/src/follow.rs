//! Following a short URL: find the link, see whether it opens, use a click if they are limited, say where it leads.

use std::sync::Arc;
use std::time::Duration;

use types::{Answer, Fault, Instant, random};
use web::{Method, Problem, RequestMeta, Units};

use crate::App;
use crate::domain::{Code, Domain, DomainName, Link, LinkError, Target, Visit};
use crate::pages::Page;

/// Where a visitor is sent, or what he is shown.
#[derive(Debug)]
pub enum Followed {
    /// Somewhere else.
    Redirect {
        /// 301, 302, 303, 307 or 308.
        status: u16,
        /// The whole URL; none in an answer to HEAD that would have to use a click to tell.
        location: Option<String>,
        /// `Cache-Control`.
        cache: String,
    },
    /// A page of ours.
    Page(Page),
}

impl Followed {
    /// Away to a place that is no link's own.
    pub fn away(target: &Target) -> Self {
        Self::Redirect { status: 302, location: Some(target.as_str().to_owned()), cache: UNKEPT.to_owned() }
    }
}

/// One visit to a short URL.
pub(crate) struct Asked<'a> {
    pub method: &'a Method,
    pub meta: &'a RequestMeta,
    /// The code, as it stands in the path.
    pub code: &'a str,
    /// What follows it: `a/b`.
    pub path: &'a str,
    /// What the visitor gave as the password, and what a try is taken from.
    pub password: Option<(&'a str, &'a Units)>,
}

/// Never kept: the next visit is asked for again, and so counted.
const UNKEPT: &str = "private, max-age=0";

impl App {
    /// Follows a short URL. No read for a link this sandbox knows, one otherwise; one write where clicks are limited;
    /// one message per click, never awaited past its budget. HEAD uses and counts nothing.
    pub(crate) async fn follow(&self, asked: Asked<'_>) -> Result<Followed, Problem> {
        let now = self.clock.now();
        let domain = self.settings.asked_domain(asked.meta);
        let visit = self.visit(asked.meta, asked.path, now);
        let (refusal, link) = match self.open(&asked, domain.as_ref(), &visit, now).await? {
            Ok(followed) => return Ok(followed),
            Err(refused) => refused,
        };
        if refusal == LinkError::NotFound && asked.method == Method::GET && Code::of_path(asked.code).is_ok() {
            aws::count("orphan_visits", 1.0);
            self.count(Code::of_orphans(domain.as_ref()), &visit, None, asked.meta).await;
        }
        if let Some(target) = self.instead(&refusal, link.as_deref(), domain.as_ref()).await? {
            return Ok(Followed::away(&target));
        }
        let needs = matches!(refusal, LinkError::PasswordNeeded | LinkError::PasswordWrong);
        if needs && asked.meta.wants_page() {
            return Ok(Followed::Page(Page::password(asked.code, asked.path, refusal == LinkError::PasswordWrong)));
        }
        Err(refusal.into())
    }

    /// Shows where a link leads. It is no click.
    pub(crate) async fn preview(&self, code: &str, meta: &RequestMeta) -> Result<Followed, Problem> {
        let now = self.clock.now();
        let code = Code::of_path(code)?.on(self.settings.asked_domain(meta).as_ref());
        let link = self.find(&code, now).await?.ok_or(LinkError::NotFound)?;
        link.open(now)?;
        Ok(Followed::Page(Page::preview(&link, &self.short_url(&code, meta))))
    }

    #[allow(clippy::type_complexity)] // a refusal and the link it is about
    async fn open(
        &self,
        asked: &Asked<'_>,
        domain: Option<&DomainName>,
        visit: &Visit,
        now: Instant,
    ) -> Result<Result<Followed, (LinkError, Option<Arc<Link>>)>, Problem> {
        let Ok(code) = Code::of_path(asked.code) else { return Ok(Err((LinkError::NotFound, None))) };
        let code = code.on(domain);
        let Some(mut link) = self.find(&code, now).await? else { return Ok(Err((LinkError::NotFound, None))) };
        let opens = link.takes(&visit.path).and_then(|()| link.open(now));
        let opens = match (opens, &link.password, asked.password) {
            (Ok(()), Some(_), None) => Err(LinkError::PasswordNeeded),
            (Ok(()), Some(password), Some((given, tries))) => {
                tries.take(1).await?;
                if password.is(given) { Ok(()) } else { Err(LinkError::PasswordWrong) }
            }
            (opens, ..) => opens,
        };
        if let Err(refusal) = opens {
            return Ok(Err((refusal, Some(link))));
        }
        let counts = asked.method != Method::HEAD;
        if counts && link.max_clicks.is_some() {
            match self.use_click(&code, now).await? {
                // The owner may have set a password since this sandbox saw the link: it guards what is new.
                Ok(used) if used.password.is_some() && used.password != link.password => {
                    return Ok(Err((LinkError::PasswordNeeded, Some(used))));
                }
                Ok(used) => link = used,
                Err((refusal, link)) => return Ok(Err((refusal, Some(link)))),
            }
        }
        let destination = link.destination(visit);
        if counts {
            self.count(code, visit, destination.rule, asked.meta).await;
        }
        let status = if asked.password.is_some() { 303 } else { link.redirect_status.into() };
        let location = Some(destination.url).filter(|_| counts || link.max_clicks.is_none());
        Ok(Ok(Followed::Redirect { status, location, cache: self.cache_control(&link, now) }))
    }

    /// The link, from memory where it was seen a moment ago. That there is none is remembered too, for less long.
    pub(crate) async fn find(&self, code: &Code, now: Instant) -> Result<Option<Arc<Link>>, Fault> {
        if let Some(known) = self.cache.get(code, now) {
            aws::count("cache_hits", 1.0);
            return Ok(known);
        }
        let link = self.store.find(code).await?.map(Arc::new);
        self.cache.insert(code, link.as_ref(), now);
        Ok(link)
    }

    /// Uses a click, and remembers the link as it is now.
    async fn use_click(&self, code: &Code, now: Instant) -> Result<Result<Arc<Link>, (LinkError, Arc<Link>)>, Problem> {
        let used = self.store.use_click(code, &random::base62(11), now).await?;
        let (link, took) = match used {
            Ok(link) => (link, true),
            Err(Some(link)) => (link, false),
            Err(None) => return Err(LinkError::NotFound.into()),
        };
        let link = Arc::new(link);
        self.cache.insert(code, Some(&link), now);
        match link.open(now) {
            // The last click leaves a link that is used up, and was taken all the same; a lifted limit is none.
            _ if took => Ok(Ok(link)),
            Ok(()) => Ok(Ok(link)),
            Err(refusal) => Ok(Err((refusal, link))),
        }
    }

    /// Where a visit leads that no link takes: the link's own fallback, or its domain's.
    async fn instead(
        &self,
        refusal: &LinkError,
        link: Option<&Link>,
        domain: Option<&DomainName>,
    ) -> Result<Option<Target>, Fault> {
        let ended = matches!(refusal, LinkError::Expired { .. } | LinkError::UsedUp { .. });
        if let Some(target) = link.and_then(|link| link.fallback_url.clone()).filter(|_| ended) {
            return Ok(Some(target));
        }
        let Some(name) = domain else { return Ok(None) };
        let Some(domain) = self.domain(name).await? else { return Ok(None) };
        Ok(match refusal {
            LinkError::NotFound => domain.not_found_url.clone(),
            _ if ended => domain.expired_url.clone(),
            _ => None,
        })
    }

    /// A tenant's domain, from memory where it was seen a moment ago.
    pub(crate) async fn domain(&self, name: &DomainName) -> Result<Option<Arc<Domain>>, Fault> {
        let now = self.clock.now();
        if let Some(known) = self.domains.get(name, now) {
            return Ok(known);
        }
        let domain = self.store.domain(name, dynamo::Consistency::Eventual).await?.map(Arc::new);
        self.domains.insert(name, domain.as_ref(), now);
        Ok(domain)
    }

    /// One of the caller's domains as it is now: one strongly consistent read.
    pub(crate) async fn own_domain(&self, name: &str, caller: &str) -> Answer<Domain, LinkError> {
        let Ok(name) = name.parse() else { return Ok(Err(LinkError::DomainNotFound)) };
        let domain = self.store.domain(&name, dynamo::Consistency::Strong).await?;
        Ok(domain.filter(|domain| domain.owner == caller).ok_or(LinkError::DomainNotFound))
    }

    fn cache_control(&self, link: &Link, now: Instant) -> String {
        let (own, edge) = (link.max_age(now).as_secs(), link.edge_age(self.settings.edge_age, now).as_secs());
        match (own, edge) {
            (0, 0) => UNKEPT.to_owned(),
            (own, 0) => format!("private, max-age={own}"),
            (own, edge) => format!("public, max-age={own}, s-maxage={edge}"),
        }
    }
}

/// How old a remembered link or domain may be: a link that is disabled or changed is seen as it was for at most this
/// long elsewhere. The guides' caches of 1 h and 24 h serve links that were deleted or expired long ago.
pub const STALENESS: Duration = Duration::from_secs(60);
