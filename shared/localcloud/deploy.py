"""Deploy the root template's systems, each as a stack of its own, and find out where they answer.

On AWS the root template nests them. Here each is a top-level stack, because the emulator resolves
`{{resolve:secretsmanager:…}}` and rolls back only in top-level stacks, and because a change then touches one stack.
"""

import dataclasses
import hashlib
import importlib.metadata
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

import templates
from cloud import Cloud
from package import package
from settings import Failure, Project, say, wait_for

STACK_SECONDS = 180
FINGERPRINT = "almanac:fingerprint"
GOOD = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]


# What a stack on AWS does not do by itself: the emulator's SES has no identity that somebody confirmed.
LOCAL_PARAMETERS = {"MakeIdentity": "true"}
# What tests alone may have: receivers of webhooks and pushes on this machine, checkpoints that one need not wait for.
TEST_PARAMETERS = {"AllowPrivateHosts": "true", "CheckpointEvery": "2", "PushStatus": "true", "SmsStatus": "make"}

# Makes an API that answers at this URL known to its clients; answers its addresses by scheme.
Publish = Callable[[str], dict[str, str]]


@dataclass(frozen=True)
class System:
    """One AWS::Serverless::Application of the root template."""

    name: str
    template: Path
    parameters: dict[str, str]
    after: frozenset[str] = field(default=frozenset())


# What a system's parameters ask to be told: known once its API is there.
ADDRESSES = {"PublicUrl": "http", "ConnectionsUrl": "connections"}


def systems(project: Project, stage: str) -> list[System]:
    """What the root template deploys, in an order in which every system follows those it depends on."""
    root = templates.load(project.root / "template.yaml")
    values = {name: str(declared.get("Default", "")) for name, declared in root.get("Parameters", {}).items()}
    values["Stage"] = stage
    found: dict[str, System] = {}
    by_id: dict[str, str] = {}
    for logical_id, resource in root["Resources"].items():
        if resource["Type"] != "AWS::Serverless::Application":
            raise Failure(f"template.yaml: {logical_id} is a {resource['Type']}; the root holds only applications")
        path = (project.root / resource["Properties"]["Location"]).resolve()
        by_id[logical_id] = path.parent.name
    for logical_id, resource in root["Resources"].items():
        name = by_id[logical_id]
        parameters = {
            key: _value(values, logical_id, key, value)
            for key, value in resource["Properties"].get("Parameters", {}).items()
        }
        after = resource.get("DependsOn", [])
        after = [after] if isinstance(after, str) else after
        path = project.root / resource["Properties"]["Location"]
        found[name] = System(name, path, parameters, frozenset(by_id[other] for other in after))
    ordered: list[System] = []
    while len(ordered) < len(found):
        done = {system.name for system in ordered}
        ready = [system for system in found.values() if system.name not in done and system.after <= done]
        if not ready:
            raise Failure("template.yaml: DependsOn goes round in a circle")
        ordered += ready
    return ordered


def _value(values: dict[str, str], logical_id: str, key: str, value: Any) -> str:
    if isinstance(value, dict) and set(value) == {"Ref"} and value["Ref"] in values:
        return values[value["Ref"]]
    if isinstance(value, dict | list):
        raise Failure(f"template.yaml: {logical_id}.{key} must be a plain value or a !Ref to a parameter")
    return str(value)


def _told(template: dict[str, Any]) -> set[str]:
    """The addresses that a template wants to know."""
    return ADDRESSES.keys() & template.get("Parameters", {}).keys()


def _given(system: System, parameters: dict[str, str]) -> System:
    """The system with those of the parameters that its template has."""
    declared = templates.load(system.template).get("Parameters", {})
    more = {name: value for name, value in parameters.items() if name in declared}
    return dataclasses.replace(system, parameters=system.parameters | more)


class Deployment:
    """The stacks of one stage in one cloud."""

    def __init__(
        self,
        cloud: Cloud,
        project: Project,
        stage: str,
        publish: Publish | None = None,
        also: tuple[Path, ...] = (),
        parameters: dict[str, str] | None = None,
    ) -> None:
        """`also` are templates of systems that the root template does not deploy. `parameters` are given to each system
        whose template has such a one."""
        self.wanted = systems(project, stage)
        before = frozenset(system.name for system in self.wanted)
        self.wanted += [System(path.parent.name, path, {"Stage": stage}, before) for path in also]
        self.wanted = [_given(system, LOCAL_PARAMETERS | (parameters or {})) for system in self.wanted]
        self.cloud = cloud
        self.publish = publish or (lambda url: {urlsplit(url).scheme: url})
        self.project = project
        self.stage = stage
        self.bucket = f"almanac-{stage}-deploy"
        self.cloudformation = cloud.client("cloudformation")
        self.tool = _tool_digest()

    def run(self) -> None:
        started = time.monotonic()
        wanted = self.wanted
        changed = self._pass(wanted)
        # A system that writes its own URL into answers is told where it answers, as a custom domain would do. That is
        # known once its API is there, so a new stack is updated once.
        told = [system for system in wanted if _told(templates.load(system.template))]
        changed = max(changed, self._pass(told))
        self._delete_others(wanted)
        say(f"{changed} of {len(wanted)} systems deployed in {time.monotonic() - started:.1f} s, the rest unchanged")

    def _pass(self, wanted: list[System]) -> int:
        """Create or update what is not as it should be; returns how many there were."""
        present = self._stacks()
        changed = 0
        waiting: list[System] = []
        for system in wanted:
            if system.after & {other.name for other in waiting}:
                self._wait(waiting)
                waiting = []
            if self._submit(system, present.get(self._stack(system.name))):
                waiting.append(system)
                changed += 1
        self._wait(waiting)
        return changed

    def _delete_others(self, wanted: list[System]) -> None:
        for name in self._stacks().keys() - {self._stack(system.name) for system in wanted}:
            say(f"  {name} is no longer in template.yaml: deleting it")
            self.cloudformation.delete_stack(StackName=name)
            wait_for(f"{name} to be deleted", STACK_SECONDS, lambda: name not in self._stacks())

    def _stack(self, system: str) -> str:
        return f"almanac-{self.stage}-{system}"

    def _stacks(self) -> dict[str, dict[str, Any]]:
        pages = self.cloudformation.get_paginator("describe_stacks").paginate()
        found = {stack["StackName"]: stack for page in pages for stack in page["Stacks"]}
        return {
            name: stack
            for name, stack in found.items()
            if name.startswith(self._stack("")) and stack["StackStatus"] != "DELETE_COMPLETE"
        }

    def _submit(self, system: System, present: dict[str, Any] | None) -> bool:
        """Start creating or updating the stack; False if it is already what it should be."""
        template = templates.load(system.template)
        told = _told(template)
        if present and told:
            urls = self._addresses(system)
            known = {name: urls.get(ADDRESSES[name], "") for name in sorted(told)}
            system = dataclasses.replace(system, parameters=known | system.parameters)
        text = system.template.read_text()
        packages = {name: package(self.project, name) for name in templates.CODE_URI.findall(text)}
        digests = [packages[name].digest for name in sorted(packages)]
        inputs = [self.tool, text, json.dumps(system.parameters, sort_keys=True), *digests]
        fingerprint = hashlib.sha256("\0".join(inputs).encode()).hexdigest()[:32]
        if present and present["StackStatus"] in GOOD and _tags(present).get(FINGERPRINT) == fingerprint:
            return False
        for each in packages.values():
            self._upload(each.key, each.path.read_bytes())
        plain = templates.translate(
            template, system.parameters, lambda name: f"s3://{self.bucket}/{packages[name].key}"
        )
        for logical_id, resource in list(plain["Resources"].items()):
            if resource["Type"] in self.cloud.unknown_types:
                say(f"  {system.name}: {logical_id} is left out, {self.cloud.name} has no {resource['Type']}")
                del plain["Resources"][logical_id]
        body = json.dumps(plain, default=str)
        key = f"templates/{system.name}/{fingerprint}.json"
        self._upload(key, body.encode())
        request = {
            "StackName": self._stack(system.name),
            "TemplateURL": self.cloud.template_url(self.bucket, key),
            "Parameters": [
                {"ParameterKey": name, "ParameterValue": value} for name, value in system.parameters.items()
            ],
            "Capabilities": CAPABILITIES,
            "Tags": [{"Key": FINGERPRINT, "Value": fingerprint}],
        }
        if present and present["StackStatus"] in (*GOOD, "UPDATE_ROLLBACK_COMPLETE"):
            say(f"  updating {system.name}")
            self.cloudformation.update_stack(**request)
            return True
        if present:
            # A stack that failed to be created can only be deleted; it holds no data yet.
            self.cloudformation.delete_stack(StackName=self._stack(system.name))
            name = self._stack(system.name)
            wait_for(f"the failed {name} to be deleted", STACK_SECONDS, lambda: name not in self._stacks())
        say(f"  creating {system.name}")
        self.cloudformation.create_stack(**request, OnFailure="ROLLBACK")
        return True

    def _upload(self, key: str, body: bytes) -> None:
        s3 = self.cloud.client("s3")
        try:
            s3.head_object(Bucket=self.bucket, Key=key)
            return
        except ClientError:
            pass
        try:
            s3.put_object(Bucket=self.bucket, Key=key, Body=body)
        except s3.exceptions.NoSuchBucket:
            s3.create_bucket(Bucket=self.bucket)
            s3.put_object(Bucket=self.bucket, Key=key, Body=body)

    def _wait(self, waiting: list[System]) -> None:
        if not waiting:
            return

        def settled() -> bool:
            stacks = self._stacks()
            return not any(
                stacks.get(self._stack(system.name), {}).get("StackStatus", "").endswith("IN_PROGRESS")
                for system in waiting
            )

        names = ", ".join(system.name for system in waiting)
        wait_for(f"CloudFormation to finish {names}", STACK_SECONDS, settled)
        stacks = self._stacks()
        for system in waiting:
            stack = stacks.get(self._stack(system.name), {})
            if stack.get("StackStatus") not in GOOD:
                raise Failure(f"{system.name} is {stack.get('StackStatus', 'gone')}:\n" + self._reasons(system))
            self._expire(system)

    def _resources(self, system: System, kind: str) -> dict[str, str]:
        """Physical names of a stack's resources of one type, by logical id."""
        pages = self.cloudformation.get_paginator("list_stack_resources").paginate(StackName=self._stack(system.name))
        return {
            resource["LogicalResourceId"]: resource["PhysicalResourceId"]
            for page in pages
            for resource in page["StackResourceSummaries"]
            if resource["ResourceType"] == kind
        }

    def _expire(self, system: System) -> None:
        """Switch on expiry where the template asks for it: ministack's CloudFormation leaves it off."""
        dynamodb = self.cloud.client("dynamodb")
        declared = templates.load(system.template)["Resources"]
        for logical_id, table in self._resources(system, "AWS::DynamoDB::Table").items():
            wanted = declared[logical_id].get("Properties", {}).get("TimeToLiveSpecification", {})
            status = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]["TimeToLiveStatus"]
            if wanted.get("Enabled") and status == "DISABLED":
                dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=wanted)

    def _reasons(self, system: System) -> str:
        events = self.cloudformation.describe_stack_events(StackName=self._stack(system.name))["StackEvents"]
        failed = [event for event in events if event["ResourceStatus"].endswith("FAILED")]
        return "\n".join(
            f"  {event['LogicalResourceId']} ({event['ResourceType']}): {event.get('ResourceStatusReason', '')}"
            for event in reversed(failed[:10])
        )

    def endpoints(self) -> dict[str, dict[str, str]]:
        """Where each system answers: {"url-shortener": {"http": …, "ws": …}}; in tests also `https` and `wss`."""
        return {system.name: self._addresses(system) for system in self.wanted}

    def _addresses(self, system: System) -> dict[str, str]:
        gateway = self.cloud.client("apigatewayv2")
        found: dict[str, str] = {}
        for api_id in self._resources(system, "AWS::ApiGatewayV2::Api").values():
            api = gateway.get_api(ApiId=api_id)
            stage = gateway.get_stages(ApiId=api["ApiId"])["Items"][0]["StageName"]
            if api["ProtocolType"] == "WEBSOCKET":
                url = self.cloud.websocket_url(api, stage)
                found |= self.publish(url)
                # Where functions post messages to its connections: the same place, by HTTP.
                found["connections"] = url.replace("ws", "http", 1)
            else:
                found |= self.publish(self.cloud.http_url(api, stage))
        return found

    def identity(self) -> str | None:
        """What the issued keys belong to: a new identity stack has a new table and none of the old keys."""
        stack = self._stacks().get(self._stack("identity"))
        return str(stack["StackId"]) if stack else None


def _tags(stack: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])}


def _tool_digest() -> str:
    """A change to this tool or to the translator changes what is deployed, so it is part of every fingerprint."""
    digest = hashlib.sha256(importlib.metadata.version("aws-sam-translator").encode())
    for name in ("templates.py", "package.py", "deploy.py"):
        digest.update((Path(__file__).parent / name).read_bytes())
    return digest.hexdigest()
