"""The zip of a system's binary, as Lambda wants it: one executable file called `bootstrap`."""

import hashlib
import json
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

from settings import Failure, Project


@dataclass(frozen=True)
class Package:
    system: str
    digest: str
    path: Path

    @property
    def key(self) -> str:
        # CloudFormation updates a function when the location of its code changes, so the location is the content.
        return f"code/{self.system}/{self.digest}.zip"


def package(project: Project, system: str) -> Package:
    """Zip the binary, unless the zip beside it was made from this very file (same size and time)."""
    binary = project.binaries / system
    if not binary.is_file():
        raise Failure(f"{binary} is missing: build it first (cargo build --workspace --bins)")
    status = binary.stat()
    archive = project.packages / f"{system}.zip"
    record_path = project.packages / f"{system}.json"
    made_from = {"size": status.st_size, "mtime_ns": status.st_mtime_ns}
    try:
        record = json.loads(record_path.read_text())
        if {name: record[name] for name in made_from} == made_from and archive.is_file():
            return Package(system, record["digest"], archive)
    except (OSError, ValueError, KeyError):
        pass
    content = binary.read_bytes()
    entry = zipfile.ZipInfo("bootstrap", date_time=(1980, 1, 1, 0, 0, 0))
    entry.external_attr = 0o100755 << 16
    project.packages.mkdir(parents=True, exist_ok=True)
    partial = archive.with_suffix(f".{os.getpid()}")
    with zipfile.ZipFile(partial, "w") as file:
        # Debug information shrinks a lot even at the fastest level; the better ones take seconds for a few per cent.
        file.writestr(entry, content, zipfile.ZIP_DEFLATED, compresslevel=1)
    partial.replace(archive)
    digest = hashlib.sha256(content).hexdigest()[:32]
    record_path.write_text(json.dumps({**made_from, "digest": digest}))
    return Package(system, digest, archive)
