//! WebSocket APIs of API Gateway: what a connection sends, and what is sent to it.

use std::collections::HashMap;

use aws::{Sdk, fault};
use aws_sdk_apigatewaymanagement::Client;
use aws_sdk_apigatewaymanagement::operation::delete_connection::DeleteConnectionError;
use aws_sdk_apigatewaymanagement::operation::post_to_connection::PostToConnectionError;
use aws_sdk_apigatewaymanagement::primitives::Blob;
use serde::Deserialize;
use serde_json::{Map, Value};
use types::{Answer, Fault, Instant, Trace};

use crate::{Access, Caller, Problem};

/// Largest message in either direction, in bytes: 128 KB (API Gateway quotas). A client splits what is larger than
/// 32 KB into frames; to clients, API Gateway does.
pub const MOST_MESSAGE_BYTES: usize = 128 * 1024;

/// A connection opens, says something, or closes. Messages may overtake each other, since each is an
/// invocation of its own. A connection lives at most 2 h, and
/// 10 min without a message; that it closed is told on a best effort, so what is kept of it needs an end of its own.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SocketEvent {
    request_context: Context,
    /// The message; empty where there is none.
    #[serde(default)]
    pub body: Option<String>,
    #[serde(default)]
    headers: Option<HashMap<String, String>>,
    #[serde(default, rename = "queryStringParameters")]
    query: Option<HashMap<String, String>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Context {
    connection_id: String,
    route_key: String,
    #[serde(default)]
    domain_name: String,
    #[serde(default)]
    stage: String,
    #[serde(default)]
    connected_at: i64,
    #[serde(default)]
    authorizer: Option<Map<String, Value>>,
    #[serde(default)]
    disconnect_status_code: Option<u16>,
}

impl SocketEvent {
    /// The connection's id, for [`Connections`].
    pub fn connection(&self) -> &str {
        &self.request_context.connection_id
    }

    /// The route that it came by.
    pub fn route(&self) -> &str {
        &self.request_context.route_key
    }

    /// Who opened the connection: what the authorizer said then, which comes with every event of the connection.
    pub fn caller(&self) -> Option<Caller> {
        let context = self.request_context.authorizer.as_ref()?;
        Caller::of_context(|name| context.get(name).and_then(Value::as_str))
    }

    /// When the connection was opened.
    pub fn connected_at(&self) -> Instant {
        Instant::from_millis(self.request_context.connected_at)
    }

    /// Why it closed, as a WebSocket status code (RFC 6455, 7.4.1); 1005 where none was said.
    pub fn closed_with(&self) -> Option<u16> {
        self.request_context.disconnect_status_code
    }

    /// A header of the handshake (only on `$connect`), by its name in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let headers = self.headers.as_ref()?;
        headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// A parameter of the handshake's URL (only on `$connect`).
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.as_ref()?.get(name).map(String::as_str)
    }

    /// Where the API itself takes calls for its connections, on AWS: `https://{domain}/{stage}`.
    pub fn management_url(&self) -> String {
        format!("https://{}/{}", self.request_context.domain_name, self.request_context.stage)
    }

    /// The trace of who opens the connection; a message has none to carry.
    pub fn trace(&self) -> Option<Trace> {
        Trace::parse(self.header("traceparent")?, self.header("tracestate").unwrap_or_default())
    }

    /// Whether its caller may use the route.
    ///
    /// # Errors
    /// 401 without a caller, 403 without the scope.
    pub fn guard(&self, access: Access) -> Result<(), Problem> {
        access.check(self.caller().as_ref())
    }
}

/// Sends to the connections of one WebSocket API.
#[derive(Debug, Clone)]
pub struct Connections(Client);

/// The connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone;

impl Connections {
    /// The connections of the API whose management URL this is (a template's `ConnectionsUrl`; on AWS
    /// [`SocketEvent::management_url`]). The function needs `execute-api:ManageConnections`.
    pub fn new(sdk: &Sdk, url: &str) -> Self {
        Self(sdk.apigatewaymanagement(url))
    }

    /// Sends a message. Whether it arrived is known only by an answer: what cannot be lost is kept until then.
    ///
    /// # Errors
    /// Refuses with [`Gone`] where the connection is closed. Faults for a message above [`MOST_MESSAGE_BYTES`].
    pub async fn post(&self, connection: &str, message: &str) -> Answer<(), Gone> {
        if message.len() > MOST_MESSAGE_BYTES {
            return Err(Fault::permanent(format!("a WebSocket message of {} bytes is too large", message.len())));
        }
        let request = self.0.post_to_connection().connection_id(connection).data(Blob::new(message));
        match aws::within_deadline("PostToConnection", request.send()).await? {
            Ok(_) => Ok(Ok(())),
            Err(error) => match error.as_service_error() {
                Some(PostToConnectionError::GoneException(_)) => Ok(Err(Gone)),
                _ => Err(fault("PostToConnection", error)),
            },
        }
    }

    /// Closes a connection.
    ///
    /// # Errors
    /// Refuses with [`Gone`] where it is closed already.
    pub async fn close(&self, connection: &str) -> Answer<(), Gone> {
        let request = self.0.delete_connection().connection_id(connection);
        match aws::within_deadline("DeleteConnection", request.send()).await? {
            Ok(_) => Ok(Ok(())),
            Err(error) => match error.as_service_error() {
                Some(DeleteConnectionError::GoneException(_)) => Ok(Err(Gone)),
                _ => Err(fault("DeleteConnection", error)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(authorizer: Value) -> Result<SocketEvent, serde_json::Error> {
        serde_json::from_value(serde_json::json!({
            "headers": {"TraceParent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
            "queryStringParameters": {"room": "a"},
            "requestContext": {
                "routeKey": "$connect", "eventType": "CONNECT", "connectionId": "L0SM9cOFvHcCIhw=", "stage": "dev",
                "domainName": "abc.execute-api.us-east-1.amazonaws.com", "connectedAt": 1_800_000_000_123_i64,
                "authorizer": authorizer,
            },
        }))
    }

    #[test]
    fn an_event_names_its_connection_and_who_opened_it() -> Result<(), serde_json::Error> {
        let known = event(serde_json::json!({"caller": "alice", "scopes": "chat:write", "principalId": "alice"}))?;
        assert_eq!(
            (known.connection(), known.route(), known.query("room")),
            ("L0SM9cOFvHcCIhw=", "$connect", Some("a"))
        );
        assert_eq!(known.management_url(), "https://abc.execute-api.us-east-1.amazonaws.com/dev");
        assert_eq!(known.trace().map(|trace| trace.trace_id()).as_deref(), Some("0af7651916cd43dd8448eb211c80319c"));
        let status = |event: &SocketEvent, access| event.guard(access).err().map(|problem| problem.status().as_u16());
        let write = Access::Scope("chat:write");
        assert_eq!((status(&known, write), status(&known, Access::Scope("chat:read"))), (None, Some(403)));
        let nobody = event(serde_json::json!({"principalId": "nobody"}))?;
        assert_eq!((status(&nobody, write), status(&nobody, Access::Public)), (Some(401), None));
        assert_eq!(event(Value::Null)?.caller(), None);
        Ok(())
    }

    #[tokio::test]
    async fn a_message_that_is_too_large_is_not_sent() -> Result<(), Fault> {
        let keys = [("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x"), ("AWS_REGION", "us-east-1")];
        let connections = Connections::new(&Sdk::from_env(&aws::env::Env::of(keys))?, "http://127.0.0.1:1/dev");
        let sent = connections.post("x", &"x".repeat(MOST_MESSAGE_BYTES + 1)).await;
        assert!(sent.is_err_and(|fault| !fault.is_transient() && fault.to_string().contains("too large")));
        Ok(())
    }
}
