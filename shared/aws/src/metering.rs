//! Notes every call to AWS in the invocation under way. An interceptor, so that no caller can forget to.

mod needs;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::retries::RequestAttempts;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};

use crate::invocation::{InFlight, current, meter};

#[derive(Debug)]
pub(crate) struct Metering;

impl Storable for InFlight {
    type Storer = StoreReplace<Self>;
}

impl Intercept for Metering {
    fn name(&self) -> &'static str {
        "almanac-metering"
    }

    fn read_before_serialization(
        &self,
        context: &BeforeSerializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(invocation) = current() else { return Ok(()) };
        let operation = config.load::<Metadata>().map(|m| format!("{}.{}", m.service(), m.name())).unwrap_or_default();
        {
            let mut meter = invocation.meter();
            if !needs::note(context.input(), &mut meter) {
                meter.act("unknown", &operation);
            }
            *meter.calls.entry(operation).or_default() += 1;
        }
        // Kept with the call's own state: a call that is given up half-way ends too.
        config.interceptor_state().store_put(invocation.begin_call());
        Ok(())
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let bytes = context.request().body().content_length().unwrap_or_default();
        let again = config.load::<RequestAttempts>().is_some_and(|attempts| attempts.attempts() > 1);
        meter(|meter| {
            meter.bytes_sent += bytes;
            meter.retries += u32::from(again);
        });
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response().and_then(|response| response.body().bytes());
        meter(|meter| meter.bytes_received += body.map_or(0, <[u8]>::len) as u64);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
    use aws_sdk_eventbridge::types::PutEventsRequestEntry;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use crate::env::Env;
    use crate::invocation::Meter;
    use crate::{Invocation, Sdk};

    /// Answers one request after another with these statuses and `{}`, each on a connection of its own, then hangs.
    async fn answering(statuses: &'static [u16]) -> Sdk {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let env = Env::of([
            ("AWS_ACCESS_KEY_ID", "x"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ENDPOINT_URL", &format!("http://{}", listener.local_addr().unwrap())),
        ]);
        tokio::spawn(async move {
            let mut open = Vec::new();
            for turn in 0.. {
                let (mut stream, _) = listener.accept().await.unwrap();
                if let Some(status) = statuses.get(turn) {
                    let _ = stream.read(&mut [0; 8192]).await;
                    let answer = format!("HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{{}}");
                    let _ = stream.write_all(answer.as_bytes()).await;
                }
                open.push(stream);
            }
        });
        Sdk::from_env(&env).unwrap()
    }

    /// A call that nobody answers.
    async fn given_up<T>(call: impl Future<Output = T>) {
        assert!(tokio::time::timeout(Duration::from_millis(20), call).await.is_err());
    }

    async fn metered(work: impl Future<Output = ()>) -> Meter {
        let invocation = Invocation::new("r-1", Duration::from_secs(20));
        invocation.scope(work).await;
        invocation.meter().clone()
    }

    #[tokio::test]
    async fn a_retry_is_no_call_and_calls_that_overlap_are_one_round_trip() {
        let sdk = answering(&[500, 200, 200, 200]).await;
        let get = || sdk.dynamodb().get_item().table_name("t1-zoo").key("pk", AttributeValue::S("cat".into())).send();
        let meter = metered(async {
            get().await.unwrap();
            let both = tokio::join!(get(), get());
            assert!(both.0.is_ok() && both.1.is_ok());
        })
        .await;
        assert_eq!((meter.calls["DynamoDB.GetItem"], meter.retries, meter.round_trips), (3, 1, 2));
        assert_eq!(meter.actions[&("dynamodb:GetItem", "t1-zoo".to_owned())], 3);
        assert_eq!(meter.bytes_received, 4 * 2);
        assert_eq!(meter.bytes_sent % 4, 0, "four bodies of one size");
        assert!(meter.bytes_sent > 4 * 20, "{meter:?}");
    }

    #[tokio::test]
    async fn a_call_that_is_given_up_is_a_call_and_not_under_way_for_ever() {
        let sdk = answering(&[]).await;
        let meter = metered(async {
            for _ in 0..2 {
                let send = sdk.sqs().send_message().queue_url("http://q/0/t1-zoo-cats").message_body("meow").send();
                given_up(send).await;
            }
        })
        .await;
        assert_eq!((meter.calls["SQS.SendMessage"], meter.retries, meter.round_trips), (2, 0, 2));
        assert_eq!((meter.messages, meter.sqs_requests), (2, 2));
        assert_eq!(meter.actions[&("sqs:SendMessage", "t1-zoo-cats".to_owned())], 2);
    }

    #[tokio::test]
    async fn each_part_needs_its_permission_and_each_64_kb_is_billed() {
        let sdk = answering(&[]).await;
        let put = Put::builder().table_name("t1-zoo").item("pk", AttributeValue::S("cat".into())).build().unwrap();
        let event = |detail: String| {
            PutEventsRequestEntry::builder().event_bus_name("t1-almanac").detail_type("Fed").detail(detail).build()
        };
        let meter = metered(async {
            let part = TransactWriteItem::builder().put(put).build();
            let transaction = sdk.dynamodb().transact_write_items().transact_items(part.clone()).transact_items(part);
            given_up(transaction.send()).await;
            let query = sdk.dynamodb().query().table_name("t1-zoo").index_name("by_owner");
            given_up(query.send()).await;
            let events = sdk.eventbridge().put_events().entries(event("{}".into())).entries(event("x".repeat(65_536)));
            given_up(events.send()).await;
            let unknown = sdk.dynamodb().describe_table().table_name("t1-zoo");
            given_up(unknown.send()).await;
        })
        .await;
        let actions: Vec<_> =
            meter.actions.iter().map(|((action, on), count)| (*action, on.as_str(), *count)).collect();
        let known = [
            ("dynamodb:PutItem", "t1-zoo", 2),
            ("dynamodb:Query", "t1-zoo/index/by_owner", 1),
            ("events:PutEvents", "t1-almanac", 2),
            ("unknown", "DynamoDB.DescribeTable", 1),
        ];
        assert_eq!(actions, known);
        assert_eq!((meter.messages, meter.events, meter.sqs_requests), (2, 3, 0));
    }
}
