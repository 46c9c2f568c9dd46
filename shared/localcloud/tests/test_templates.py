"""The translation: short-form intrinsics survive, and an HttpApi's routes and authorizers become resources."""

import tempfile
import unittest
from pathlib import Path

import templates
from settings import Failure, host_architecture

SOURCE = """
Transform: AWS::Serverless-2016-10-31
Parameters:
  Stage: {Type: String, Default: dev}
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
Globals:
  Function: {CodeUri: ../../target/lambda/tiny, Runtime: provided.al2023, Architectures: [arm64]}
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: !Sub '${Stage}-tiny'
      DeletionProtectionEnabled: !If [IsProd, true, false]
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      CorsConfiguration: {AllowOrigins: ['*']}
      Auth:
        DefaultAuthorizer: Key
        Authorizers:
          Key:
            AuthorizerPayloadFormatVersion: '2.0'
            EnableSimpleResponses: true
            FunctionArn: !Sub 'arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:${Stage}-authorize'
            Identity: {ReauthorizeEvery: 0}
  Get:
    Type: AWS::Serverless::Function
    Properties:
      Handler: get
      Environment: {Variables: {TABLE: !Ref Table, TABLE_ARN: !GetAtt Table.Arn}}
      Events:
        Get: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: GET, Path: '/{id}'}}
        Open: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: GET, Path: /health, Auth: {Authorizer: NONE}}}
"""


class Translation(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "template.yaml"
            path.write_text(SOURCE)
            loaded = templates.load(path)
        cls.loaded = loaded
        cls.plain = templates.translate(loaded, {"Stage": "test"}, lambda system: f"s3://bucket/{system}.zip")
        cls.resources = cls.plain["Resources"]

    def of_type(self, kind: str) -> dict[str, dict]:
        return {
            name: resource["Properties"] for name, resource in self.resources.items() if resource["Type"] == kind
        }

    def test_short_form_intrinsics_survive(self) -> None:
        table = self.resources["Table"]["Properties"]
        self.assertEqual(table["TableName"], {"Fn::Sub": "${Stage}-tiny"})
        self.assertEqual(table["DeletionProtectionEnabled"], {"Fn::If": ["IsProd", True, False]})
        self.assertIn("Fn::Equals", self.plain["Conditions"]["IsProd"])
        variables = self.resources["Get"]["Properties"]["Environment"]["Variables"]
        self.assertEqual(variables, {"TABLE": {"Ref": "Table"}, "TABLE_ARN": {"Fn::GetAtt": ["Table", "Arn"]}})

    def test_routes_become_resources_with_the_authorizer_that_they_declare(self) -> None:
        routes = {route["RouteKey"]: route for route in self.of_type("AWS::ApiGatewayV2::Route").values()}
        self.assertEqual(set(routes), {"GET /{id}", "GET /health"})
        self.assertEqual(routes["GET /{id}"]["AuthorizationType"], "CUSTOM")
        self.assertNotIn("AuthorizerId", routes["GET /health"])
        for route in routes.values():
            integration = route["Target"]["Fn::Sub"].removeprefix("integrations/${").removesuffix("}")
            self.assertIn(integration, self.of_type("AWS::ApiGatewayV2::Integration"))

    def test_an_authorizer_without_identity_sources_stays_without(self) -> None:
        (authorizer,) = self.of_type("AWS::ApiGatewayV2::Authorizer").values()
        self.assertEqual(authorizer["IdentitySource"], [])
        self.assertEqual(authorizer["AuthorizerResultTtlInSeconds"], 0)
        self.assertTrue(authorizer["EnableSimpleResponses"])

    def test_the_body_is_gone_and_cors_is_kept(self) -> None:
        (api,) = self.of_type("AWS::ApiGatewayV2::Api").values()
        self.assertNotIn("Body", api)
        self.assertEqual(api["CorsConfiguration"], {"AllowOrigins": ["*"], "allowOrigins": ["*"]})

    def test_code_is_replaced_and_built_for_this_machine(self) -> None:
        function = self.resources["Get"]["Properties"]
        self.assertEqual(function["Code"], {"S3Bucket": "bucket", "S3Key": "tiny.zip"})
        self.assertEqual(function["Architectures"], [host_architecture()])

    def test_who_may_send_messages_may_send_batches(self) -> None:
        def role(*actions: str) -> dict[str, object]:
            statement = {"Effect": "Allow", "Action": list(actions), "Resource": "x"}
            policy = {"PolicyDocument": {"Statement": [statement]}}
            return {"Type": "AWS::IAM::Role", "Properties": {"Policies": [policy]}}

        template = {"Resources": {"Sends": role("sqs:SendMessage"), "Reads": role("sqs:ReceiveMessage")}}
        templates.allow_what_the_emulator_asks(template)
        sends, reads = role("sqs:SendMessage", "sqs:SendMessageBatch"), role("sqs:ReceiveMessage")
        self.assertEqual(template["Resources"], {"Sends": sends, "Reads": reads})

    def test_a_bucket_that_asks_for_tls_is_reached_without(self) -> None:
        tls = {"Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
        other = {"Effect": "Deny", "Action": "s3:DeleteObject"}
        policy = {"Type": "AWS::S3::BucketPolicy", "Properties": {"PolicyDocument": {"Statement": [tls, other]}}}
        template = {"Resources": {"Policy": policy}}
        templates.allow_what_the_emulator_asks(template)
        self.assertEqual(policy["Properties"]["PolicyDocument"]["Statement"], [other])

    def test_what_is_no_template_is_refused(self) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write("just: text")
            file.flush()
            with self.assertRaises(Failure):
                templates.load(Path(file.name))
