//! Logs and metrics: one JSON line per invocation that is access log and CloudWatch metrics (EMF) at once, and JSON
//! lines in between. A line of our own rather than a metrics library: the record is fixed and written once per
//! invocation.

use std::time::Duration;

use aws::invocation::Meter;
use serde_json::{Map, Value, json};
use types::{Instant, Trace};

/// What an invocation did.
#[derive(Debug, Clone)]
pub struct Record {
    /// The system.
    pub system: &'static str,
    /// The handler.
    pub handler: &'static str,
    /// Lambda's request id.
    pub request_id: String,
    /// From the event to the answer.
    pub latency: Duration,
    /// HTTP status, where there is one.
    pub status: Option<u16>,
    /// Type of the problem the client was told, where it is the client's.
    pub refusal: Option<&'static str>,
    /// The whole chain of what failed on our side.
    pub fault: Option<String>,
    /// Its place in its trace.
    pub trace: Trace,
    /// Ids of the traces that its messages belong to, where they are several.
    pub linked_traces: Vec<String>,
    /// Calls, units and counts.
    pub meter: Meter,
}

impl Record {
    /// The line, in CloudWatch's embedded metric format: `Almanac` metrics by system and by handler, refusals by type.
    pub fn line(&self, stage: &str, at: Instant, cold_start: bool) -> String {
        let mut metrics = vec![metric("latency_ms", "Milliseconds")];
        let mut line = Map::new();
        let mut put = |name: &str, value: Value| line.insert(name.to_owned(), value);
        put("stage", stage.into());
        put("system", self.system.into());
        put("handler", self.handler.into());
        put("request_id", self.request_id.clone().into());
        put("trace_id", self.trace.trace_id().into());
        put("span_id", self.trace.span_id().into());
        if !self.linked_traces.is_empty() {
            put("linked_traces", self.linked_traces.clone().into());
        }
        put("level", if self.fault.is_some() { "ERROR" } else { "INFO" }.into());
        put("latency_ms", json!((self.latency.as_secs_f64() * 1e6).round() / 1e3));
        let mut number = |name: &str, value: f64, unit| {
            put(name, json!(value));
            metrics.push(metric(name, unit));
        };
        number("aws_calls", f64::from(self.meter.calls.values().sum::<u32>()), "Count");
        number("aws_retries", f64::from(self.meter.retries), "Count");
        number("read_units", self.meter.read_units, "Count");
        number("write_units", self.meter.write_units, "Count");
        number("faults", f64::from(u8::from(self.fault.is_some())), "Count");
        number("refusals", f64::from(u8::from(self.refusal.is_some())), "Count");
        number("cold_starts", f64::from(u8::from(cold_start)), "Count");
        for (name, &amount) in &self.meter.counts {
            number(name, amount, "Count");
        }
        // For queries of the log: a metric of each would be billed each month.
        line.insert("round_trips".to_owned(), self.meter.round_trips.into());
        line.insert("messages".to_owned(), self.meter.messages.into());
        line.insert("bytes_sent".to_owned(), self.meter.bytes_sent.into());
        line.insert("bytes_received".to_owned(), self.meter.bytes_received.into());
        line.insert("calls".to_owned(), json!(self.meter.calls));
        let actions = self.meter.actions.iter().map(|((action, on), count)| (format!("{action} {on}"), json!(count)));
        line.insert("actions".to_owned(), Value::Object(actions.collect()));
        let mut dimensions = vec![json!(["stage", "system"]), json!(["stage", "system", "handler"])];
        if let Some(status) = self.status {
            line.insert("status".to_owned(), status.into());
        }
        if let Some(refusal) = self.refusal {
            line.insert("refusal".to_owned(), refusal.into());
            dimensions.push(json!(["stage", "system", "refusal"]));
        }
        if let Some(fault) = &self.fault {
            line.insert("fault".to_owned(), fault.clone().into());
        }
        let directive = json!({"Namespace": "Almanac", "Dimensions": dimensions, "Metrics": metrics});
        line.insert("_aws".to_owned(), json!({"Timestamp": at.millis(), "CloudWatchMetrics": [directive]}));
        Value::Object(line).to_string()
    }
}

fn metric(name: &str, unit: &str) -> Value {
    json!({"Name": name, "Unit": unit})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_named_in_the_directive_has_a_value() -> Result<(), serde_json::Error> {
        let record = Record {
            system: "zoo",
            handler: "get_cat",
            request_id: "id-1".to_owned(),
            latency: Duration::from_micros(1500),
            status: Some(404),
            refusal: Some("no-such-cat"),
            fault: None,
            trace: Trace::start(),
            linked_traces: Vec::new(),
            meter: Meter {
                calls: [("DynamoDB.GetItem".to_owned(), 2)].into(),
                actions: [(("dynamodb:GetItem", "dev-zoo".to_owned()), 2)].into(),
                round_trips: 1,
                counts: [("clicks_lost", 1.0)].into(),
                ..Meter::default()
            },
        };
        let line: Value = serde_json::from_str(&record.line("dev", Instant::from_seconds(1), true))?;
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        for metric in directive["Metrics"].as_array().into_iter().flatten() {
            assert!(line[metric["Name"].as_str().unwrap_or_default()].is_number(), "{metric}");
        }
        for dimension in directive["Dimensions"].as_array().into_iter().flatten().flat_map(|d| d.as_array()).flatten() {
            assert!(line[dimension.as_str().unwrap_or_default()].is_string(), "{dimension}");
        }
        assert_eq!((&line["clicks_lost"], &line["latency_ms"]), (&json!(1.0), &json!(1.5)));
        assert_eq!((&line["aws_calls"], &line["round_trips"]), (&json!(2.0), &json!(1)));
        assert_eq!(line["calls"], json!({"DynamoDB.GetItem": 2}));
        assert_eq!(line["actions"], json!({"dynamodb:GetItem dev-zoo": 2}));
        Ok(())
    }
}
