"""Schemathesis (PyPI) plays each system's own OpenAPI document: no answer is a 500, and every answer is documented."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from conftest import CALL_SECONDS, Cloud

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
# Requests of an operation that are made up; about 50 that follow from the document come on top.
EXAMPLES = int(os.environ.get("ALMANAC_EXAMPLES") or 5)
RUN_SECONDS = 300


def scopes(document: dict[str, Any]) -> Iterator[str]:
    for operation in (operation for path in document["paths"].values() for operation in path.values()):
        for alternative in operation.get("security", []):
            for names in alternative.values():
                yield from names


# What only tests deploy describes nothing.
DESCRIBED = [system for system in Cloud.systems if system != "probe"]


@pytest.mark.parametrize("system", DESCRIBED)
def test_every_answer_is_in_the_document(system: str, cloud: Cloud, tmp_path: Path) -> None:
    document = f"{cloud.origin(system)}/openapi.json"
    answer = requests.get(document, timeout=CALL_SECONDS)
    assert answer.status_code == 200, f"{document}: {answer.status_code} {answer.text}"
    seed = random.SystemRandom().randrange(2**32)
    print(f"schemathesis of {system} with seed {seed}")
    key = cloud.key(f"schemathesis-{seed}", scopes(answer.json()))
    arguments = [
        document,
        f"--header=X-Api-Key: {key}",
        f"--checks={CHECKS}",
        # HEAD is answered by the function that answers GET, and without a body.
        "--exclude-method=HEAD",
        # Not `stateful`: it would spend whatever time there is.
        "--phases=examples,coverage,fuzzing",
        f"--max-examples={EXAMPLES}",
        f"--seed={seed}",
        f"--request-timeout={CALL_SECONDS}",
        "--workers=4",
        "--continue-on-failure",
        "--generation-database=none",
        "--no-color",
    ]
    run = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "run", *arguments],
        # It keeps a cache of failures beside it.
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    print(run.stdout)
    assert run.returncode == 0, run.stderr or "see above"
