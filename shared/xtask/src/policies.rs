//! `xtask policies`: what each function's policy allows, against what the function was seen to need in a run of all
//! tests. Neither may have what the other lacks.

use std::collections::{BTreeMap, BTreeSet};

use crate::project::{Project, System};
use crate::template::{Resource, at, list, text};
use crate::tidy::stack::{collect_statements, texts};
use crate::tidy::{Finding, found};

/// Permissions that no test uses, each with its reason.
pub const UNUSED: &str = "shared/xtask/unused-permissions.txt";

/// A permission: seen to be needed, or allowed (then the resource may have a `*`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Permission {
    /// `system/handler`
    function: String,
    /// `dynamodb:GetItem`
    action: String,
    /// The name, without what is the same in every ARN: `${Stage}-zoo/index/by_owner`.
    resource: String,
}

impl Permission {
    fn read(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace().map(str::to_owned);
        Some(Self { function: words.next()?, action: words.next()?, resource: words.next()? })
    }

    fn allows(&self, seen: &Self) -> bool {
        self.function == seen.function
            && self.action.eq_ignore_ascii_case(&seen.action)
            && fits(&self.resource, &seen.resource)
    }
}

/// Compares the policies with `seen`, lines of `system/handler action resource`.
pub fn policies(project: &Project, seen: &str) -> Vec<Finding> {
    let seen: BTreeSet<Permission> = seen.lines().filter_map(Permission::read).collect();
    let mut unused = Unused::read(project.tree.text(UNUSED).unwrap_or_default());
    let mut findings = Vec::new();
    for system in project.systems.iter().filter(|system| !system.rows().is_empty()) {
        let Ok(template) = &system.template else { continue };
        for function in template.functions() {
            let name = format!("{}/{}", system.name, function.text(&["Handler"]).unwrap_or_default());
            let place = system.path(&format!("template.yaml#{}", function.id));
            let allowed = allowed(system, &function, &name);
            for seen in seen.iter().filter(|seen| seen.function == name) {
                if !allowed.iter().any(|allowed| allowed.allows(seen)) {
                    findings.push(lacking(&place, seen));
                }
            }
            let by_lambda = failures_go_to(system, &function, &name);
            for allowed in &allowed {
                let is_used = seen.iter().any(|seen| allowed.allows(seen));
                if !is_used && !by_lambda.contains(allowed) && !unused.excuses(allowed) {
                    let wrong = format!("{name} may {} {}, and no test needs it", allowed.action, allowed.resource);
                    let remedy = format!("take it away, test what needs it, or add it to {UNUSED} with the reason");
                    findings.push(found(&place, wrong, remedy));
                }
            }
        }
    }
    findings.extend(unused.left());
    findings.sort();
    findings.dedup();
    findings
}

fn lacking(place: &str, seen: &Permission) -> Finding {
    let Permission { function, action, resource } = seen;
    if action == "unknown" {
        let wrong = format!("{function} called {resource}, of which the meter does not know what permission it needs");
        return found(place, wrong, "add it to `note` in shared/aws/src/metering.rs");
    }
    let wrong = format!("{function} was seen to need {action} on {resource}, and its policy does not allow it");
    found(place, wrong, "add a statement to its Policies")
}

fn allowed(system: &System, function: &Resource<'_>, name: &str) -> Vec<Permission> {
    let mut statements = Vec::new();
    function.properties.get("Policies").into_iter().for_each(|policies| collect_statements(policies, &mut statements));
    let mut allowed = Vec::new();
    for statement in statements.into_iter().filter(|statement| statement["Effect"] == "Allow") {
        for action in texts(statement.get("Action")) {
            // All but what has an ARN: a phone that SNS sends to has none, and is seen as `*`.
            let others = statement.get("NotResource").map(|_| "*".to_owned());
            let resources = texts(statement.get("Resource")).into_iter().chain(others);
            for resource in resources.filter(|resource| resource != "${AWS::NoValue}") {
                let (function, resource) = (name.to_owned(), named(system, &resource));
                allowed.push(Permission { function, action: action.clone(), resource });
            }
        }
    }
    allowed
}

/// Where Lambda itself, in the function's role, puts what a stream's function failed to handle.
fn failures_go_to(system: &System, function: &Resource<'_>, name: &str) -> Vec<Permission> {
    let sources = function.sources();
    let destinations = sources.iter().filter_map(|source| at(source.properties, &["DestinationConfig", "OnFailure"]));
    let permission = |to: &yaml_serde::Value| {
        let action = if text(to.get("Type")?)? == "SNS" { "sns:Publish" } else { "sqs:SendMessage" };
        let resource = named(system, &text(to.get("Destination")?)?);
        Some(Permission { function: name.to_owned(), action: action.to_owned(), resource })
    };
    destinations.flat_map(|destination| list(Some(destination))).filter_map(permission).collect()
}

/// The emulator's account, in which buckets' names end.
const ACCOUNT: &str = "000000000000";

/// The name of a resource that a policy names by ARN, as the meter knows it.
fn named(system: &System, resource: &str) -> String {
    const NAMES: [&str; 5] = ["TableName", "QueueName", "BucketName", "TopicName", "FunctionName"];
    // Beside the resources that have a name, the pseudo parameters: their colons would look like the ARN's.
    let pseudo = [("Partition", "Partition"), ("Region", "Region"), ("AccountId", ACCOUNT)];
    let mut known: BTreeMap<String, String> =
        pseudo.map(|(name, value)| (format!("AWS::{name}"), value.to_owned())).into();
    // Tests deploy with the defaults, so a name that a parameter gives is seen as its default.
    let defaults = system.template.iter().flat_map(|template| template.defaults());
    known.extend(defaults.filter(|(name, _)| name != "Stage"));
    for own in system.template.iter().flat_map(|template| template.resources()) {
        if let Some(name) = NAMES.iter().find_map(|property| own.text(&[*property])) {
            let name = name.replace("${AWS::AccountId}", ACCOUNT);
            known.insert(own.id.to_owned(), name.clone());
            known.insert(format!("{}.Arn", own.id), name);
        }
    }
    let text = known.iter().fold(resource.to_owned(), |text, (id, name)| text.replace(&format!("${{{id}}}"), name));
    let Some(name) = text.strip_prefix("arn:").and_then(|rest| rest.splitn(5, ':').nth(4)) else { return text };
    if name.contains("/@connections/") {
        return "@connections".to_owned(); // as the meter knows whatever connection it is
    }
    let kinds = ["table/", "event-bus/", "function:", "secret:", "configuration-set/", "app/*/", "endpoint/*/"];
    kinds.iter().find_map(|kind| name.strip_prefix(kind)).unwrap_or(name).to_owned()
}

/// Whether a name fits a pattern in which `*` stands for anything.
fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|name| {
            let ends = (0..=name.len()).filter(|&end| name.is_char_boundary(end));
            ends.into_iter().any(|end| fits(rest, &name[end..]))
        }),
    }
}

/// The list of permissions that no test uses.
struct Unused<'a>(Vec<Line<'a>>);

struct Line<'a> {
    number: usize,
    text: &'a str,
    permission: Option<Permission>,
    used: bool,
}

impl<'a> Unused<'a> {
    fn read(text: &'a str) -> Self {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
        let line = |(index, text): (usize, &'a str)| {
            let permission = Permission::read(text).filter(|_| text.split_whitespace().count() > 3);
            Line { number: index + 1, text, permission, used: false }
        };
        Self(lines.map(line).collect())
    }

    fn excuses(&mut self, allowed: &Permission) -> bool {
        let line = self.0.iter_mut().find(|line| line.permission.as_ref() == Some(allowed));
        line.map(|line| line.used = true).is_some()
    }

    fn left(self) -> impl Iterator<Item = Finding> {
        self.0.into_iter().filter(|line| !line.used).map(|line| {
            let place = format!("{UNUSED}:{}", line.number);
            match line.permission {
                None => found(place, format!("{:?} is no entry", line.text), "write system/handler action name reason"),
                Some(_) => found(place, "no policy allows this, or a test needs it by now", "delete the line"),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::fixture::edited;
    use crate::tree::Tree;

    const POLICY: &str = "Handler: feed_cat
      Policies:
        - Statement:
            - {Effect: Allow, Action: [dynamodb:GetItem, dynamodb:PutItem], Resource: !GetAtt Table.Arn}
            - Effect: Allow
              Action: dynamodb:Query
              Resource: !If [Wide, !Sub '${Table.Arn}/index/*', !Sub '${Table.Arn}/index/by_owner']
            - Effect: Allow
              Action: events:PutEvents
              Resource: !Sub arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/${Stage}-almanac
            - {Effect: Deny, Action: dynamodb:DeleteItem, Resource: !GetAtt Table.Arn}";
    const SEEN: &str = "zoo/feed_cat dynamodb:GetItem ${Stage}-zoo
zoo/feed_cat dynamodb:PutItem ${Stage}-zoo
zoo/feed_cat dynamodb:Query ${Stage}-zoo/index/by_owner
zoo/feed_cat events:PutEvents ${Stage}-almanac
zoo/check_health dynamodb:GetItem ${Stage}-zoo
";

    fn tree() -> Tree {
        edited("functions/zoo/template.yaml", "Handler: feed_cat", POLICY)
    }

    fn findings(tree: Tree, seen: &str) -> Vec<String> {
        policies(&Project::of(tree), seen).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_seen_and_allowed_is_well() {
        assert_eq!(findings(tree(), SEEN), Vec::<String>::new());
    }

    #[test]
    fn a_call_that_the_policy_lacks_is_found() {
        for (line, wrong) in [
            ("zoo/feed_cat dynamodb:UpdateItem ${Stage}-zoo", "seen to need dynamodb:UpdateItem on ${Stage}-zoo,"),
            ("zoo/feed_cat dynamodb:DeleteItem ${Stage}-zoo", "seen to need dynamodb:DeleteItem on ${Stage}-zoo,"),
            ("zoo/feed_cat dynamodb:GetItem ${Stage}-ozo", "seen to need dynamodb:GetItem on ${Stage}-ozo,"),
            ("zoo/feed_cat dynamodb:Query ${Stage}-zoo", "seen to need dynamodb:Query on ${Stage}-zoo,"),
            ("zoo/count_meals sqs:SendMessage ${Stage}-zoo-meals", "#CountMeals: zoo/count_meals was seen to need"),
            ("zoo/feed_cat unknown DynamoDB.DescribeTable", "called DynamoDB.DescribeTable, of which the meter"),
        ] {
            let found = findings(tree(), &format!("{SEEN}{line}\n"));
            assert!(found.len() == 1 && found[0].contains(wrong), "{line}: {found:#?}");
        }
    }

    #[test]
    fn a_permission_that_no_test_needs_is_found_unless_it_has_a_reason() {
        let without = SEEN.replace("zoo/feed_cat dynamodb:PutItem ${Stage}-zoo\n", "");
        let found = findings(tree(), &without);
        assert!(found.len() == 1, "{found:#?}");
        assert!(found[0].contains("#FeedCat: zoo/feed_cat may dynamodb:PutItem ${Stage}-zoo, and no test needs it"));
        let mut listed = tree();
        listed.put(UNUSED, "# why\nzoo/feed_cat dynamodb:PutItem ${Stage}-zoo at full moon only\n");
        assert_eq!(findings(listed.clone(), &without), Vec::<String>::new());
        let found = findings(listed.clone(), SEEN);
        assert!(found.len() == 1 && found[0].contains("txt:2: no policy allows this, or a test needs it"), "{found:?}");
        listed.put(UNUSED, "zoo/feed_cat dynamodb:PutItem ${Stage}-zoo\n");
        assert!(findings(listed, &without).join("\n").contains("is no entry"));
    }

    #[test]
    fn lambda_itself_sends_what_failed() {
        // The zoo's stream worker has an on-failure queue, which its own code never calls.
        let statement = "- {Effect: Allow, Action: [sqs:SendMessage], Resource: !GetAtt ChangesDead.Arn}";
        assert!(tree().text("functions/zoo/template.yaml").unwrap_or_default().contains(statement));
        let pointed = "DestinationConfig: {OnFailure: {Type: SQS, Destination: !GetAtt ChangesDead.Arn}}";
        let mut other = tree();
        let text = other.text("functions/zoo/template.yaml").unwrap_or_default();
        assert!(text.contains(pointed), "{text}");
        let text = text.replace(pointed, "");
        other.put("functions/zoo/template.yaml", text);
        assert!(
            findings(other, SEEN).join("\n").contains("publish_changes may sqs:SendMessage ${Stage}-zoo-changes-dead")
        );
    }

    #[test]
    fn patterns() {
        assert!(fits("a/*", "a/b") && fits("a*c*", "abcd") && fits("a", "a") && fits("*", ""));
        assert!(!fits("a/*", "ab") && !fits("a", "ab") && !fits("*b", "a"));
    }
}
