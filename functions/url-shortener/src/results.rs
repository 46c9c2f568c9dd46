//! What a request for a new link is answered.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use types::Once;
use web::{Problem, RequestMeta};

use crate::App;
use crate::claims::Claimed;
use crate::domain::LinkError;
use crate::view::LinkView;

/// What became of a new link.
#[derive(Debug)]
pub enum NewLinkAnswer {
    /// 201 with its place.
    Created(String, LinkView),
    /// 200: the caller's link to this URL was there.
    Known(LinkView),
    /// 202 with where to ask: the table did not take it, and a worker will carry it out.
    Queued(Queued),
}

/// A request that is carried out later.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Queued {
    /// `queued`, `done` or `refused`.
    pub state: Progress,
    /// Where to ask for it, for 24 hours after it was carried out.
    pub status_url: String,
    /// The link, once it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<LinkView>,
    /// The type of the problem, once it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// How far a queued request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Progress {
    Queued,
    Done,
    Refused,
}

impl App {
    /// What the caller is answered.
    pub(crate) fn answer(&self, claimed: Claimed, owner: &str, meta: &RequestMeta) -> NewLinkAnswer {
        match claimed {
            Claimed::New(link) => {
                let domain = link.code.domain().map(|domain| format!("?domain={domain}")).unwrap_or_default();
                let place = format!("/links/{}{domain}", link.code.name());
                NewLinkAnswer::Created(place, self.view(link, meta))
            }
            Claimed::Known(link) => NewLinkAnswer::Known(self.view(link, meta)),
            Claimed::Queued(once) => {
                let status_url = format!("/requests/{}", self.request_id(owner, &once));
                NewLinkAnswer::Queued(Queued { state: Progress::Queued, status_url, link: None, problem: None })
            }
        }
    }

    /// Names a request to its caller: signed, so that no other caller has it and none can be made up.
    fn request_id(&self, owner: &str, once: &Once) -> String {
        let parts = [("s", &once.scope), ("k", &once.key), ("f", &once.fingerprint)];
        let parts: BTreeMap<String, String> =
            parts.into_iter().map(|(name, text)| (name.to_owned(), text.clone())).collect();
        self.cursors.write(&format!("requests of {owner}"), &parts)
    }

    /// The request of that name.
    pub(crate) fn request_of(&self, owner: &str, id: &str) -> Result<Once, Problem> {
        let parts = self.cursors.read(&format!("requests of {owner}"), Some(id));
        let parts = parts.ok().flatten().ok_or(LinkError::RequestNotFound)?;
        let part = |name: &str| parts.get(name).cloned().unwrap_or_default();
        Ok(Once { scope: part("s"), key: part("k"), fingerprint: part("f") })
    }
}
