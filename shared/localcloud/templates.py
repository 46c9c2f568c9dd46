"""SAM templates to what an emulator's CloudFormation understands. The templates themselves stay plain AWS."""

import logging
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3

from settings import REGION, TEST_CREDENTIALS, Failure, host_architecture

os.environ.setdefault("AWS_DEFAULT_REGION", REGION)  # read by the translator as it is imported
from samtranslator.parser.parser import Parser  # noqa: E402
from samtranslator.translator.translator import Translator  # noqa: E402
from samtranslator.yaml_helper import yaml_parse  # noqa: E402

# It complains about metrics of its own that nobody collects.
logging.getLogger("samtranslator").setLevel(logging.ERROR)

Template = dict[str, Any]

# The policies that SAM itself attaches to function roles; it wants to be told their ARNs.
MANAGED_POLICIES = {
    name: f"arn:aws:iam::aws:policy/service-role/{name}"
    for name in (
        "AWSLambdaBasicExecutionRole",
        "AWSLambdaDynamoDBExecutionRole",
        "AWSLambdaKinesisExecutionRole",
        "AWSLambdaSQSQueueExecutionRole",
        "AWSLambdaVPCAccessExecutionRole",
    )
}
CODE_URI = re.compile(r"(?:\.\./)*target/lambda/([a-z0-9-]+)/?")
ANY_METHOD = "x-amazon-apigateway-any-method"


def load(path: Path) -> Template:
    template = yaml_parse(path.read_text())
    if not isinstance(template, dict) or "Resources" not in template:
        raise Failure(f"{path} is not a template with Resources")
    return template


def translate(template: Template, parameters: dict[str, str], code: Callable[[str], str]) -> Template:
    """Plain CloudFormation for `template`; `code` gives the S3 location for a system's binary."""
    globals_ = template.get("Globals", {}).get("Function", {})
    functions = [
        resource.setdefault("Properties", {})
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Serverless::Function"
    ]
    for properties in [globals_, *functions]:
        uri = CODE_URI.fullmatch(str(properties.get("CodeUri", "")))
        if uri:
            properties["CodeUri"] = code(uri[1])
        if "Architectures" in properties:
            # The binaries are built for this machine, whatever AWS will run.
            properties["Architectures"] = [host_architecture()]
    session = boto3.Session(
        aws_access_key_id=TEST_CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=TEST_CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        region_name=REGION,
    )
    values = {
        name: parameters.get(name, str(declared.get("Default", "")))
        for name, declared in template.get("Parameters", {}).items()
    }
    plain: Template = Translator(MANAGED_POLICIES, Parser(), boto_session=session).translate(template, values)
    plain.pop("Transform", None)
    allow_what_the_emulator_asks(plain)
    return expand_http_apis(plain)


# Calls whose resource the emulator's IAM does not see (an identity, an application, an endpoint): it asks for `*`.
_WITHOUT_RESOURCE = {
    "ses:SendEmail",
    "ses:SendRawEmail",
    "sns:Publish",
    "sns:CreatePlatformEndpoint",
    "sns:SetEndpointAttributes",
    "sns:DeleteEndpoint",
}


def allow_what_the_emulator_asks(template: Template) -> None:
    """On AWS sqs:SendMessage allows SendMessageBatch too, which is no permission there; the emulator asks for one. And
    it has no TLS: a bucket whose policy denies what comes without would take nothing."""
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::S3::BucketPolicy":
            document = resource["Properties"]["PolicyDocument"]
            document["Statement"] = [one for one in document["Statement"] if "aws:SecureTransport" not in str(one)]
        if resource["Type"] == "AWS::IAM::Role":
            for policy in resource["Properties"].get("Policies", []):
                for statement in policy["PolicyDocument"]["Statement"]:
                    actions = statement.get("Action")
                    if isinstance(actions, list) and "sqs:SendMessage" in actions:
                        actions.append("sqs:SendMessageBatch")
                    named = "NotResource" not in statement
                    if named and isinstance(actions, list) and _WITHOUT_RESOURCE.issuperset(actions):
                        statement["Resource"] = "*"


def expand_http_apis(template: Template) -> Template:
    """SAM describes the routes of an HttpApi as an OpenAPI `Body`; the emulator's CloudFormation ignores that and makes
    an API without routes. So the same routes, integrations and authorizers are written out as resources."""
    for api_id, api in list(template["Resources"].items()):
        if api["Type"] == "AWS::ApiGatewayV2::Api" and "Body" in api.get("Properties", {}):
            template["Resources"].update(_expand_body(api_id, api["Properties"]))
    return template


def _expand_body(api_id: str, properties: dict[str, Any]) -> dict[str, Any]:
    body = properties.pop("Body")
    properties.pop("FailOnWarnings", None)
    properties["ProtocolType"] = "HTTP"
    properties.setdefault("Name", body.get("info", {}).get("title", api_id))
    cors = body.get("x-amazon-apigateway-cors")
    if cors:
        # CloudFormation's spelling, and beside it the API's: ministack stores the first and reads the second.
        properties["CorsConfiguration"] = cors | {name[0].upper() + name[1:]: value for name, value in cors.items()}
    resources: dict[str, Any] = {}
    schemes = body.get("components", {}).get("securitySchemes", {})
    for name, scheme in schemes.items():
        resources[_authorizer_id(api_id, name)] = {
            "Type": "AWS::ApiGatewayV2::Authorizer",
            "Properties": _authorizer(api_id, name, scheme["x-amazon-apigateway-authorizer"]),
        }
    for path, methods in body.get("paths", {}).items():
        for method, operation in methods.items():
            if method.startswith("Fn::"):
                raise Failure(f"{api_id} {path}: a route under a condition is not supported locally")
            integration = operation.get("x-amazon-apigateway-integration")
            if integration is None:
                continue  # `parameters` and the like, shared by the methods of a path
            verb = "ANY" if method == ANY_METHOD else method.upper()
            key = "$default" if path.lstrip("/") == "$default" else f"{verb} {path}"
            id_ = f"{api_id}Route{len(resources)}"
            resources[id_ + "Integration"] = {
                "Type": "AWS::ApiGatewayV2::Integration",
                "Properties": {
                    "ApiId": {"Ref": api_id},
                    "IntegrationType": "AWS_PROXY",
                    "IntegrationUri": integration["uri"],
                    "PayloadFormatVersion": integration.get("payloadFormatVersion", "2.0"),
                },
            }
            route = {
                "ApiId": {"Ref": api_id},
                "RouteKey": key,
                "Target": {"Fn::Sub": "integrations/${" + id_ + "Integration}"},
            }
            for requirement in operation.get("security") or []:
                for name, scopes in requirement.items():
                    if name in schemes:
                        authorizer = _authorizer_id(api_id, name)
                        kind = resources[authorizer]["Properties"]["AuthorizerType"]
                        route["AuthorizerId"] = {"Ref": authorizer}
                        route["AuthorizationType"] = "JWT" if kind == "JWT" else "CUSTOM"
                        if scopes:
                            route["AuthorizationScopes"] = scopes
            resources[id_] = {"Type": "AWS::ApiGatewayV2::Route", "Properties": route}
    return resources


def _authorizer_id(api_id: str, name: str) -> str:
    return f"{api_id}Authorizer{re.sub('[^A-Za-z0-9]', '', name)}"


def _authorizer(api_id: str, name: str, scheme: dict[str, Any]) -> dict[str, Any]:
    source = scheme.get("identitySource") or []
    authorizer = {
        "ApiId": {"Ref": api_id},
        "Name": name,
        "IdentitySource": [source] if isinstance(source, str) else source,
    }
    if scheme["type"].lower() == "jwt":
        jwt = scheme["jwtConfiguration"]
        return authorizer | {
            "AuthorizerType": "JWT",
            "JwtConfiguration": {"Issuer": jwt["issuer"], "Audience": jwt["audience"]},
        }
    return authorizer | {
        "AuthorizerType": "REQUEST",
        "AuthorizerUri": scheme["authorizerUri"],
        "AuthorizerPayloadFormatVersion": str(scheme.get("authorizerPayloadFormatVersion", "2.0")),
        "EnableSimpleResponses": scheme.get("enableSimpleResponses", False),
        "AuthorizerResultTtlInSeconds": scheme.get("authorizerResultTtlInSeconds", 0),
    }
