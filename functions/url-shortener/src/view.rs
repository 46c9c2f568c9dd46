//! A link as its owner sees it.

use schemars::JsonSchema;
use serde::Serialize;
use types::Instant;
use web::RequestMeta;

use crate::App;
use crate::domain::{Link, State};

/// The JSON of a link.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Link")]
pub struct LinkView {
    code: String,
    short_url: String,
    url: String,
    state: State,
    created_at: Instant,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Instant>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    tags: Vec<String>,
}

impl App {
    /// The link's JSON.
    pub(crate) fn view(&self, link: Link, meta: &RequestMeta) -> LinkView {
        let state = link.state(self.clock.now());
        let short_url = format!("{}/{}", self.base(meta), link.code);
        let Link { code, url, created_at, expires_at, title, tags, .. } = link;
        let (code, url) = (code.as_str().to_owned(), url.as_str().to_owned());
        LinkView { code, short_url, url, state, created_at, expires_at, title, tags }
    }

    /// Where this service answers: the configured public URL, or the host that was asked.
    fn base(&self, meta: &RequestMeta) -> String {
        let scheme = if meta.header("x-forwarded-proto") == "http" { "http" } else { "https" };
        self.settings.public_url.clone().unwrap_or_else(|| format!("{scheme}://{}", meta.host))
    }

    /// The hosts a link may not lead to, since they are this service.
    pub(crate) fn own_hosts<'a>(&'a self, meta: &'a RequestMeta) -> Vec<&'a str> {
        let bare = |host: &'a str| host.split(':').next().unwrap_or(host);
        let public = self.settings.public_url.as_deref();
        let public = public.and_then(|url| url.split("//").nth(1)).and_then(|rest| rest.split('/').next());
        public.into_iter().chain([meta.host.as_str()]).map(bare).filter(|host| !host.is_empty()).collect()
    }
}
