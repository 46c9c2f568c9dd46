//! Invoked by an operator (`lambda:InvokeFunction`): issue a key with any rights, such as the first admin key of a
//! stage.

use serde::Deserialize;
use types::{Fault, Tier};

use crate::App;
use crate::domain::{ApiKey, Draft, Issuer};
use crate::view::{Issued, KeyView};

/// The payload.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    owner: String,
    name: String,
    scopes: Vec<String>,
    #[serde(default)]
    tier: Tier,
}

/// One write. The answer holds the key itself; nothing else ever will.
pub async fn handle(app: App, request: Request) -> Result<Issued, Fault> {
    let Request { owner, name, scopes, tier } = request;
    let operator = Issuer { id: "operator".to_owned(), scopes: vec!["admin".to_owned()], tier, ends: None };
    let draft = Draft { owner: Some(owner), name, scopes, tier: Some(tier), ttl_seconds: None, expires_at: None };
    let (credential, now) = (app.credential(), app.clock.now());
    let key = ApiKey::issue(&operator, draft, credential.id(), credential.hash(&app.hashing), now)
        .map_err(|refusal| Fault::permanent(format!("refused: {refusal}")))?;
    let stored = app.store.insert(key.clone(), None, now).await?;
    stored.map_err(|refusal| Fault::permanent(format!("refused: {refusal}")))?;
    Ok(Issued { key: KeyView::of(key, now), secret: Some(credential.reveal().to_owned()) })
}
