//! Audience files: objects that a tenant puts where a signed URL says, and that broadcasts read a few kilobytes of at a
//! time.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws::Sdk;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use types::{Answer, Fault};

use crate::domain::fan_out::WINDOW;
use crate::domain::{AudienceFile, NotificationError};

/// How long a URL takes a file.
pub(crate) const OPEN: Duration = Duration::from_secs(900);

/// The bucket of audience files.
#[derive(Clone)]
pub(crate) struct Audiences {
    bucket: Arc<str>,
    sdk: Sdk,
    client: Arc<OnceLock<Client>>,
}

impl Audiences {
    pub(crate) fn new(sdk: &Sdk, bucket: &str) -> Self {
        Self { bucket: bucket.into(), sdk: sdk.clone(), client: Arc::default() }
    }

    fn client(&self) -> &Client {
        self.client.get_or_init(|| self.sdk.s3())
    }

    /// The URL to which a tenant may put a file of this many bytes, and of no other length. It calls nobody.
    pub(crate) async fn upload_url(&self, tenant: &str, id: &str, bytes: u64) -> Result<String, Fault> {
        let failed = "signing the URL of an audience file";
        let length = i64::try_from(bytes).map_err(|e| Fault::permanent(failed).caused_by(e))?;
        let signing = PresigningConfig::expires_in(OPEN).map_err(|e| Fault::permanent(failed).caused_by(e))?;
        let put = self.client().put_object().bucket(&*self.bucket).key(key(tenant, id)).content_length(length);
        let signed = put.presigned(signing).await.map_err(|e| Fault::permanent(failed).caused_by(e))?;
        Ok(signed.uri().to_owned())
    }

    /// A file as it is now, and its first bytes: one read.
    ///
    /// # Errors
    /// Refuses what is not there, or empty.
    pub(crate) async fn open(&self, tenant: &str, id: &str) -> Answer<(AudienceFile, Vec<u8>), NotificationError> {
        if !((1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric())) {
            return Ok(Err(NotificationError::NoAudience));
        }
        Ok(match self.get(tenant, id, 0, None).await? {
            Ok(Bytes { of: Some(bytes), etag: Some(etag), read }) => {
                Ok((AudienceFile { id: id.to_owned(), etag, bytes }, read))
            }
            Ok(_) => return Err(Fault::permanent("S3 told neither length nor tag of an audience file")),
            Err(Missing::Deleted) => Err(NotificationError::NoAudience),
            Err(_) => Err(NotificationError::Audience("the file is empty".to_owned())),
        })
    }

    /// The bytes of a page, of the very file that was opened: one read.
    ///
    /// # Errors
    /// Refuses a file that is there no more.
    pub(crate) async fn read(&self, tenant: &str, file: &AudienceFile, position: u64) -> Answer<Vec<u8>, Missing> {
        let from = AudienceFile::window(position);
        Ok(self.get(tenant, &file.id, from, Some(&file.etag)).await?.map(|bytes| bytes.read))
    }

    async fn get(&self, tenant: &str, id: &str, from: u64, etag: Option<&str>) -> Answer<Bytes, Missing> {
        let range = format!("bytes={from}-{}", from + WINDOW - 1);
        let get = self.client().get_object().bucket(&*self.bucket).key(key(tenant, id)).range(range);
        let get = get.set_if_match(etag.map(str::to_owned));
        let read = aws::within_deadline("GetObject", async {
            let output = match get.send().await {
                Ok(output) => output,
                Err(error) => return missing(&error).map(Err).ok_or_else(|| aws::fault("GetObject", error)),
            };
            let of = output.content_range().and_then(|range| range.rsplit('/').next()?.parse().ok());
            let etag = output.e_tag().map(str::to_owned);
            let read = output.body.collect().await;
            let read = read.map_err(|e| Fault::transient("reading an audience file").caused_by(e))?.to_vec();
            Ok(Ok(Bytes { of, etag, read }))
        });
        read.await?
    }
}

/// Bytes of a file, its length and its tag.
struct Bytes {
    of: Option<u64>,
    etag: Option<String>,
    read: Vec<u8>,
}

/// Why a file is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    Deleted,
    Changed,
    Empty,
}

impl Missing {
    /// Why a broadcast cannot go on.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Deleted => "audience-deleted",
            Self::Changed | Self::Empty => "audience-changed",
        }
    }
}

fn missing(error: &SdkError<GetObjectError, HttpResponse>) -> Option<Missing> {
    match error.code()? {
        "NoSuchKey" => Some(Missing::Deleted),
        "PreconditionFailed" => Some(Missing::Changed),
        "InvalidRange" => Some(Missing::Empty),
        _ => None,
    }
}

/// Ids have no `/`, so no tenant's key is another's.
fn key(tenant: &str, id: &str) -> String {
    format!("audiences/{tenant}/{id}")
}
