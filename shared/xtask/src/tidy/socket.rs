//! WebSocket routes, which SAM does not know: a route, an integration and a permission for each function.

use super::wiring::{Difference, differ};
use crate::template::{Resource, Template};

/// What the resources of a function's route lack.
pub(super) fn differences(template: &Template, function: &Resource<'_>, route: &str, public: bool) -> Vec<Difference> {
    let arn = format!("${{{}.Arn}}", function.id);
    let named = |name: &str| template.resources().into_iter().find(|resource| resource.id == name);
    // The template writes `Target: !Sub integrations/${X}` and `IntegrationUri: !Sub …/${F.Arn}/invocations`.
    let leads_here = |candidate: &Resource<'_>| {
        let target = candidate.text(&["Target"]).unwrap_or_default();
        let integration = target.strip_prefix("integrations/${").and_then(|rest| named(rest.trim_end_matches('}')));
        integration.and_then(|it| it.text(&["IntegrationUri"])).is_some_and(|uri| uri.contains(&arn))
    };
    let routes = template.of_type("AWS::ApiGatewayV2::Route");
    let mut differences = Vec::new();
    for other in routes.iter().filter(|candidate| leads_here(candidate)) {
        let key = other.text(&["RouteKey"]).unwrap_or_default();
        if key != route {
            let wrong = format!("{} routes {key} to it, the row says {route}", other.id);
            differences.push(differ(wrong, "make them agree"));
        }
    }
    let own = routes
        .iter()
        .find(|candidate| leads_here(candidate) && candidate.text(&["RouteKey"]).as_deref() == Some(route));
    let Some(own) = own else {
        differences.push(differ(
            format!("no route {route} leads to it"),
            "add an AWS::ApiGatewayV2::Route whose Target is an integration of this function",
        ));
        return differences;
    };
    let asks = own.text(&["AuthorizationType"]).as_deref() == Some("CUSTOM");
    if route == "$connect" && asks == public {
        let (is, remedy) = match public {
            true => ("asks the authorizer, its row is public", "delete its AuthorizationType, or give the row a scope"),
            false => ("is open to anybody, its row is not", "write AuthorizationType: CUSTOM and AuthorizerId"),
        };
        differences.push(differ(format!("{} {is}", own.id), remedy));
    }
    let permitted = template.of_type("AWS::Lambda::Permission").iter().any(|permission| {
        let names = |text: &str| text == format!("${{{}}}", function.id) || text == arn;
        permission.text(&["FunctionName"]).is_some_and(|name| names(&name))
            && permission.text(&["Principal"]).as_deref() == Some("apigateway.amazonaws.com")
    });
    if !permitted {
        differences.push(differ(
            "API Gateway may not invoke it",
            "add an AWS::Lambda::Permission for apigateway.amazonaws.com",
        ));
    }
    differences
}
