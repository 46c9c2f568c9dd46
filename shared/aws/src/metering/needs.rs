//! What calls need permission for, and the messages they carry.

use aws_sdk_dynamodb::types::TransactWriteItem;
use aws_smithy_runtime_api::client::interceptors::context::Input;

use crate::invocation::Meter;

/// Bytes of a message or an event that AWS bills as one (SQS and EventBridge pricing).
const BILLED_CHUNK: usize = 64 * 1024;

/// Notes what the request needs permission for and the messages it carries; `false` for an operation not known here.
/// A new operation is added here; until then the check of policies reports it as unknown.
pub(super) fn note(input: &Input, meter: &mut Meter) -> bool {
    note_table(input, meter)
        || note_queue(input, meter)
        || note_bus(input, meter)
        || note_connection(input, meter)
        || note_provider(input, meter)
        || note_object(input, meter)
}

fn note_table(input: &Input, meter: &mut Meter) -> bool {
    use aws_sdk_dynamodb::operation as op;
    macro_rules! on_table {
        ($($input:ty => $action:literal),* $(,)?) => {
            $(if let Some(input) = input.downcast_ref::<$input>() {
                meter.act($action, input.table_name().unwrap_or_default());
                return true;
            })*
        };
    }
    on_table! {
        op::get_item::GetItemInput => "dynamodb:GetItem",
        op::put_item::PutItemInput => "dynamodb:PutItem",
        op::update_item::UpdateItemInput => "dynamodb:UpdateItem",
        op::delete_item::DeleteItemInput => "dynamodb:DeleteItem",
    }
    if let Some(query) = input.downcast_ref::<op::query::QueryInput>() {
        let table = query.table_name().unwrap_or_default();
        match query.index_name() {
            Some(index) => meter.act("dynamodb:Query", &format!("{table}/index/{index}")),
            None => meter.act("dynamodb:Query", table),
        }
    } else if let Some(input) = input.downcast_ref::<op::transact_write_items::TransactWriteItemsInput>() {
        // A transaction needs the permission of each of its parts, none of its own.
        input.transact_items().iter().for_each(|item| note_part(item, meter));
    } else if let Some(input) = input.downcast_ref::<op::transact_get_items::TransactGetItemsInput>() {
        let gets = input.transact_items().iter().filter_map(|item| item.get());
        gets.for_each(|get| meter.act("dynamodb:GetItem", get.table_name()));
    } else if let Some(input) = input.downcast_ref::<op::batch_get_item::BatchGetItemInput>() {
        let tables = input.request_items().into_iter().flat_map(|items| items.keys());
        tables.for_each(|table| meter.act("dynamodb:BatchGetItem", table));
    } else if let Some(input) = input.downcast_ref::<op::batch_write_item::BatchWriteItemInput>() {
        let tables = input.request_items().into_iter().flat_map(|items| items.keys());
        tables.for_each(|table| meter.act("dynamodb:BatchWriteItem", table));
    } else {
        return false;
    }
    true
}

fn note_part(item: &TransactWriteItem, meter: &mut Meter) {
    if let Some(put) = item.put() {
        meter.act("dynamodb:PutItem", put.table_name());
    }
    if let Some(update) = item.update() {
        meter.act("dynamodb:UpdateItem", update.table_name());
    }
    if let Some(delete) = item.delete() {
        meter.act("dynamodb:DeleteItem", delete.table_name());
    }
    if let Some(check) = item.condition_check() {
        meter.act("dynamodb:ConditionCheckItem", check.table_name());
    }
}

fn note_queue(input: &Input, meter: &mut Meter) -> bool {
    use aws_sdk_sqs::operation as op;
    let (url, messages, bytes) = if let Some(one) = input.downcast_ref::<op::send_message::SendMessageInput>() {
        (one.queue_url(), 1, one.message_body().map_or(0, str::len))
    } else if let Some(batch) = input.downcast_ref::<op::send_message_batch::SendMessageBatchInput>() {
        (batch.queue_url(), batch.entries().len(), batch.entries().iter().map(|entry| entry.message_body().len()).sum())
    } else {
        return false;
    };
    // IAM knows a queue by its name, which ends its URL.
    let name = url.and_then(|url| url.rsplit('/').next()).unwrap_or_default();
    meter.act("sqs:SendMessage", name);
    meter.messages += small(messages);
    meter.sqs_requests += chunks(bytes);
    true
}

fn note_bus(input: &Input, meter: &mut Meter) -> bool {
    let Some(input) = input.downcast_ref::<aws_sdk_eventbridge::operation::put_events::PutEventsInput>() else {
        return false;
    };
    for entry in input.entries() {
        let bus = entry.event_bus_name().unwrap_or("default");
        meter.act("events:PutEvents", bus.rsplit('/').next().unwrap_or_default());
        let texts = [entry.source(), entry.detail_type(), entry.detail()];
        meter.messages += 1;
        meter.events += chunks(texts.into_iter().flatten().map(str::len).sum());
    }
    true
}

/// The API is in the URL, not in the request: IAM's resource ends in `/@connections/…`.
fn note_connection(input: &Input, meter: &mut Meter) -> bool {
    use aws_sdk_apigatewaymanagement::operation as op;
    let posted = input.downcast_ref::<op::post_to_connection::PostToConnectionInput>().is_some();
    let closed = input.downcast_ref::<op::delete_connection::DeleteConnectionInput>().is_some();
    if posted || closed {
        meter.act("execute-api:ManageConnections", "@connections");
    }
    posted || closed
}

/// What goes to people. IAM knows an endpoint and its application by the application's name, a phone by nothing, and a
/// mail by the identity that sends it and the configuration set that it names.
fn note_provider(input: &Input, meter: &mut Meter) -> bool {
    use aws_sdk_sns::operation as op;
    if let Some(publish) = input.downcast_ref::<op::publish::PublishInput>() {
        meter.act("sns:Publish", &publish.target_arn().map_or_else(|| "*".to_owned(), endpoint));
    } else if let Some(create) = input.downcast_ref::<op::create_platform_endpoint::CreatePlatformEndpointInput>() {
        meter.act("sns:CreatePlatformEndpoint", create.platform_application_arn().map_or("", application));
    } else if let Some(set) = input.downcast_ref::<op::set_endpoint_attributes::SetEndpointAttributesInput>() {
        meter.act("sns:SetEndpointAttributes", &set.endpoint_arn().map_or_else(String::new, endpoint));
    } else if let Some(delete) = input.downcast_ref::<op::delete_endpoint::DeleteEndpointInput>() {
        meter.act("sns:DeleteEndpoint", &delete.endpoint_arn().map_or_else(String::new, endpoint));
    } else if let Some(mail) = input.downcast_ref::<aws_sdk_sesv2::operation::send_email::SendEmailInput>() {
        let domain = mail.from_email_address().and_then(|from| from.rsplit('@').next()).unwrap_or_default();
        let identity = format!("identity/{}", domain.trim_end_matches('>'));
        let on = [Some(identity.as_str()), mail.configuration_set_name()];
        // Of a raw message the older call's right is asked for too.
        let raw = mail.content().is_some_and(|content| content.raw().is_some());
        for resource in on.into_iter().flatten() {
            meter.act("ses:SendEmail", resource);
            if raw {
                meter.act("ses:SendRawEmail", resource);
            }
        }
    } else {
        return false;
    }
    true
}

/// Objects. Who may not list a bucket is told 403 of what is not there, as of what a wrong policy forbids: so what
/// reads needs both rights.
fn note_object(input: &Input, meter: &mut Meter) -> bool {
    use aws_sdk_s3::operation as op;
    let object =
        |bucket: Option<&str>, key: Option<&str>| format!("{}/{}", bucket.unwrap_or_default(), key.unwrap_or_default());
    if let Some(get) = input.downcast_ref::<op::get_object::GetObjectInput>() {
        meter.act("s3:GetObject", &object(get.bucket(), get.key()));
        meter.act("s3:ListBucket", get.bucket().unwrap_or_default());
    } else if let Some(put) = input.downcast_ref::<op::put_object::PutObjectInput>() {
        meter.act("s3:PutObject", &object(put.bucket(), put.key()));
    } else {
        return false;
    }
    true
}

/// The name of the application in its ARN (`…:app/GCM/name`) or an endpoint's (`…:endpoint/GCM/name/uuid`).
fn application(arn: &str) -> &str {
    arn.split('/').nth(2).unwrap_or_default()
}

/// Any endpoint of an application: policies cannot know more of it.
fn endpoint(arn: &str) -> String {
    format!("{}/*", application(arn))
}

fn chunks(bytes: usize) -> u32 {
    small(bytes.div_ceil(BILLED_CHUNK).max(1))
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
