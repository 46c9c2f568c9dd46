//! Templates: sections, names, permissions, queues, and the root that lists them all.

use yaml_serde::Value;

use super::{Finding, found};
use crate::project::Project;
use crate::template::{Template, at, entries, list, text};

const ORDER: [&str; 4] = ["Parameters", "Globals", "Resources", "Outputs"];
/// Properties that name something in the account, which every stage and system shares.
const PHYSICAL: [&str; 5] = ["FunctionName", "TableName", "QueueName", "BucketName", "TopicName"];
/// Actions for which AWS knows no resource to name, each with its reason.
const WITHOUT_RESOURCE: [(&str, &str); 0] = [];

/// Sections stand in one order, and a stack needs two parameters.
pub(super) fn sections(project: &Project) -> Vec<Finding> {
    let mut findings = Vec::new();
    for system in &project.systems {
        let Ok(template) = &system.template else { continue };
        let path = system.path("template.yaml");
        let known = |section: &&str| ORDER.iter().position(|name| name == section);
        let order: Vec<usize> = template.sections().iter().filter_map(known).collect();
        if !order.is_sorted() {
            findings.push(found(&path, "its sections are out of order", format!("order them {}", ORDER.join(", "))));
        }
        for parameter in ["Stage", "LogLevel"] {
            if template.at(&["Parameters", parameter]).is_none() {
                findings.push(found(&path, format!("it has no parameter {parameter}"), "add it: every stack takes it"));
            }
        }
    }
    findings
}

/// Every name begins with the stage and the system, so that stacks cannot collide.
pub(super) fn physical_names(project: &Project) -> Vec<Finding> {
    let mut findings = Vec::new();
    for system in &project.systems {
        // What `platform` makes is everybody's, and called after the whole.
        let own = if system.name == "platform" { "almanac" } else { &system.name };
        let start = format!("${{Stage}}-{own}");
        for resource in system.template.iter().flat_map(Template::resources) {
            // A permission names the function that it is of, which may be another system's (the authorizer).
            let is_permission = resource.kind == "AWS::Lambda::Permission";
            for property in PHYSICAL.into_iter().filter(|_| !is_permission) {
                let Some(value) = resource.properties.get(property) else { continue };
                let name = text(value).unwrap_or_default();
                let is_own =
                    name.strip_prefix(&start).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '.']));
                // A mapping names another resource by reference; that is no name of its own.
                let is_reference = name.starts_with("${") && !name.starts_with("${Stage}");
                if !is_own && !is_reference {
                    let place = system.path(&format!("template.yaml#{}", resource.id));
                    let remedy = format!("write {property}: !Sub {start}-…");
                    findings.push(found(place, format!("its {property} is {name:?}"), remedy));
                }
            }
        }
    }
    findings
}

/// No permission for every action or every resource.
pub(super) fn stars(project: &Project) -> Vec<Finding> {
    let mut findings = Vec::new();
    for system in &project.systems {
        for resource in system.template.iter().flat_map(Template::resources) {
            let place = system.path(&format!("template.yaml#{}", resource.id));
            for managed in list(resource.properties.get("Policies")).into_iter().filter_map(text) {
                let remedy = "write a statement per need: nobody here decides what AWS's own policies allow";
                findings.push(found(&place, format!("it takes the policy {managed} whole"), remedy));
            }
            let mut statements = Vec::new();
            collect_statements(resource.properties, &mut statements);
            for statement in statements {
                findings.extend(stars_of(statement).map(|(wrong, remedy)| found(&place, wrong, remedy)));
            }
        }
    }
    findings
}

/// The statements of a policy, wherever they stand in it.
pub(crate) fn collect_statements<'a>(value: &'a Value, into: &mut Vec<&'a Value>) {
    match value {
        Value::Sequence(values) => values.iter().for_each(|value| collect_statements(value, into)),
        Value::Mapping(map) => {
            if map.contains_key("Effect") {
                into.push(value);
            }
            entries(Some(value)).for_each(|(_, value)| collect_statements(value, into));
        }
        // A statement under !If is a statement.
        Value::Tagged(tagged) => collect_statements(&tagged.value, into),
        _ => {}
    }
}

/// Every text in a value: of a list, and of the branches of an !If.
pub(crate) fn texts(value: Option<&Value>) -> Vec<String> {
    let Some(value) = value else { return Vec::new() };
    match (text(value), value) {
        (Some(text), _) => vec![text],
        (None, Value::Sequence(values)) => values.iter().flat_map(|value| texts(Some(value))).collect(),
        // What stands first in an !If is its condition.
        (None, Value::Tagged(tagged)) if tagged.tag == "If" => {
            list(Some(&tagged.value)).into_iter().skip(1).flat_map(|value| texts(Some(value))).collect()
        }
        (None, Value::Tagged(tagged)) => texts(Some(&tagged.value)),
        (None, _) => entries(Some(value)).flat_map(|(_, value)| texts(Some(value))).collect(),
    }
}

fn stars_of(statement: &Value) -> impl Iterator<Item = (String, &'static str)> {
    let (actions, resources) = (texts(statement.get("Action")), texts(statement.get("Resource")));
    let allowed = statement.get("Effect").and_then(Value::as_str) != Some("Deny");
    let nameless =
        !actions.is_empty() && actions.iter().all(|action| WITHOUT_RESOURCE.iter().any(|(name, _)| name == action));
    // The policy of a resource speaks of that resource alone: its `*` is the resource itself.
    let of_a_resource = statement.get("Principal").is_some();
    let actions = actions
        .into_iter()
        .filter(|action| action.contains('*'))
        .map(|action| (format!("a statement allows {action}"), "name the actions, one statement per need"));
    let resources =
        resources.into_iter().filter(move |name| !of_a_resource && !nameless && is_wild(name)).map(|name| {
            (
                format!("a statement allows every resource of {name}"),
                "name the resource (!GetAtt Table.Arn, ${Table.Arn}/index/*)",
            )
        });
    let inverted = ["NotAction", "NotResource"].into_iter().filter(|name| statement.get(name).is_some());
    let inverted = inverted.map(|name| (format!("a statement allows all but its {name}"), "name what it needs"));
    let inverted: Vec<_> = inverted.collect();
    actions.chain(resources).chain(inverted).filter(move |_| allowed)
}

/// Whether a `*` stands before anything of ours is named. Behind it, it is the parts of one resource: indexes, objects.
/// An application of SNS has one name on each platform, which stands before it.
fn is_wild(resource: &str) -> bool {
    let resource = resource.replace(":app/*/", ":app/").replace(":endpoint/*/", ":endpoint/");
    const NAMED: [&str; 3] = [".Arn}", "${Stage}-", "${Stage}/POST/@connections/"];
    resource.split_once('*').is_some_and(|(before, _)| NAMED.iter().all(|named| !before.contains(named)))
}

/// What a queue cannot deliver goes to another queue, where an alarm sees it.
pub(super) fn redrive(project: &Project) -> Vec<Finding> {
    let mut findings = Vec::new();
    for system in &project.systems {
        for queue in system.template.iter().flat_map(|template| template.of_type("AWS::SQS::Queue")) {
            let name = queue.text(&["QueueName"]).unwrap_or_default();
            let dead = name.trim_end_matches(".fifo").ends_with("-dead");
            if !dead && at(queue.properties, &["RedrivePolicy", "deadLetterTargetArn"]).is_none() {
                let place = system.path(&format!("template.yaml#{}", queue.id));
                let remedy = "add a RedrivePolicy to a queue whose name ends in -dead";
                findings.push(found(place, "what it cannot deliver is lost", remedy));
            }
        }
    }
    findings
}

/// The root deploys every system.
pub(super) fn root(project: &Project) -> Vec<Finding> {
    let path = "template.yaml";
    let template = match project.tree.require(path).and_then(Template::parse) {
        Ok(template) => template,
        Err(error) => return vec![found(path, format!("{error:#}"), "list every system in it")],
    };
    let mut findings = Vec::new();
    let locations: Vec<String> = template
        .of_type("AWS::Serverless::Application")
        .iter()
        .filter_map(|application| application.text(&["Location"]))
        .map(|location| location.trim_start_matches("./").to_owned())
        .collect();
    for system in &project.systems {
        if !locations.contains(&system.path("template.yaml")) {
            let remedy = format!("add an AWS::Serverless::Application with Location: {}", system.path("template.yaml"));
            findings.push(found(path, format!("it does not deploy {}", system.name), remedy));
        }
    }
    for location in locations.iter().filter(|location| !project.tree.has(location)) {
        findings.push(found(path, format!("{location} does not exist"), "delete the application"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use crate::tidy::fixture::{edited, findings, only, zoo};

    const TEMPLATE: &str = "functions/zoo/template.yaml";

    #[test]
    fn sections_and_parameters() {
        let mut tree = zoo();
        let text = tree.text(TEMPLATE).unwrap_or_default().to_owned();
        let (before, outputs) = text.split_once("\nOutputs:").unwrap();
        let (head, rest) = before.split_once("\nParameters:").unwrap();
        tree.put(TEMPLATE, format!("{head}\nOutputs:{outputs}\nParameters:{rest}"));
        only(&tree, "its sections are out of order: order them Parameters, Globals, Resources, Outputs");
        only(&edited(TEMPLATE, "\n  LogLevel:", "\n  Verbosity:"), "it has no parameter LogLevel");
    }

    #[test]
    fn names_begin_with_stage_and_system() {
        for (from, to) in [
            ("TableName: !Sub ${Stage}-zoo\n", "TableName: zoo\n"),
            ("TableName: !Sub ${Stage}-zoo\n", "TableName: !Sub ${Stage}-zoology\n"),
        ] {
            only(&edited(TEMPLATE, from, to), "#Table: its TableName is");
        }
    }

    #[test]
    fn permissions_name_actions_and_resources() {
        let policy = |action: &str, resource: &str| {
            let statement = format!("{{Effect: Allow, Action: '{action}', Resource: {resource}}}");
            let policies = format!("Handler: feed_cat\n      Policies: [{{Statement: [{statement}]}}]");
            edited(TEMPLATE, "Handler: feed_cat", &policies)
        };
        assert_eq!(findings(&policy("dynamodb:GetItem", "!GetAtt Table.Arn")), Vec::<String>::new());
        assert_eq!(findings(&policy("dynamodb:Query", "!Sub '${Table.Arn}/index/*'")), Vec::<String>::new());
        only(&policy("dynamodb:*", "!GetAtt Table.Arn"), "#FeedCat: a statement allows dynamodb:*");
        only(&policy("dynamodb:GetItem", "'*'"), "#FeedCat: a statement allows every resource of *");
        only(&policy("s3:GetObject", "'arn:aws:s3:::*'"), "every resource of arn:aws:s3:::*");
        only(&policy("s3:GetObject", "!If [Wide, '*', !GetAtt Table.Arn]"), "every resource of *");
        only(&policy("s3:GetObject", "!GetAtt Table.Arn, NotAction: 's3:Put'"), "allows all but its NotAction");
        let managed =
            edited(TEMPLATE, "Handler: feed_cat", "Handler: feed_cat\n      Policies: [AmazonDynamoDBFullAccess]");
        only(&managed, "it takes the policy AmazonDynamoDBFullAccess whole");
    }

    #[test]
    fn queues_have_somewhere_to_put_what_fails() {
        only(&edited(TEMPLATE, "RedrivePolicy", "Redriven"), "add a RedrivePolicy");
    }

    #[test]
    fn the_root_lists_the_systems_that_are_there() {
        let found = findings(&edited("template.yaml", "functions/zoo/", "functions/ozo/")).join("\n");
        assert!(found.contains("template.yaml: it does not deploy zoo"), "{found}");
        assert!(found.contains("functions/ozo/template.yaml does not exist"), "{found}");
    }
}
