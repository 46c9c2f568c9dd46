//! POST /audiences: a URL to put an audience file to, for a broadcast.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use types::{Instant, random};
use web::{Body, Caller, Json, Problem, State};

use crate::App;
use crate::audiences::OPEN;
use crate::domain::NotificationError;
use crate::domain::fan_out::MOST_FILE_BYTES;

/// A file that is to come.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAudience {
    /// Its length: at most 2 GiB. Each line of it names one user, in UTF-8.
    bytes: u64,
}

/// Where to put it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Upload {
    /// What a broadcast calls it.
    audience_id: String,
    /// `PUT` it here, with this `Content-Length` and no other. The URL is a secret as long as it is good.
    upload_url: String,
    /// Until when the URL takes it.
    expires_at: Instant,
}

/// No call to AWS: the URL is signed here. Files are deleted after 30 days.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Body(new): Body<NewAudience>,
) -> Result<Json<Upload>, Problem> {
    if !(1..=MOST_FILE_BYTES).contains(&new.bytes) {
        return Err(NotificationError::Audience("a file has 1 byte to 2 GiB".to_owned()).into());
    }
    let audience_id = random::base62(22);
    let upload_url = app.audiences.upload_url(&caller.id, &audience_id, new.bytes).await?;
    Ok(Json(Upload { audience_id, upload_url, expires_at: app.clock.now() + OPEN }))
}
