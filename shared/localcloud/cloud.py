"""The endpoint we talk to. What differs between emulators (their URL forms) is in one small class each."""

import json
import os
import urllib.error
import urllib.request
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from settings import REGION, TEST_CREDENTIALS, Failure


class Cloud:
    """An AWS-shaped endpoint: clients, and the forms of the URLs that AWS would have given host names of its own."""

    name = ""
    health = ""
    unknown_types: frozenset[str] = frozenset()

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint.rstrip("/")

    @cache
    def client(self, service: str) -> Any:
        keys = {name: os.environ.get(name) or value for name, value in TEST_CREDENTIALS.items()}
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=os.environ.get("AWS_REGION") or REGION,
            aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
            config=Config(
                connect_timeout=2, read_timeout=120, retries={"max_attempts": 2}, s3={"addressing_style": "path"}
            ),
        )

    def http_url(self, api: dict[str, Any], stage: str) -> str:
        raise NotImplementedError

    def websocket_url(self, api: dict[str, Any], stage: str) -> str:
        raise NotImplementedError

    def mail_url(self) -> str:
        """Where the mails that were sent can be read back."""
        raise NotImplementedError

    def template_url(self, bucket: str, key: str) -> str:
        return f"{self.endpoint}/{bucket}/{key}"


class Ministack(Cloud):
    """Path forms: some systems (macOS browsers) do not resolve `*.localhost`."""

    name = "ministack"
    health = "/_ministack/health"
    # Its CloudFormation refuses a template with a type it does not know; nothing here calls an archive, and it sends
    # the answer of a WebSocket's route back with or without a response.
    unknown_types = frozenset({"AWS::Events::Archive", "AWS::ApiGatewayV2::RouteResponse"})

    def http_url(self, api: dict[str, Any], stage: str) -> str:
        # As on AWS, the $default stage has no segment; a `$` would also need quoting in every shell.
        suffix = "" if stage == "$default" else f"/{stage}"
        return f"{self.endpoint}/_aws/execute-api/{api['ApiId']}{suffix}"

    def websocket_url(self, api: dict[str, Any], stage: str) -> str:
        return f"{self.endpoint.replace('http', 'ws', 1)}/_aws/execute-api/{api['ApiId']}/{stage}"

    def mail_url(self) -> str:
        return f"{self.endpoint}/_ministack/ses/messages"


class LocalStack(Cloud):
    """Host-name forms, the ones LocalStack documents; its own DNS name resolves to 127.0.0.1."""

    name = "localstack"
    health = "/_localstack/health"

    def http_url(self, api: dict[str, Any], stage: str) -> str:
        port = self.endpoint.rpartition(":")[2]
        suffix = "" if stage == "$default" else f"/{stage}"
        return f"http://{api['ApiId']}.execute-api.localhost.localstack.cloud:{port}{suffix}"

    def websocket_url(self, api: dict[str, Any], stage: str) -> str:
        # LocalStack opens a port of its own for each WebSocket API and says which.
        return f"{api['ApiEndpoint'].rstrip('/')}/{stage}"

    def mail_url(self) -> str:
        return f"{self.endpoint}/_aws/ses"


EMULATORS: tuple[type[Cloud], ...] = (Ministack, LocalStack)


def answers(url: str, timeout_seconds: float = 2) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=timeout_seconds) as response:
            json.load(response)
            return True
    except (OSError, ValueError, urllib.error.URLError):
        return False


def connect(endpoint: str) -> Cloud:
    """The adapter for whatever answers at `endpoint`; ALMANAC_EMULATOR decides where probing cannot."""
    wanted = os.environ.get("ALMANAC_EMULATOR")
    for kind in EMULATORS:
        # ministack answers LocalStack's health path too, so it is asked for its own first.
        if kind.name == wanted or (not wanted and answers(endpoint.rstrip("/") + kind.health)):
            return kind(endpoint)
    names = "|".join(kind.name for kind in EMULATORS)
    raise Failure(f"no known emulator answers at {endpoint} (start it, or set ALMANAC_EMULATOR={names})")
