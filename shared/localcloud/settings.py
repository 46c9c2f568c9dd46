"""Where things are, and the one way this tool gives up: `Failure`, printed without a traceback."""

import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

REGION = "us-east-1"
# Emulators take any key; these are the customary ones, so that no real key is ever sent by accident.
TEST_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


class Failure(Exception):
    """Something the person at the keyboard can act on."""


@dataclass(frozen=True)
class Project:
    """The checkout that is deployed."""

    root: Path
    binaries: Path

    @classmethod
    def from_env(cls) -> "Project":
        root = Path(os.environ.get("ALMANAC_ROOT") or Path(__file__).resolve().parents[2]).resolve()
        target = os.environ.get("CARGO_TARGET_DIR") or "target"
        binaries = root / (os.environ.get("ALMANAC_BIN_DIR") or f"{target}/debug")
        return cls(root=root, binaries=binaries)

    @property
    def local(self) -> Path:
        """Data that outlives a restart; ignored by git."""
        return self.root / ".local"

    @property
    def packages(self) -> Path:
        """Zips made from the binaries; a cache, so it lives beside them and not with the data."""
        return self.binaries.parent / "localcloud"


def host_architecture() -> str:
    return "arm64" if platform.machine().lower() in ("arm64", "aarch64") else "x86_64"


def say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def wait_for(what: str, limit_seconds: float, done: Callable[[], bool], poll_seconds: float = 0.1) -> None:
    """Poll `done`; every wait names what it waits for and ends."""
    started = time.monotonic()
    told = started
    while not done():
        now = time.monotonic()
        if now - started > limit_seconds:
            raise Failure(f"gave up after {limit_seconds:.0f} s waiting for {what}")
        if now - told > 5:
            say(f"  still waiting for {what} ({now - started:.0f} of at most {limit_seconds:.0f} s)")
            told = now
        time.sleep(poll_seconds)
