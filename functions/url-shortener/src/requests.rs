//! Bodies of requests, read into the domain's wishes.

use schemars::JsonSchema;
use serde::Deserialize;
use types::{Instant, random};
use web::RequestMeta;

use crate::App;
use crate::claims::{Claim, Dedupe};
use crate::domain::{Change, Code, DomainName, Edit, LinkError, Password, Rule, Target, Utm, When, end};

/// A link to make.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLink {
    /// Where it shall lead: http or https, at most 2,048 characters.
    pub url: String,
    /// A code of one's own: 3 to 32 of `A-Z a-z 0-9 _ -`.
    pub code: Option<String>,
    /// One of the caller's domains; without it, the service's own.
    pub domain: Option<String>,
    /// Answer the caller's existing link to this URL, if one was made with `dedupe`.
    #[serde(default)]
    pub dedupe: bool,
    /// Life in seconds, up to 10 years …
    #[serde(default)]
    pub ttl_seconds: Change<u64>,
    /// … or its end. Null: none, whatever the service's default is.
    #[serde(default)]
    pub expires_at: Change<Instant>,
    /// At most 200 characters.
    pub title: Option<String>,
    /// At most 10 different ones of 1 to 50 characters.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The other members, which `PATCH` takes too.
    pub redirect_status: Option<crate::domain::RedirectStatus>,
    /// How often it opens.
    pub max_clicks: Option<u64>,
    /// Where it leads once it expired or is used up.
    pub fallback_url: Option<String>,
    /// What a visitor must know: 3 to 128 characters.
    pub password: Option<String>,
    /// Whether the visitor's query goes along.
    pub forward_query: Option<bool>,
    /// Whether what follows the code in the path goes along.
    pub forward_path: Option<bool>,
    /// Campaign parameters, added to every destination.
    pub utm: Option<Utm>,
    /// Where it leads instead, for some visitors; the first that fits decides.
    #[serde(default)]
    pub rules: Vec<NewRule>,
    /// Whether a later request that wants no second link finds this one.
    #[serde(skip)]
    pub found: bool,
    /// Whether the answer may be that the link is made later.
    #[serde(skip)]
    pub patient: bool,
}

/// A rule to make.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRule {
    /// Whom it is for; all that is given must hold.
    #[serde(default)]
    pub when: When,
    /// Where it leads them.
    pub url: String,
}

/// Changes of a link (RFC 7396): absent stays, null clears.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkChanges {
    /// Where it shall lead.
    pub url: Option<String>,
    /// A new life in seconds, from now …
    #[serde(default)]
    pub ttl_seconds: Change<u64>,
    /// … or its end.
    #[serde(default)]
    pub expires_at: Change<Instant>,
    /// A title.
    #[serde(default)]
    pub title: Change<String>,
    /// Labels.
    #[serde(default)]
    pub tags: Change<Vec<String>>,
    /// 301, 302, 307 or 308.
    #[serde(default)]
    pub redirect_status: Change<crate::domain::RedirectStatus>,
    /// How often it opens, the clicks so far included.
    #[serde(default)]
    pub max_clicks: Change<u64>,
    /// Where it leads once it expired or is used up.
    #[serde(default)]
    pub fallback_url: Change<String>,
    /// What a visitor must know.
    #[serde(default)]
    pub password: Change<String>,
    /// Whether the visitor's query goes along.
    #[serde(default)]
    pub forward_query: Change<bool>,
    /// Whether what follows the code in the path goes along.
    #[serde(default)]
    pub forward_path: Change<bool>,
    /// Campaign parameters.
    #[serde(default)]
    pub utm: Change<Utm>,
    /// Where it leads instead, for some visitors.
    #[serde(default)]
    pub rules: Change<Vec<NewRule>>,
}

/// Which of the links with a code.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OfDomain {
    /// The link's domain, where it is not the service's own.
    pub domain: Option<String>,
}

/// How a list is written.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// As JSON.
    #[default]
    Json,
    /// As CSV (RFC 4180), with a header.
    Csv,
}

impl App {
    /// Reads a link to make.
    pub(crate) fn read_claim(
        &self,
        owner: &str,
        new: NewLink,
        meta: &RequestMeta,
        now: Instant,
    ) -> Result<Claim, LinkError> {
        let hosts = self.own_hosts(meta);
        let url = Target::parse(&new.url, &hosts)?;
        let code = new.code.as_deref().map(Code::custom).transpose()?;
        let domain: Option<DomainName> = new.domain.as_deref().map(str::parse).transpose()?;
        let dedupe = match (new.dedupe, new.found) {
            (true, _) if code.is_some() => return Err(LinkError::DedupeWithCode),
            (true, _) => Dedupe::Only,
            (false, true) => Dedupe::Found,
            (false, false) => Dedupe::No,
        };
        let changes = LinkChanges {
            url: None,
            ttl_seconds: new.ttl_seconds,
            expires_at: new.expires_at,
            title: Change::of(new.title),
            tags: Change::Set(new.tags),
            redirect_status: Change::of(new.redirect_status),
            max_clicks: Change::of(new.max_clicks),
            fallback_url: Change::of(new.fallback_url),
            password: Change::of(new.password),
            forward_query: Change::of(new.forward_query),
            forward_path: Change::of(new.forward_path),
            utm: Change::of(new.utm),
            rules: Change::Set(new.rules),
        };
        let wishes = self.read_changes(changes, meta, now)?;
        Ok(Claim { owner: owner.to_owned(), url, wishes, code, domain, dedupe, patient: new.patient })
    }

    /// Reads changes of a link, each held to its rule.
    pub(crate) fn read_changes(
        &self,
        changes: LinkChanges,
        meta: &RequestMeta,
        now: Instant,
    ) -> Result<Edit, LinkError> {
        let hosts = self.own_hosts(meta);
        let target = |text: String| Target::parse(&text, &hosts);
        let rule = |rule: NewRule| Ok::<_, LinkError>(Rule { when: rule.when, url: target(rule.url)? });
        let edit = Edit {
            url: changes.url.map(target).transpose()?,
            expires_at: end(changes.ttl_seconds, changes.expires_at, now)?,
            title: changes.title,
            tags: changes.tags,
            redirect_status: changes.redirect_status,
            max_clicks: changes.max_clicks,
            fallback_url: changes.fallback_url.try_map(target)?,
            password: changes.password.try_map(|text| Password::new(&text, random::bytes()))?,
            forward_query: changes.forward_query,
            forward_path: changes.forward_path,
            utm: changes.utm,
            rules: changes.rules.try_map(|rules| rules.into_iter().map(rule).collect::<Result<_, _>>())?,
        };
        edit.checked(now)
    }
}
