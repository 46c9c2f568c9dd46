//! SES and SNS.

use aws_sdk_sesv2::types::{Body as MailBody, Content, Destination, EmailContent, Message, MessageTag, RawMessage};
use aws_sdk_sns::types::MessageAttributeValue;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::Blob;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use types::{Answer, Fault};
use work::Priority;

use super::{Inner, Outcome, Parcel};
use crate::domain::{Platform, for_push, push_lasts, segments, sms_text};
use crate::mail::Mail;

impl Inner {
    /// A mail; its tags come back with everything that SES tells of it.
    pub(super) async fn mail(
        &self,
        client: &aws_sdk_sesv2::Client,
        to: &str,
        parcel: Parcel<'_>,
    ) -> Result<Outcome, Fault> {
        let content = &parcel.notification.content;
        let mail = Mail {
            from: &self.mail_from,
            to,
            subject: content.subject.as_deref().unwrap_or(&content.title),
            text: content.text.as_deref().unwrap_or(&content.body),
            html: content.html.as_deref(),
            unsubscribe: Some(parcel.unsubscribe),
            id: &format!("{}.{}", parcel.notification.id, parcel.delivery.address),
            at: parcel.notification.created_at,
        };
        let raw = RawMessage::builder().data(Blob::new(mail.mime()?)).build();
        let raw = raw.map_err(|e| Fault::permanent("building a mail").caused_by(e))?;
        let mut request = client
            .send_email()
            .from_email_address(crate::mail::sender(&self.mail_from).1) // the MIME has the name
            .destination(Destination::builder().to_addresses(to).build())
            .content(EmailContent::builder().raw(raw).build())
            .configuration_set_name(&self.configuration_set)
            .email_tags(tag("tenant", &parcel.delivery.tenant)?)
            .email_tags(tag("notification", &parcel.delivery.notification)?)
            .email_tags(tag("address", &parcel.delivery.address)?);
        if let Some((template, _)) = &parcel.notification.template {
            request = request.email_tags(tag("template", template)?);
        }
        Ok(match aws::within_deadline("SendEmail", request.send()).await {
            Err(fault) => Outcome::Unknown(fault.to_string()),
            Ok(Ok(output)) => Outcome::Sent { id: output.message_id, delivered: false },
            Ok(Err(error)) => mail_outcome(judge(&error)),
        })
    }

    /// A mail that this system itself has to say: nobody subscribed to it.
    pub(super) async fn own_mail(&self, to: &str, subject: &str, text: &str) -> Answer<(), Outcome> {
        let built = |e| Fault::permanent("building a mail").caused_by(e);
        let part = |data: &str| Content::builder().data(data).charset("UTF-8").build().map_err(built);
        let message = Message::builder().subject(part(subject)?).body(MailBody::builder().text(part(text)?).build());
        let request = self
            .ses()
            .send_email()
            .from_email_address(crate::mail::sender(&self.mail_from).1)
            .destination(Destination::builder().to_addresses(to).build())
            .content(EmailContent::builder().simple(message.build()).build())
            .configuration_set_name(&self.configuration_set);
        let sent = aws::within_deadline("SendEmail", request.send()).await?;
        match sent {
            Ok(_) => Ok(Ok(())),
            Err(error) => match mail_outcome(judge(&error)) {
                outcome @ Outcome::Refused(_) => Ok(Err(outcome)),
                _ => Err(aws::fault("SendEmail", error)),
            },
        }
    }

    /// A text message. What is urgent is `Transactional`, which SNS delivers first and at the higher price.
    pub(super) async fn text(
        &self,
        client: &aws_sdk_sns::Client,
        phone: &str,
        parcel: Parcel<'_>,
    ) -> Result<Outcome, Fault> {
        let urgent = parcel.notification.priority != Priority::Low;
        let kind = if urgent { "Transactional" } else { "Promotional" };
        let text = sms_text(parcel.notification);
        // What costs more than is counted for it is not sent.
        let most = u64::from(segments(&text)) * self.sms_micros;
        let most = format!("{}.{:06}", most / 1_000_000, most % 1_000_000);
        let mut request = client.publish().phone_number(phone).message(text);
        for (name, kind, value) in [("SMSType", "String", kind), ("MaxPrice", "Number", most.as_str())] {
            let value = MessageAttributeValue::builder().data_type(kind).string_value(value).build();
            let value = value.map_err(|e| Fault::permanent("building a text message").caused_by(e))?;
            request = request.message_attributes(format!("AWS.SNS.SMS.{name}"), value);
        }
        Ok(match aws::within_deadline("Publish", request.send()).await {
            Err(fault) => Outcome::Unknown(fault.to_string()),
            Ok(Ok(output)) => Outcome::Sent { id: output.message_id, delivered: false },
            Ok(Err(error)) => judge(&error),
        })
    }

    /// A push, which is not kept for a device that is off longer than the notification lasts.
    pub(super) async fn push(&self, platform: Platform, endpoint: &str, parcel: Parcel<'_>) -> Result<Outcome, Fault> {
        let message = for_push(parcel.notification, platform, parcel.now).to_string();
        let mut request = self.sns().publish().target_arn(endpoint).message_structure("json").message(message);
        for (name, value) in attributes(platform, parcel) {
            let value = MessageAttributeValue::builder().data_type("String").string_value(value).build();
            let value = value.map_err(|e| Fault::permanent("building a push").caused_by(e))?;
            request = request.message_attributes(name, value);
        }
        Ok(match aws::within_deadline("Publish", request.send()).await {
            Err(fault) => Outcome::Unknown(fault.to_string()),
            Ok(Ok(output)) => Outcome::Sent { id: output.message_id, delivered: false },
            Ok(Err(error)) => judge(&error),
        })
    }
}

impl Inner {
    pub(super) async fn create_endpoint(&self, application: &str, token: &str) -> Answer<String, Outcome> {
        let request = self.sns().create_platform_endpoint().platform_application_arn(application).token(token);
        match aws::within_deadline("CreatePlatformEndpoint", request.send()).await? {
            Ok(output) => {
                let endpoint = output.endpoint_arn.unwrap_or_default();
                // One that is there may have been switched off, and is answered all the same.
                Ok(self.refresh_endpoint(&endpoint, token).await?.map(|()| endpoint))
            }
            Err(error) => refused("CreatePlatformEndpoint", error),
        }
    }

    pub(super) async fn refresh_endpoint(&self, endpoint: &str, token: &str) -> Answer<(), Outcome> {
        let request = self.sns().set_endpoint_attributes().endpoint_arn(endpoint);
        let request = request.attributes("Token", token).attributes("Enabled", "true");
        match aws::within_deadline("SetEndpointAttributes", request.send()).await? {
            Ok(_) => Ok(Ok(())),
            Err(error) => refused("SetEndpointAttributes", error),
        }
    }

    pub(super) async fn delete_endpoint(&self, endpoint: &str) -> Result<(), Fault> {
        let request = self.sns().delete_endpoint().endpoint_arn(endpoint);
        let deleted = aws::within_deadline("DeleteEndpoint", request.send()).await?;
        deleted.map(drop).map_err(|e| aws::fault("DeleteEndpoint", e))
    }
}

/// What SES does not find is ours (its configuration set, in this region), and no mailbox.
fn mail_outcome(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Gone(why) => Outcome::Unavailable(why),
        outcome => outcome,
    }
}

/// What SNS says of a token or an application is the caller's; the rest is ours.
fn refused<T, E>(what: &str, error: SdkError<E, HttpResponse>) -> Answer<T, Outcome>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match judge(&error) {
        outcome @ (Outcome::Gone(_) | Outcome::Refused(_)) => Ok(Err(outcome)),
        _ => Err(aws::fault(what, error)),
    }
}

/// What SNS passes on beside the payload (SNS Developer Guide, *Mobile push reserved attributes*).
fn attributes(platform: Platform, parcel: Parcel<'_>) -> Vec<(String, String)> {
    let name = platform.name();
    let lasts = push_lasts(parcel.notification, parcel.now).map(|lasts| lasts.as_secs().to_string());
    let mut attributes: Vec<(String, String)> =
        lasts.into_iter().map(|seconds| (format!("AWS.SNS.MOBILE.{name}.TTL"), seconds)).collect();
    if platform != Platform::Fcm {
        let urgent = matches!(parcel.notification.priority, Priority::Critical | Priority::High);
        attributes.push(("AWS.SNS.MOBILE.APNS.PUSH_TYPE".to_owned(), "alert".to_owned()));
        attributes.push(("AWS.SNS.MOBILE.APNS.PRIORITY".to_owned(), if urgent { "10" } else { "5" }.to_owned()));
        if let Some(key) = &parcel.notification.collapse_key {
            attributes.push(("AWS.SNS.MOBILE.APNS.COLLAPSE_ID".to_owned(), key.clone()));
        }
    }
    attributes
}

/// Tags have letters, digits, `_` and `-` alone, and at most 256 of them.
fn tag(name: &str, value: &str) -> Result<MessageTag, Fault> {
    let built = MessageTag::builder().name(name).value(URL_SAFE_NO_PAD.encode(value)).build();
    built.map_err(|e| Fault::permanent("building a tag").caused_by(e))
}

/// What a failed call means. SES and SNS say with 4xx and 503 that it had no effect; a call that
/// failed, or was not answered, may have been carried out.
pub(super) fn judge<E>(error: &SdkError<E, HttpResponse>) -> Outcome
where
    E: ProvideErrorMetadata,
{
    const GONE: [&str; 4] = ["EndpointDisabled", "EndpointDisabledException", "NotFound", "NotFoundException"];
    // A platform's credentials that have run out are no failure of SNS, and do not keep other platforms' pushes back.
    const BUSY: [&str; 8] = [
        "PlatformApplicationDisabled",
        "PlatformApplicationDisabledException",
        "Throttled",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "LimitExceededException",
    ];
    // The account's or the application's state: it may be mended while the notification waits.
    const OURS: [&str; 5] = [
        "AccountSuspendedException",
        "SendingPausedException",
        "MailFromDomainNotVerifiedException",
        "AuthorizationError",
        "AccessDeniedException",
    ];
    let SdkError::ServiceError(service) = error else {
        return match error {
            SdkError::ConstructionFailure(_) => Outcome::Refused("the request could not be made".to_owned()),
            _ => Outcome::Unknown("no answer".to_owned()),
        };
    };
    let (status, code) = (service.raw().status().as_u16(), service.err().code().unwrap_or_default());
    let message = service.err().message().unwrap_or_default();
    // Its words name accounts, roles and identities, which are not the tenant's to read.
    tracing::warn!(status, code, message, "a provider refuses");
    let said = format!("{status} {code}").trim().to_owned();
    match (status, code) {
        (_, code) if GONE.contains(&code) => Outcome::Gone(said),
        // So SNS says it of an endpoint that was deleted.
        (_, "InvalidParameter") if message.contains("No endpoint found") => Outcome::Gone(said),
        (_, code) if BUSY.contains(&code) => Outcome::Busy(None, said),
        (429, _) => Outcome::Busy(None, said),
        (_, code) if OURS.contains(&code) => Outcome::Unavailable(said),
        (503, _) => Outcome::Unavailable(said),
        // A server that failed may have done it before.
        (500.., _) => Outcome::Unknown(said),
        _ => Outcome::Refused(said),
    }
}
