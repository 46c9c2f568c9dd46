"""The ministack process: started detached, found again by a lock, stopped by its process id."""

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

from cloud import Ministack, answers
from settings import REGION, TEST_CREDENTIALS, Failure, say, wait_for

START_SECONDS = 60
# State is written out while stopping, so a stop is given time before it is forced.
STOP_SECONDS = 30
PATCH = Path(__file__).parent / "patch"


class Emulator:
    """One ministack with its data, log and pid file in one directory.

    The emulator inherits an open, locked pid file and holds that lock for as long as it lives. So the lock, not the
    number in the file (numbers are reused), says whether the process is ours and running.
    """

    def __init__(self, directory: Path, port: int, persist: bool) -> None:
        self.directory = directory
        self.persist = persist
        self.pid_file = directory / "ministack.pid"
        self.log = directory / "ministack.log"
        self.data = directory / "data"
        # In tests, mails as they were handed over: <MessageId>.eml.
        self.mails = self.data / "mails"
        running = self._process()
        self.port = running[1] if running else port
        self.endpoint = f"http://127.0.0.1:{self.port}"

    def running(self) -> bool:
        return self._process() is not None

    def _process(self) -> tuple[int, int] | None:
        """Process id and port of the emulator that we started, if it is alive."""
        try:
            with self.pid_file.open() as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                    return None
                except BlockingIOError:
                    pid, port = file.read().split()
                    return int(pid), int(port)
        except (FileNotFoundError, ValueError):
            return None

    def start(self) -> None:
        if self.running():
            # Another process may have started it just now.
            self._wait_until_ready()
            return
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                raise Failure(
                    f"127.0.0.1:{self.port} is taken by something this checkout did not start. Stop that, set "
                    f"ALMANAC_PORT to another port, or set AWS_ENDPOINT_URL={self.endpoint} to deploy into it."
                )
        say(f"starting the local cloud on {self.endpoint} (log: {self.log})")
        for directory in ("tmp", "home", "state", "s3"):
            (self.data / directory).mkdir(parents=True, exist_ok=True)
        self._rewind_streams()
        with self.pid_file.open("w") as lock, self.log.open("ab") as log:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            process = subprocess.Popen(
                [sys.executable, "-m", "ministack.app"],
                cwd=self.data,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # A session of its own: Ctrl-C in this terminal must not reach it, and its children die with it.
                start_new_session=True,
                pass_fds=[lock.fileno()],
            )
            lock.write(f"{process.pid} {self.port}\n")
        self._wait_until_ready(process)

    def _rewind_streams(self) -> None:
        """ministack saves how far each function has read a table's stream, but not the stream, which starts again
        empty. Left alone, a function would miss as many changes after a restart as it had read before it."""
        path = self.data / "state" / "lambda.json"
        try:
            saved = json.loads(path.read_text())
            positions = saved["payload"]["dynamodb_stream_positions"]["data"]
        except (OSError, ValueError, KeyError, TypeError):
            return
        positions.update(dict.fromkeys(positions, 0))
        path.write_text(json.dumps(saved))

    def _wait_until_ready(self, process: "subprocess.Popen[bytes] | None" = None) -> None:
        def ready() -> bool:
            if process and process.poll() is not None:
                tail = self.log.read_text(errors="replace").splitlines()[-15:]
                raise Failure("the local cloud ended while starting:\n  " + "\n  ".join(tail))
            return answers(self.endpoint + Ministack.health)

        wait_for(f"the local cloud to answer on {self.endpoint}", START_SECONDS, ready)

    def _environment(self) -> dict[str, str]:
        """Everything the emulator gets. Functions inherit it, so nothing of the caller's environment is passed on."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            # One process in Python is no DynamoDB: rate limits wait for it ten times as long before they fail open.
            "LIMITS_PATIENCE": "10",
            # An empty home: neither the emulator nor a function finds anybody's ~/.aws.
            "HOME": str(self.data / "home"),
            "TMPDIR": str(self.data / "tmp"),
            "PYTHONPATH": str(PATCH),
            "PYTHONDONTWRITEBYTECODE": "1",
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            # With IAM, functions get credentials of their roles, and only the customary keys may do everything. Not in
            # the cloud that persists: whoever calls it may have keys of their own in the environment.
            "AUTH": "false" if self.persist else "true",
            **TEST_CREDENTIALS,
            "PERSIST_STATE": "1" if self.persist else "0",
            "STATE_DIR": str(self.data / "state"),
            "S3_PERSIST": "1" if self.persist else "0",
            "S3_DATA_DIR": str(self.data / "s3"),
            # Listeners on ports of their own that no system needs, and a Docker daemon it would otherwise tidy up.
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            "DOCKER_HOST": f"unix://{self.data}/no-docker",
            # The emulator of a test ends with the test, even when the test is killed.
            **({} if self.persist else {"ALMANAC_PARENT": str(os.getpid()), "ALMANAC_MAILS": str(self.mails)}),
        }

    def stop(self) -> bool:
        """Stop it if it runs; its functions are in its process group and go with it."""
        running = self._process()
        if running is None:
            return False
        pid, _ = running
        os.kill(pid, signal.SIGTERM)
        try:
            wait_for("the local cloud to save its data and stop", STOP_SECONDS, lambda: not self.running())
        except Failure as late:
            say(f"{late}; ending it by force")
        try:
            # It leads its own group (start_new_session), so this reaches exactly what it started.
            os.killpg(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        self.pid_file.unlink(missing_ok=True)
        return True

    def delete_data(self) -> None:
        shutil.rmtree(self.data, ignore_errors=True)
        self.log.unlink(missing_ok=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
