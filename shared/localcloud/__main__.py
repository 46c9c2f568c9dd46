"""The local cloud: `python shared/localcloud <command>`. `--help` lists the commands."""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

import seen
from cloud import Cloud, connect
from deploy import TEST_PARAMETERS, Deployment
from emulator import Emulator, free_port
from front import Front
from settings import REGION, TEST_CREDENTIALS, Failure, Project, say

# Longest run of the tests: far above what they need, far below what CI allows.
TEST_SECONDS = 1500

CALLERS = {
    "api_key": {
        "owner": "demo",
        "scopes": [
            *("links:read", "links:write", "keys:read", "keys:write"),
            *("limits:check", "limits:reset", "policies:read", "policies:write"),
            *("broadcasts:send", "notifications:send", "notifications:read", "users:read", "users:write"),
            *("templates:read", "templates:write"),
        ],
        "tier": "pro",
        "name": "demo",
    },
    "admin_key": {"owner": "admin", "scopes": ["admin"], "tier": "enterprise", "name": "admin"},
}


def local_emulator(project: Project) -> Emulator:
    return Emulator(project.local, int(os.environ.get("ALMANAC_PORT") or 4566), persist=True)


def cloud_of(project: Project) -> Cloud:
    """The cloud that commands talk to: the one named by the environment, else ours, which must be running."""
    named = os.environ.get("AWS_ENDPOINT_URL")
    if named:
        return connect(named)
    emulator = local_emulator(project)
    if not emulator.running():
        raise Failure("the local cloud is not running: make run")
    return connect(emulator.endpoint)


def up(project: Project) -> None:
    named = os.environ.get("AWS_ENDPOINT_URL")
    if not named:
        emulator = local_emulator(project)
        emulator.start()
        named = emulator.endpoint
    written = deploy(connect(named), project, stage(), project.local / "endpoints.json")
    show(written)


def stage() -> str:
    return os.environ.get("ALMANAC_STAGE") or "local"


def deploy(
    cloud: Cloud,
    project: Project,
    to_stage: str,
    path: Path,
    front: Front | None = None,
    also: tuple[Path, ...] = (),
    parameters: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Deploy everything and write down where it answers and two keys to call it with."""
    say(f"deploying stage {to_stage} into {cloud.name} at {cloud.endpoint}")
    deployment = Deployment(cloud, project, to_stage, front.publish if front else None, also, parameters)
    deployment.run()
    written: dict[str, Any] = {"systems": deployment.endpoints(), "mail": cloud.mail_url()}
    if front:
        written["ca"] = str(front.ca)
    identity = deployment.identity()
    try:
        before = json.loads(path.read_text())
    except (OSError, ValueError):
        before = {}
    for name, request in CALLERS.items():
        if identity and before.get("identity") == identity and before.get(name):
            written[name] = before[name]
        else:
            written[name] = issue_key(cloud, to_stage, request)
    written["identity"] = identity
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(written, indent=2) + "\n")
    path.chmod(0o600)
    return written


def issue_key(cloud: Cloud, of_stage: str, request: dict[str, Any]) -> str | None:
    """A key to call the systems with; None where no identity system is deployed."""
    function = f"{of_stage}-identity-issue-key"
    lambda_ = cloud.client("lambda")
    try:
        answer = lambda_.invoke(FunctionName=function, Payload=json.dumps(request))
    except lambda_.exceptions.ResourceNotFoundException:
        return None
    payload = answer["Payload"].read().decode()
    try:
        return str(json.loads(payload)["secret"])
    except (ValueError, KeyError, TypeError) as error:
        raise Failure(f"{function} issued no key: {payload}") from error


def show(written: dict[str, Any]) -> None:
    for system, urls in written["systems"].items():
        for url in urls.values():
            print(f"{system:24} {url}")
    url = written["systems"].get("url-shortener", {}).get("http")
    if url:
        key = f"-H 'X-Api-Key: {written['api_key']}'"
        print("\nTry it: shorten, follow, count")
        print(
            f"  curl -s {key} -H 'Content-Type: application/json' -H 'Idempotency-Key: hello' "
            f"-d '{{\"url\":\"https://example.com/\",\"code\":\"hello\"}}' {url}/links"
        )
        print(f"  curl -si -A Firefox {url}/hello   # curl's own name would count as a bot")
        print(f"  curl -s {key} {url}/links/hello/stats")


def stop(project: Project) -> None:
    say("stopped" if local_emulator(project).stop() else "the local cloud was not running")


def reset(project: Project) -> None:
    emulator = local_emulator(project)
    emulator.stop()
    emulator.delete_data()
    (project.local / "endpoints.json").unlink(missing_ok=True)
    say("all local data deleted")


def url(project: Project, system: str) -> None:
    try:
        known = json.loads((project.local / "endpoints.json").read_text())["systems"]
    except OSError as missing:
        raise Failure("nothing is deployed yet: make run") from missing
    if system not in known:
        raise Failure(f"no system {system}; there are: {', '.join(sorted(known))}")
    for address in known[system].values():
        print(address)


def function_name(name: str) -> str:
    """`url-shortener/create_link` is how the source names a function; Lambda knows it by its full name."""
    if "/" not in name:
        return name
    system, _, handler = name.partition("/")
    return f"{stage()}-{system}-{handler.replace('_', '-')}"


def invoke(project: Project, function: str, event: Path) -> None:
    lambda_ = cloud_of(project).client("lambda")
    name = function_name(function)
    try:
        answer = lambda_.invoke(FunctionName=name, Payload=event.read_bytes())
    except OSError as error:
        raise Failure(f"cannot read the event: {error}") from error
    except lambda_.exceptions.ResourceNotFoundException as error:
        raise Failure(f"no function {name}") from error
    payload = answer["Payload"].read().decode()
    try:
        payload = json.dumps(json.loads(payload), indent=2)
    except ValueError:
        pass
    print(payload)
    if "FunctionError" in answer:
        raise Failure(f"{name} failed ({answer['FunctionError']})")


def logs(project: Project, function: str | None, follow: bool) -> None:
    """Print the functions' log lines of the last hour, oldest first; with `follow`, new ones until interrupted.

    The emulator gives every invocation a log stream of its own, named after nothing. So one function's lines are those
    of the streams in which its name is mentioned, as every line that our functions write does.
    """
    client = cloud_of(project).client("logs")
    names = {function, function.partition("/")[2] or function, function_name(function)} if function else set()
    since = int((time.time() - 3600) * 1000)
    printed: set[tuple[str, int, str]] = set()
    while True:
        streams: dict[str, list[tuple[int, str]]] = {}
        for group in client.get_paginator("describe_log_groups").paginate().search("logGroups[].logGroupName"):
            for page in client.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since):
                for event in page["events"]:
                    lines = streams.setdefault(f"{group}/{event['logStreamName']}", [])
                    lines.append((event["timestamp"], event["message"].rstrip()))
        # Within a stream the order is kept: all lines of a short invocation carry the same millisecond.
        for stream, lines in sorted(streams.items(), key=lambda item: item[1][0][0]):
            if names and not any(name in message for _, message in lines for name in names):
                continue
            for timestamp, message in lines:
                if (stream, timestamp, message) not in printed:
                    printed.add((stream, timestamp, message))
                    print(time.strftime("%H:%M:%S", time.localtime(timestamp / 1000)), message, flush=True)
        if not follow:
            return
        # An invocation's lines appear together when it ends, dated from its start; functions end within a minute.
        since = max(since, int((time.time() - 60) * 1000))
        time.sleep(1)


def test(project: Project, command: list[str]) -> int:
    """Run `command` against a cloud of its own, behind AWS's limits, which ends with it. Returns the command's exit
    code."""
    if not command:
        raise Failure("test needs a command: localcloud test -- cargo test")
    project.packages.mkdir(parents=True, exist_ok=True)
    # Ended by CI or by a closed terminal, the emulator must still be stopped: make that an exception too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))
    with (
        tempfile.TemporaryDirectory(dir=project.packages, prefix="test-", ignore_cleanup_errors=True) as directory,
        Front(Path(directory) / "front") as front,
    ):
        emulator = Emulator(Path(directory), free_port(), persist=False)
        named = os.environ.get("AWS_ENDPOINT_URL")
        aws = {"AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION, **TEST_CREDENTIALS}
        try:
            if not named:
                emulator.start()
                # In an emulator named by the caller, the caller's region and keys count; in ours, they are strangers.
                os.environ.update(aws)
                os.environ.pop("AWS_SESSION_TOKEN", None)
            cloud = connect(named or emulator.endpoint)
            endpoints = Path(directory) / "endpoints.json"
            probe = project.root / "tests/probe/template.yaml"
            deploy(cloud, project, "test", endpoints, front, (probe,), TEST_PARAMETERS)
            environment = {
                **aws,
                **os.environ,
                "AWS_ENDPOINT_URL": cloud.endpoint,
                "AWS_EC2_METADATA_DISABLED": "true",
                "ALMANAC_STAGE": "test",
                "ALMANAC_ENDPOINTS": str(endpoints),
                "ALMANAC_MAILS": str(emulator.mails),
            }
            folder, since_ms = os.environ.get("ALMANAC_SEEN"), int(time.time() * 1000)
            if folder:
                seen.empty(Path(folder))
            code = subprocess.run(command, env=environment, check=False, timeout=TEST_SECONDS).returncode
            if folder:
                seen.write(cloud, "test", since_ms, Path(folder))
            return code
        except subprocess.TimeoutExpired as late:
            raise Failure(f"{' '.join(command)} did not end within {TEST_SECONDS} s") from late
        except FileNotFoundError as error:
            raise Failure(f"cannot run {command[0]}: {error}") from error
        finally:
            emulator.stop()


def main() -> int:
    parser = argparse.ArgumentParser(prog="localcloud", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start the local cloud and deploy what changed")
    commands.add_parser("stop", help="stop it; the data stays")
    commands.add_parser("reset", help="stop it and delete its data")
    commands.add_parser("url", help="print a system's URLs").add_argument("system")
    logs_ = commands.add_parser("logs", help="print the functions' logs")
    logs_.add_argument("--follow", action="store_true")
    logs_.add_argument("function", nargs="?")
    invoke_ = commands.add_parser("invoke", help="invoke a function: url-shortener/create_link event.json")
    invoke_.add_argument("function")
    invoke_.add_argument("event", type=Path)
    commands.add_parser("test", help="run a command against a cloud of its own").add_argument(
        "argv", nargs=argparse.REMAINDER
    )
    arguments = parser.parse_args()
    project = Project.from_env()
    match arguments.command:
        case "up":
            up(project)
        case "stop":
            stop(project)
        case "reset":
            reset(project)
        case "url":
            url(project, arguments.system)
        case "logs":
            logs(project, arguments.function, arguments.follow)
        case "invoke":
            invoke(project, arguments.function, arguments.event)
        case "test":
            return test(project, arguments.argv[1:] if arguments.argv[:1] == ["--"] else arguments.argv)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Failure, ClientError, BotoCoreError) as failure:
        say(f"localcloud: {failure}")
        sys.exit(1)
    except (KeyboardInterrupt, BrokenPipeError):
        os._exit(130)  # nobody reads on; skip flushing what cannot be written
