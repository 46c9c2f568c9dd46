//! The template is the only wiring: what it says of each Lambda agrees with the row, and every mapping is bounded.

use yaml_serde::Value;

use super::{Finding, found, inputs, logs, socket};
use crate::names::{camel, kebab};
use crate::project::{Project, System};
use crate::rows::{Row, Trigger};
use crate::template::{Resource, Source, Template, at, list, text};

/// Names, event types, paths, methods and authorizers are those of the row.
pub(super) fn agrees(project: &Project) -> Vec<Finding> {
    let mut findings = Vec::new();
    for system in &project.systems {
        let Ok(template) = &system.template else { continue };
        for row in system.rows() {
            let functions = template.functions();
            let is_it = |function: &&Resource<'_>| function.text(&["Handler"]).as_ref() == Some(&row.handler);
            let Some(function) = functions.iter().find(is_it) else { continue };
            let place = system.path(&format!("template.yaml#{}", function.id));
            let differences = names(system, row, function).into_iter().chain(sources(system, template, row, function));
            findings.extend(differences.map(|(wrong, remedy)| found(&place, wrong, remedy)));
        }
    }
    findings
}

pub(super) type Difference = (String, String);

pub(super) fn differ(wrong: impl Into<String>, remedy: impl Into<String>) -> Difference {
    (wrong.into(), remedy.into())
}

fn names(system: &System, row: &Row, function: &Resource<'_>) -> Vec<Difference> {
    let mut differences = Vec::new();
    let id = camel(&row.handler);
    if function.id != id {
        differences.push(differ("its logical id is not its handler's name", format!("call it {id}")));
    }
    let name = format!("${{Stage}}-{}-{}", system.name, kebab(&row.handler));
    if function.text(&["FunctionName"]).as_ref() != Some(&name) {
        differences.push(differ("its FunctionName is not its handler's", format!("write FunctionName: !Sub {name}")));
    }
    differences
}

fn sources(system: &System, template: &Template, row: &Row, function: &Resource<'_>) -> Vec<Difference> {
    let sources = function.sources();
    let kind = match &row.trigger {
        Trigger::Http { .. } | Trigger::Unrouted => "HttpApi",
        Trigger::Queue(_) | Trigger::PriorityQueue(..) => "SQS",
        Trigger::Bucket(_) => "S3",
        // SAM has no event of a WebSocket API for a function: its routes are resources.
        Trigger::Socket { .. } if !sources.is_empty() => {
            return vec![differ("a WebSocket's function has no Events", "delete them, or change its row")];
        }
        Trigger::Socket { route, public } => return socket::differences(template, function, route, *public),
        // Its log groups may be those that others make: subscriptions are resources, which can be conditional.
        Trigger::Logs if !sources.is_empty() => {
            return vec![differ(
                "a subscription's function has no Events",
                "write AWS::Logs::SubscriptionFilter for it",
            )];
        }
        Trigger::Logs => return logs::differences(template, function),
        Trigger::Stream => "DynamoDB",
        Trigger::Schedule => "ScheduleV2",
        Trigger::Invoke if sources.is_empty() => return Vec::new(),
        Trigger::Invoke => return vec![differ("an invoked function has no Events", "delete them, or change its row")],
    };
    let mut differences: Vec<Difference> = sources
        .iter()
        .filter(|source| source.kind != kind)
        .map(|source| differ(format!("{} is a {}, the row says {kind}", source.id, source.kind), "make them agree"))
        .collect();
    let sources: Vec<&Source<'_>> = sources.iter().filter(|source| source.kind == kind).collect();
    if sources.is_empty() {
        differences.push(differ("nothing invokes it", format!("add an event of Type {kind}, as its row says")));
        return differences;
    }
    match &row.trigger {
        Trigger::Http { method, path, public } => {
            let heads = if method == "GET" { vec!["HEAD"] } else { vec![] };
            differences.extend(routes(&sources, Some((method, path)), &heads, *public));
            let is_head =
                |source: &&Source<'_>| source.text(&["Method"]).is_some_and(|m| m.eq_ignore_ascii_case("HEAD"));
            if method == "GET" && !sources.iter().any(is_head) {
                differences.push(differ(
                    "HEAD does not reach it",
                    "add an event of Method HEAD: what is read is also looked up",
                ));
            }
        }
        // Without an authorizer: a browser's preflight and a mistyped path carry no credential.
        Trigger::Unrouted => differences.extend(routes(&sources, None, &[], true)),
        Trigger::Queue(queue) => differences.extend(inputs::queues(system, template, &sources, queue)),
        Trigger::PriorityQueue(queue, priorities) => {
            differences.extend(inputs::priorities(system, template, &sources, queue, priorities));
        }
        Trigger::Bucket(bucket) => differences.extend(inputs::buckets(system, template, &sources, bucket)),
        Trigger::Stream | Trigger::Schedule | Trigger::Invoke | Trigger::Socket { .. } | Trigger::Logs => {}
    }
    differences
}

/// Exactly the row's route; a GET route has its HEAD beside it.
fn routes(sources: &[&Source<'_>], route: Option<(&str, &str)>, also: &[&str], public: bool) -> Vec<Difference> {
    let mut differences = Vec::new();
    let mut seen = false;
    for source in sources {
        let (method, path) = (source.text(&["Method"]).map(|m| m.to_ascii_uppercase()), source.text(&["Path"]));
        match route {
            None if path.is_some() || method.is_some() => {
                differences
                    .push(differ(format!("{} has a route", source.id), "delete its Path and Method: it is $default"));
            }
            None => seen = true,
            Some((wanted, at)) => {
                let method = method.unwrap_or_default();
                seen |= method == wanted && path.as_deref() == Some(at);
                if path.as_deref() != Some(at) || (method != wanted && !also.contains(&method.as_str())) {
                    let is = format!("{} is {method} {}", source.id, path.unwrap_or_default());
                    differences.push(differ(is, format!("the row says {wanted} {at}: make them agree")));
                }
            }
        }
        if source.text(&["ApiId"]).as_deref() != Some("${Api}") {
            differences.push(differ(format!("{} is not on the system's API", source.id), "write ApiId: !Ref Api"));
        }
        let open = source.text(&["Auth", "Authorizer"]).as_deref() == Some("NONE");
        if open && !public {
            let remedy = "delete its Auth, or make the row Access::Public";
            differences.push(differ(format!("{} is open to anybody, its row is not", source.id), remedy));
        } else if public && !open {
            let remedy = "write Auth: {Authorizer: NONE}, or give the row a scope";
            differences.push(differ(format!("{} asks the authorizer, its row is public", source.id), remedy));
        }
    }
    if !seen {
        let route = route.map_or_else(|| "$default".to_owned(), |(method, path)| format!("{method} {path}"));
        differences.push(differ(format!("no event routes {route} to it"), "add one, as its row says"));
    }
    differences
}

/// Every mapping is bounded and loses nothing.
pub(super) fn mappings(project: &Project) -> Vec<Finding> {
    let mut findings = Vec::new();
    for system in &project.systems {
        let functions = system.template.iter().flat_map(|template| template.functions());
        for (function, source) in functions.flat_map(|f| f.sources().into_iter().map(move |source| (f, source))) {
            let missing: Vec<&str> = match source.kind {
                "SQS" => {
                    let kinds = list(at(source.properties, &["FunctionResponseTypes"]));
                    let partial = kinds.into_iter().filter_map(text).any(|kind| kind == "ReportBatchItemFailures");
                    [
                        (!partial).then_some("FunctionResponseTypes: [ReportBatchItemFailures]"),
                        absent(
                            &source,
                            &["ScalingConfig", "MaximumConcurrency"],
                            "ScalingConfig: {MaximumConcurrency: …}",
                        ),
                    ]
                    .into_iter()
                    .flatten()
                    .collect()
                }
                "DynamoDB" | "Kinesis" => [
                    absent(&source, &["MaximumRetryAttempts"], "MaximumRetryAttempts: …"),
                    absent(&source, &["BisectBatchOnFunctionError"], "BisectBatchOnFunctionError: true"),
                    absent(
                        &source,
                        &["DestinationConfig", "OnFailure", "Destination"],
                        "DestinationConfig: {OnFailure: {Type: SQS, Destination: …}}",
                    ),
                ]
                .into_iter()
                .flatten()
                .collect(),
                // Not a mapping: S3 invokes, and Lambda gives up after two more tries.
                "S3" => {
                    let path = ["EventInvokeConfig", "DestinationConfig", "OnFailure", "Destination"];
                    let line = "EventInvokeConfig: {DestinationConfig: {OnFailure: {…}}} to the function";
                    at(function.properties, &path).is_none().then_some(line).into_iter().collect()
                }
                _ => continue,
            };
            let place = system.path(&format!("template.yaml#{}", function.id));
            let lacks =
                |line: &str| found(&place, format!("its mapping {} is not bounded", source.id), format!("add {line}"));
            findings.extend(missing.into_iter().map(lacks));
        }
    }
    findings
}

fn absent<'a>(source: &Source<'_>, path: &[&str], line: &'a str) -> Option<&'a str> {
    // -1 retries for ever.
    let bounds = |value: &&Value| !value.is_null() && value.as_bool() != Some(false) && value.as_i64() != Some(-1);
    let value = at(source.properties, path).filter(bounds);
    value.is_none().then_some(line)
}

#[cfg(test)]
mod tests {
    use crate::tidy::fixture::{edited, only};

    const TEMPLATE: &str = "functions/zoo/template.yaml";

    #[test]
    fn names_and_routes_are_the_rows() {
        for (from, to, message) in [
            (
                "  FeedCat:\n    Type",
                "  FeedCats:\n    Type",
                "#FeedCats: its logical id is not its handler's name: call it FeedCat",
            ),
            ("zoo-feed-cat", "zoo-feed", "write FunctionName: !Sub ${Stage}-zoo-feed-cat"),
            ("Path: /feed-cat", "Path: /feed-dog", "the row says POST /feed-cat"),
            ("Method: POST", "Method: PUT", "is PUT /feed-cat: the row says POST /feed-cat"),
            ("Method: POST", "Method: POST, Auth: {Authorizer: NONE}", "is open to anybody, its row is not"),
            ("Path: /health, Auth: {Authorizer: NONE}", "Path: /health", "asks the authorizer, its row is public"),
            ("ApiId: !Ref Api, Method: POST", "Method: POST", "write ApiId: !Ref Api"),
            ("Method: HEAD, Path: /health", "Method: GET, Path: /health", "HEAD does not reach it"),
        ] {
            only_with(from, to, message);
        }
    }

    fn only_with(from: &str, to: &str, message: &str) {
        let found = crate::tidy::fixture::findings(&edited(TEMPLATE, from, to)).join("\n");
        assert!(found.contains(message), "{from} -> {to}: {found}");
    }

    #[test]
    fn the_event_is_of_the_rows_kind() {
        only_with("Type: ScheduleV2", "Type: Schedule", "is a Schedule, the row says ScheduleV2");
        only_with(
            "QueueName: !Sub ${Stage}-zoo-meals\n",
            "QueueName: !Sub ${Stage}-zoo-meal\n",
            "is not the queue ${Stage}-zoo-meals",
        );
        only(&edited("functions/zoo/src/lib.rs", ".stream(", ".invoke("), "an invoked function has no Events");
    }

    #[test]
    fn every_mapping_is_bounded() {
        only(
            &edited(TEMPLATE, "FunctionResponseTypes", "ResponseTypes"),
            "add FunctionResponseTypes: [ReportBatchItemFailures]",
        );
        only(&edited(TEMPLATE, "MaximumConcurrency", "MostConcurrency"), "add ScalingConfig: {MaximumConcurrency: …}");
        only(&edited(TEMPLATE, "MaximumRetryAttempts: 20", "MaximumRetryAttempts: -1"), "add MaximumRetryAttempts: …");
        for property in ["MaximumRetryAttempts", "BisectBatchOnFunctionError", "OnFailure"] {
            only(&edited(TEMPLATE, property, "Other"), property);
        }
    }
}
