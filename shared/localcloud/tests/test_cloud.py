"""The URL forms of each emulator, and the lock that says whether the emulator is ours."""

import fcntl
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from cloud import LocalStack, Ministack, connect
from emulator import Emulator

API = {"ApiId": "abcd1234", "ApiEndpoint": "ws://localhost:4510"}


class Urls(unittest.TestCase):
    def test_ministack(self) -> None:
        cloud = Ministack("http://127.0.0.1:4566/")
        base = "127.0.0.1:4566/_aws/execute-api/abcd1234"
        self.assertEqual(cloud.http_url(API, "$default"), f"http://{base}")
        self.assertEqual(cloud.http_url(API, "v1"), f"http://{base}/v1")
        self.assertEqual(cloud.websocket_url(API, "live"), f"ws://{base}/live")
        self.assertEqual(cloud.mail_url(), "http://127.0.0.1:4566/_ministack/ses/messages")

    def test_localstack(self) -> None:
        cloud = LocalStack("http://localhost:4566")
        host = "abcd1234.execute-api.localhost.localstack.cloud:4566"
        self.assertEqual(cloud.http_url(API, "$default"), f"http://{host}")
        self.assertEqual(cloud.websocket_url(API, "live"), "ws://localhost:4510/live")
        self.assertEqual(cloud.mail_url(), "http://localhost:4566/_aws/ses")

    def test_the_emulator_can_be_named(self) -> None:
        with mock.patch.dict("os.environ", ALMANAC_EMULATOR="localstack"):
            self.assertIsInstance(connect("http://127.0.0.1:1"), LocalStack)


class Lock(unittest.TestCase):
    def test_a_pid_file_counts_only_while_its_process_holds_it(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            pid_file = Path(directory) / "ministack.pid"
            pid_file.write_text("1 4999\n")
            self.assertFalse(Emulator(Path(directory), 4566, persist=False).running())
            with pid_file.open() as held:
                fcntl.flock(held, fcntl.LOCK_EX)
                emulator = Emulator(Path(directory), 4566, persist=False)
                self.assertTrue(emulator.running())
                self.assertEqual(emulator.port, 4999)
