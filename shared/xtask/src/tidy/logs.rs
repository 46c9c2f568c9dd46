//! Subscriptions of log groups: a filter and a permission for each function, and a place for what fails.

use super::wiring::{Difference, differ};
use crate::template::{Resource, Template, at};

/// What the resources of a function that takes log events lack.
pub(super) fn differences(template: &Template, function: &Resource<'_>) -> Vec<Difference> {
    let arn = format!("${{{}.Arn}}", function.id);
    let mut differences = Vec::new();
    let filters = template.of_type("AWS::Logs::SubscriptionFilter");
    if !filters.iter().any(|filter| filter.text(&["DestinationArn"]).as_ref() == Some(&arn)) {
        let remedy = "add an AWS::Logs::SubscriptionFilter whose DestinationArn is this function's";
        differences.push(differ("no log group is subscribed for it", remedy));
    }
    let permitted = template.of_type("AWS::Lambda::Permission").iter().any(|permission| {
        let names = |text: &str| text == format!("${{{}}}", function.id) || text == arn;
        permission.text(&["FunctionName"]).is_some_and(|name| names(&name))
            && permission.text(&["Principal"]).as_deref() == Some("logs.amazonaws.com")
    });
    if !permitted {
        let remedy = "add an AWS::Lambda::Permission for logs.amazonaws.com";
        differences.push(differ("CloudWatch Logs may not invoke it", remedy));
    }
    let path = ["EventInvokeConfig", "DestinationConfig", "OnFailure", "Destination"];
    if at(function.properties, &path).is_none() {
        let remedy = "add EventInvokeConfig: {DestinationConfig: {OnFailure: {…}}}";
        differences.push(differ("what it fails to handle is lost", remedy));
    }
    differences
}
