//! A link as its owner sees it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use types::Instant;
use web::{PageOf, RequestMeta};

use crate::App;
use crate::domain::{Code, Counts, Domain, Link, LinkError, RedirectStatus, Rule, State, Utm};

/// A link.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct LinkView {
    #[serde(flatten)]
    pub summary: Summary,
    /// 301, 302, 307 or 308.
    pub redirect_status: RedirectStatus,
    /// How often it opens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_clicks: Option<u64>,
    /// How often it has opened, where that is limited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used_clicks: Option<u64>,
    /// Where it leads once it expired or is used up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback_url: Option<String>,
    /// Whether a visitor must know a password.
    pub password_protected: bool,
    /// Whether the visitor's query goes along.
    pub forward_query: bool,
    /// Whether what follows the code in the path goes along.
    pub forward_path: bool,
    /// Campaign parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub utm: Option<Utm>,
    /// Where it leads instead, for some visitors.
    pub rules: Vec<Rule>,
    /// When it was last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Instant>,
}

/// A link in a list.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Summary {
    /// The last part of its short URL.
    pub code: String,
    /// The caller's domain that it is on, where it is not the service's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// What to share.
    pub short_url: String,
    /// Where it leads.
    pub url: String,
    /// Whether it opens. (A list does not know of `used_up`.)
    pub state: State,
    /// When it was claimed.
    pub created_at: Instant,
    /// From when on it does not open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
    /// A title for its owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Labels for its owner.
    pub tags: Vec<String>,
}

/// One of the caller's domains.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DomainView {
    /// Its name.
    pub domain: String,
    /// When it was last said what it is.
    pub updated_at: Instant,
    /// Where `/` leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_url: Option<String>,
    /// Where a code that is no link's leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_found_url: Option<String>,
    /// Where a link leads that ended and has no `fallback_url` of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expired_url: Option<String>,
}

impl From<Domain> for DomainView {
    fn from(domain: Domain) -> Self {
        let text = |target: Option<crate::domain::Target>| target.map(|target| target.as_str().to_owned());
        Self {
            domain: domain.domain.to_string(),
            updated_at: domain.updated_at,
            root_url: text(domain.root_url),
            not_found_url: text(domain.not_found_url),
            expired_url: text(domain.expired_url),
        }
    }
}

impl App {
    /// The link as its owner sees it.
    pub(crate) fn view(&self, link: Link, meta: &RequestMeta) -> LinkView {
        LinkView {
            summary: self.summary(&link, meta),
            redirect_status: link.redirect_status,
            max_clicks: link.max_clicks,
            used_clicks: link.max_clicks.map(|_| link.used),
            fallback_url: link.fallback_url.map(|target| target.as_str().to_owned()),
            password_protected: link.password.is_some(),
            forward_query: link.forward_query,
            forward_path: link.forward_path,
            utm: link.utm,
            rules: link.rules,
            updated_at: link.updated_at,
        }
    }

    /// The link in a list.
    pub(crate) fn summary(&self, link: &Link, meta: &RequestMeta) -> Summary {
        Summary {
            code: link.code.name().to_owned(),
            domain: link.code.domain().map(str::to_owned),
            short_url: self.short_url(&link.code, meta),
            url: link.url.as_str().to_owned(),
            state: link.state(self.clock.now()),
            created_at: link.created_at,
            expires_at: link.expires_at,
            title: link.title.clone(),
            tags: link.tags.clone(),
        }
    }

    /// What to share of a code.
    pub(crate) fn short_url(&self, code: &Code, meta: &RequestMeta) -> String {
        match code.domain() {
            Some(domain) => format!("https://{domain}/{}", code.name()),
            None => format!("{}/{}", self.base(meta), code.name()),
        }
    }

    /// Where this service answers: the configured public URL, or the host that was asked.
    pub(crate) fn base(&self, meta: &RequestMeta) -> String {
        let scheme = if meta.header("x-forwarded-proto") == "http" { "http" } else { "https" };
        self.settings.public_url.clone().unwrap_or_else(|| format!("{scheme}://{}", meta.host))
    }

    /// The hosts a link may not lead to, since they are this service.
    pub(crate) fn own_hosts<'a>(&'a self, meta: &'a RequestMeta) -> Vec<&'a str> {
        let asked = meta.host.split(':').next().unwrap_or_default();
        let public = self.settings.public_host.as_deref();
        public.into_iter().chain([asked]).filter(|host| !host.is_empty()).collect()
    }

    /// The code of a path, on the domain that the query may name.
    pub(crate) fn code_of(&self, text: &str, domain: Option<&str>) -> Result<Code, LinkError> {
        let domain = domain.map(|domain| domain.parse().map_err(|_| LinkError::NotFound)).transpose()?;
        Ok(Code::of_path(text)?.on(domain.as_ref()))
    }

    /// The caller's link of this code, as it is now: one strongly consistent read.
    pub(crate) async fn own_link(&self, code: &Code, caller: &str) -> types::Answer<Link, LinkError> {
        let link = self.store.find_now(code).await?.ok_or(LinkError::NotFound);
        Ok(link.and_then(|link| link.of(caller, self.clock.now())))
    }

    /// The caller's link of this code and the sums of its days: one query.
    pub(crate) async fn own_stats(
        &self,
        code: &Code,
        caller: &str,
    ) -> types::Answer<(Link, BTreeMap<String, Counts>), LinkError> {
        let Some((link, days)) = self.store.stats(code).await? else { return Ok(Err(LinkError::NotFound)) };
        Ok(link.of(caller, self.clock.now()).map(|link| (link, days)))
    }
}

/// A page of links, as CSV's rows are made of it too.
pub type Summaries = PageOf<Summary>;
