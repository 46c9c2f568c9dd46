//! The events that AWS would send: HTTP, queue, stream, logs.

use std::io::Write as _;

use anyhow::Result;
use aws_sdk_dynamodbstreams::types::{AttributeValue, Record};
use aws_sdk_sqs::types::{Message, MessageAttributeValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Map, Value, json};
use types::Instant;

/// An HTTP API event (payload format 2.0).
pub(crate) fn http(
    method: &str,
    target: &str,
    headers: &[(String, String)],
    body: Option<&Value>,
    caller: Option<(&str, &str, &str)>,
) -> Value {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut all = Map::new();
    all.insert("host".to_owned(), "s.example".into());
    all.insert("x-forwarded-proto".to_owned(), "https".into());
    if body.is_some() {
        all.insert("content-type".to_owned(), "application/json".into());
    }
    for (name, value) in headers {
        all.insert(name.to_ascii_lowercase(), value.as_str().into());
    }
    let mut context = json!({
        "domainName": all["host"],
        "stage": "$default",
        "http": {"method": method, "path": path, "sourceIp": "203.0.113.7", "protocol": "HTTP/1.1", "userAgent": ""},
    });
    if let Some((id, scopes, tier)) = caller {
        context["authorizer"] = json!({"lambda": {"caller": id, "scopes": scopes, "tier": tier}});
    }
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": all,
        "requestContext": context,
        "body": body.map(Value::to_string),
        "isBase64Encoded": false,
    })
}

/// The HTTP API event of a caller's request, of the tier without rate limits.
pub fn http_event(method: &str, target: &str, body: &Value, caller: &str, scopes: &str) -> Value {
    http(method, target, &[], Some(body), Some((caller, scopes, "enterprise")))
}

/// Lines as CloudWatch Logs hands them to a function.
///
/// # Errors
/// When they cannot be compressed.
pub fn log_lines(at: Instant, lines: &[Value]) -> Result<Value> {
    let line = |(place, line): (usize, &Value)| {
        let (id, message) = (place.to_string(), line.to_string());
        json!({"id": id, "timestamp": at.millis(), "message": message})
    };
    let events: Vec<Value> = lines.iter().enumerate().map(line).collect();
    let whole = json!({"messageType": "DATA_MESSAGE", "logGroup": "g", "logStream": "s", "logEvents": events});
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(whole.to_string().as_bytes())?;
    Ok(json!({"awslogs": {"data": STANDARD.encode(packed.finish()?)}}))
}

/// A message, received from the queue `name`, as a batch has it.
pub(crate) fn message(name: &str, message: &Message) -> Value {
    let one = |value: &MessageAttributeValue| json!({"stringValue": value.string_value(), "dataType": "String"});
    let attributes = message.message_attributes().into_iter().flatten();
    let attributes: Map<String, Value> = attributes.map(|(name, value)| (name.clone(), one(value))).collect();
    json!({
        "messageId": message.message_id(),
        "body": message.body(),
        "attributes": {},
        "messageAttributes": attributes,
        "eventSource": "aws:sqs",
        "eventSourceARN": format!("arn:aws:sqs:us-east-1:000000000000:{name}"),
    })
}

/// A change of a table.
pub(crate) fn change(record: &Record) -> Value {
    let images = record.dynamodb();
    let item = |attributes: Option<&std::collections::HashMap<String, AttributeValue>>| {
        attributes.map(|attributes| {
            Value::Object(attributes.iter().map(|(name, value)| (name.clone(), attribute(value))).collect())
        })
    };
    json!({
        "eventID": record.event_id(),
        "eventName": record.event_name().map(|name| name.as_str()),
        "dynamodb": {
            "ApproximateCreationDateTime": images.and_then(|i| i.approximate_creation_date_time()).map(|at| at.secs()),
            "Keys": item(images.and_then(|i| i.keys())),
            "NewImage": item(images.and_then(|i| i.new_image())),
            "OldImage": item(images.and_then(|i| i.old_image())),
            "SequenceNumber": images.and_then(|i| i.sequence_number()),
        },
    })
}

fn attribute(value: &AttributeValue) -> Value {
    let bytes = |blob: &aws_sdk_dynamodbstreams::primitives::Blob| STANDARD.encode(blob.as_ref());
    match value {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::Bool(flag) => json!({ "BOOL": flag }),
        AttributeValue::B(blob) => json!({ "B": bytes(blob) }),
        AttributeValue::Ss(set) => json!({ "SS": set }),
        AttributeValue::Ns(set) => json!({ "NS": set }),
        AttributeValue::Bs(set) => json!({ "BS": set.iter().map(bytes).collect::<Vec<_>>() }),
        AttributeValue::L(list) => json!({ "L": list.iter().map(attribute).collect::<Vec<_>>() }),
        AttributeValue::M(map) => {
            let map: Map<String, Value> = map.iter().map(|(name, value)| (name.clone(), attribute(value))).collect();
            json!({ "M": map })
        }
        _ => json!({ "NULL": true }),
    }
}
