"""What the deployed functions were seen to need permission for, from their log lines. `xtask policies` reads it."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from cloud import Cloud


def empty(folder: Path) -> None:
    """Forget what earlier runs saw."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("*.txt"):
        file.unlink()


def write(cloud: Cloud, stage: str, since_ms: int, folder: Path) -> None:
    """Write down what the stage's functions did since then, beside what the worlds of the tests wrote."""
    seen = set(lines(messages(cloud, stage, since_ms), stage))
    (folder / "deployed.txt").write_text("".join(f"{line}\n" for line in sorted(seen)))


def messages(cloud: Cloud, stage: str, since_ms: int) -> Iterator[str]:
    client = cloud.client("logs")
    groups = client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=f"/almanac/{stage}/")
    for group in groups.search("logGroups[].logGroupName"):
        pages = client.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since_ms)
        for page in pages:
            yield from (event["message"] for event in page["events"])


def lines(logged: Iterable[str], stage: str) -> Iterator[str]:
    """`system/handler action name` of each action in the lines that end an invocation; others are passed over."""
    for message in logged:
        try:
            record = json.loads(message)
            function, actions = f"{record['system']}/{record['handler']}", record["actions"]
        except (ValueError, KeyError, TypeError):
            continue
        for action in actions:
            name, _, resource = action.partition(" ")
            if resource.startswith(f"{stage}-"):
                resource = "${Stage}" + resource.removeprefix(stage)
            yield f"{function} {name} {resource}"
