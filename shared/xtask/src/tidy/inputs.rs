//! Queues and buckets that a function reads: those that its row names, by their physical names.

use super::wiring::{Difference, differ};
use crate::project::System;
use crate::template::{Resource, Source, Template};

/// Every event reads the row's queue.
pub(super) fn queues(system: &System, template: &Template, sources: &[&Source<'_>], queue: &str) -> Vec<Difference> {
    let name = queue_name(system, queue);
    let wrong = sources.iter().filter(|source| !reads(template, source, &name));
    wrong.map(|source| differ(format!("{} is not the queue {name}", source.id), "make Queue: !GetAtt it.Arn")).collect()
}

/// Each priority's queue is read by one event, and no other queue is.
pub(super) fn priorities(
    system: &System,
    template: &Template,
    sources: &[&Source<'_>],
    queue: &str,
    priorities: &[String],
) -> Vec<Difference> {
    let names: Vec<String> = priorities.iter().map(|own| queue_name(system, &format!("{queue}-{own}"))).collect();
    let mut differences = Vec::new();
    for name in &names {
        let mapped = sources.iter().filter(|source| reads(template, source, name)).count();
        if mapped != 1 {
            let wrong = format!("{mapped} events read the queue {name}");
            differences.push(differ(wrong, "map each priority's queue once"));
        }
    }
    let strangers = sources.iter().filter(|source| !names.iter().any(|name| reads(template, source, name)));
    let remedy = "delete it, or add its priority to the row";
    differences.extend(strangers.map(|source| differ(format!("{} is none of the row's queues", source.id), remedy)));
    differences
}

/// Every event is of the row's bucket.
pub(super) fn buckets(system: &System, template: &Template, sources: &[&Source<'_>], bucket: &str) -> Vec<Difference> {
    let name = format!("${{Stage}}-{}-{bucket}-${{AWS::AccountId}}", system.name);
    let buckets = template.of_type("AWS::S3::Bucket");
    let is_it = |source: &Source<'_>| {
        let own = |bucket: &Resource<'_>| source.text(&["Bucket"]) == Some(format!("${{{}}}", bucket.id));
        buckets.iter().any(|bucket| own(bucket) && bucket.text(&["BucketName"]).as_ref() == Some(&name))
    };
    let wrong = sources.iter().filter(|source| !is_it(source));
    // The names of buckets are the whole world's.
    let remedy = "make Bucket: !Ref it; its name ends in the account, since no other account's may be the same";
    wrong.map(|source| differ(format!("{} is not the bucket {name}", source.id), remedy)).collect()
}

fn queue_name(system: &System, queue: &str) -> String {
    format!("${{Stage}}-{}-{queue}", system.name)
}

/// Whether an event is of the queue with this physical name.
fn reads(template: &Template, source: &Source<'_>, name: &str) -> bool {
    let id = source.text(&["Queue"]).unwrap_or_default();
    let id = id.trim_start_matches("${").trim_end_matches(".Arn}");
    let queues = template.of_type("AWS::SQS::Queue");
    queues.iter().any(|queue| queue.id == id && queue.text(&["QueueName"]).as_deref() == Some(name))
}

/// The rules about rows that no product has yet, tried on the tests' own system.
#[cfg(test)]
mod tests {
    use crate::project::Project;
    use crate::tidy::{Finding, stack, wiring};
    use crate::tree::Tree;

    const LIB: &str = include_str!("../../../../tests/probe/src/lib.rs");
    const TEMPLATE: &str = include_str!("../../../../tests/probe/template.yaml");

    fn findings(from: &str, to: &str) -> String {
        assert!(LIB.contains(from) || TEMPLATE.contains(from), "nothing contains {from:?}");
        let mut tree = Tree::default();
        tree.put("functions/probe/Cargo.toml", "");
        tree.put("functions/probe/src/lib.rs", LIB.replace(from, to));
        tree.put("functions/probe/template.yaml", TEMPLATE.replace(from, to));
        let project = Project::of(tree);
        let rules = [wiring::agrees, wiring::mappings, stack::physical_names, stack::stars, stack::redrive];
        let found: Vec<Finding> = rules.iter().flat_map(|rule| rule(&project)).collect();
        found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_probe_is_wired_as_its_rows_say() {
        assert_eq!(findings("probe", "probe"), "");
    }

    #[test]
    fn each_priority_has_one_queue_and_one_mapping() {
        let missing = findings("Queue: !GetAtt DeliveriesLow.Arn\n", "Queue: !GetAtt DeliveriesHigh.Arn\n");
        assert!(missing.contains("2 events read the queue ${Stage}-probe-deliveries-high"), "{missing}");
        assert!(missing.contains("0 events read the queue ${Stage}-probe-deliveries-low"), "{missing}");
        let stranger =
            findings("&[Priority::High, Priority::Normal, Priority::Low]", "&[Priority::High, Priority::Low]");
        assert!(stranger.contains("#Deliver: Normal is none of the row's queues"), "{stranger}");
        let unbounded = findings("ScalingConfig: {MaximumConcurrency: 2}", "Enabled: true");
        assert!(unbounded.contains("its mapping Low is not bounded: add ScalingConfig"), "{unbounded}");
    }

    #[test]
    fn a_bucket_is_the_rows_and_what_fails_is_kept() {
        let other = findings("\"media\"", "\"uploads\"");
        assert!(other.contains("Upload is not the bucket ${Stage}-probe-uploads-${AWS::AccountId}"), "{other}");
        let lost = findings("EventInvokeConfig", "Invoked");
        assert!(lost.contains("add EventInvokeConfig"), "{lost}");
    }

    #[test]
    fn a_websocket_route_leads_to_its_function() {
        for (from, to, message) in [
            ("RouteKey: broadcast\n", "RouteKey: shout\n", "BroadcastRoute routes shout to it, the row says broadcast"),
            ("RouteKey: broadcast\n", "RouteKey: shout\n", "no route broadcast leads to it"),
            ("functions/${Echo.Arn}", "functions/${Broadcast.Arn}", "#Echo: no route $default leads to it"),
            (
                "AuthorizationType: CUSTOM",
                "AuthorizationType: NONE",
                "OnConnectRoute is open to anybody, its row is not",
            ),
            ("\"$connect\", Access::Scope(\"probe:write\")", "\"$connect\", Access::Public", "asks the authorizer"),
            ("FunctionName: !Ref Echo\n", "FunctionName: !Ref Broadcast\n", "#Echo: API Gateway may not invoke it"),
        ] {
            let found = findings(from, to);
            assert!(found.contains(message), "{from} -> {to}: {found}");
        }
    }
}
