"""The HTTP side of the limits front, before an upstream that takes everything."""

import json
import re
import socket
import ssl
import tempfile
import threading
import unittest
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from front import Front
from front.limits import MIB, Limits

LIMITS = Limits(integration_seconds=1)


class Upstream(BaseHTTPRequestHandler):
    """Tells what it was asked; the path says how."""

    protocol_version = "HTTP/1.1"
    hung = threading.Event()

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        path = self.path.removeprefix("/base")
        if path == "/hang":
            self.hung.wait(30)
            self.close_connection = True
            return
        if found := re.fullmatch("/(text|quotes|bytes)/([0-9]+)", path):
            answer = {"text": b"x", "quotes": b'"', "bytes": b"\xff"}[found[1]] * int(found[2])
        else:
            headers = [[name.lower(), value] for name, value in self.headers.items()]
            answer = json.dumps({"path": self.path, "headers": headers, "body": len(body)}).encode()
        self.send_response(204 if path == "/nothing" else 200)
        self.send_header("X-Kind", "one")
        self.send_header("Set-Cookie", "a=1")
        self.send_header("Set-Cookie", "b=2")
        if path != "/nothing":
            self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD" and path != "/nothing":
            self.wfile.write(answer)

    do_GET = do_HEAD = do_POST = answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


class HttpFront(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.upstream = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
        threading.Thread(target=cls.upstream.serve_forever, daemon=True).start()
        directory = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.front = cls.enterClassContext(Front(Path(directory), LIMITS))
        cls.urls = cls.front.publish(f"http://127.0.0.1:{cls.upstream.server_port}/base")

    @classmethod
    def tearDownClass(cls) -> None:
        Upstream.hung.set()
        cls.upstream.shutdown()
        cls.upstream.server_close()

    def connect(self, scheme: str = "http") -> HTTPConnection:
        host = urlsplit(self.urls[scheme]).netloc
        if scheme == "http":
            connection = HTTPConnection(host, timeout=20)
        else:
            connection = HTTPSConnection(host, timeout=20, context=ssl.create_default_context(cafile=self.front.ca))
        self.addCleanup(connection.close)
        return connection

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        scheme: str = "http",
    ) -> tuple[HTTPResponse, bytes]:
        connection = self.connect(scheme)
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer, answer.read()

    def refused(self, answer: HTTPResponse, body: bytes, status: int, message: str) -> None:
        self.assertEqual((answer.status, json.loads(body)), (status, {"message": message}))
        self.assertEqual(answer.headers["content-type"], "application/json")

    def test_what_is_within_the_limits_goes_through(self) -> None:
        answer, body = self.ask("POST", "/a%2Fb?c=%20d", b"{}", {"X-Mixed": "Case", "Connection": "keep-alive"})
        seen = json.loads(body)
        self.assertEqual((answer.status, seen["path"], seen["body"]), (200, "/base/a%2Fb?c=%20d", 2))
        self.assertIn(["x-mixed", "Case"], seen["headers"])
        self.assertEqual(answer.headers.get_all("set-cookie"), ["a=1", "b=2"])
        self.assertIn(("X-Kind", "one"), answer.getheaders())

    def test_the_client_is_told_of_as_api_gateway_does(self) -> None:
        for scheme in ("http", "https"):
            lies = {"X-Forwarded-Proto": "gopher", "X-Forwarded-For": "192.0.2.1", "Host": "short.example"}
            _, body = self.ask("GET", "/", headers=lies, scheme=scheme)
            seen = json.loads(body)["headers"]
            port = str(urlsplit(self.urls[scheme]).port)
            for header in (["x-forwarded-proto", scheme], ["x-forwarded-port", port], ["host", "short.example"]):
                self.assertIn(header, seen)
            self.assertNotIn(["x-forwarded-proto", "gopher"], seen)
            told = [value for name, value in seen if name == "x-forwarded-for"]
            self.assertEqual(told, ["192.0.2.1", "127.0.0.1"])

    def test_one_connection_serves_many_requests(self) -> None:
        connection = self.connect()
        for method, path, status, length in (
            ("HEAD", "/text/7", 200, 0),
            ("GET", "/nothing", 204, 0),
            ("GET", "/text/7", 200, 7),
        ):
            connection.request(method, path)
            answer = connection.getresponse()
            self.assertEqual((answer.status, len(answer.read())), (status, length), path)
            if path == "/text/7":
                self.assertEqual(answer.headers["content-length"], "7")

    def test_the_request_line_and_header_values_have_10240_bytes_together(self) -> None:
        host = urlsplit(self.urls["http"]).netloc
        used = len(f"GET /long HTTP/1.1{host}identity")
        connection = self.connect()
        for more, status in ((1, 431), (0, 200), (1, 431)):
            connection.request("GET", "/long", headers={"X-Long": "x" * (LIMITS.head_bytes - used + more)})
            answer = connection.getresponse()
            body = answer.read()
            self.assertEqual(answer.status, status)
            self.assertFalse(answer.will_close)
        self.assertIsNotNone(connection.sock)
        self.refused(answer, body, 431, "Request Header Fields Too Large")
        answer, body = self.ask("GET", "/" + "x" * LIMITS.head_bytes)
        self.refused(answer, body, 431, "Request Header Fields Too Large")
        answer, body = self.ask("HEAD", "/" + "x" * LIMITS.head_bytes)
        self.assertEqual((answer.status, body), (431, b""))

    def test_a_body_has_10_mb_and_the_event_that_holds_it_6(self) -> None:
        json_type, binary = {"Content-Type": "application/json"}, {"Content-Type": "image/png"}
        for size, headers, fill, status in (
            (6 * MIB - 4000, json_type, b"x", 200),
            (6 * MIB + 100, json_type, b"x", 413),
            (4 * MIB, json_type, b'"', 413),
            (4 * MIB, binary, b'"', 200),
            (5 * MIB, binary, b"x", 413),
            (11 * MIB, json_type, b"x", 413),
        ):
            answer, body = self.ask("POST", "/", fill * size, headers)
            self.assertEqual(answer.status, status, (size, headers, fill))
            if status == 413:
                self.refused(answer, body, 413, "Request Entity Too Large")

    def test_a_response_has_6_mb_as_the_function_returned_it(self) -> None:
        for path, status in (
            (f"/text/{6 * MIB - 100}", 200),
            (f"/text/{6 * MIB + 100}", 500),
            (f"/quotes/{4 * MIB}", 500),
            (f"/bytes/{4 * MIB}", 200),
            (f"/bytes/{5 * MIB}", 500),
        ):
            answer, body = self.ask("GET", path)
            self.assertEqual(answer.status, status, path)
            if status == 500:
                self.refused(answer, body, 500, "Internal Server Error")

    def test_an_integration_has_30_seconds(self) -> None:
        answer, body = self.ask("GET", "/hang")
        self.refused(answer, body, 503, "Service Unavailable")
        self.assertEqual(Limits().integration_seconds, 30)

    def test_expect_100_continue_is_answered(self) -> None:
        with socket.create_connection(("127.0.0.1", urlsplit(self.urls["http"]).port), timeout=20) as raw:
            raw.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
            self.assertTrue(raw.recv(100).startswith(b"HTTP/1.1 100 "))
            raw.sendall(b"{}")
            self.assertTrue(raw.recv(100).startswith(b"HTTP/1.1 200 "))

    def test_what_is_no_request_is_refused(self) -> None:
        with socket.create_connection(("127.0.0.1", urlsplit(self.urls["http"]).port), timeout=20) as raw:
            raw.sendall(b"no request\r\n\r\n")
            self.assertTrue(raw.recv(100).startswith(b"HTTP/1.1 400 "))

    def test_an_emulator_that_is_gone_is_named(self) -> None:
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            urls = self.front.publish(f"http://127.0.0.1:{nobody.getsockname()[1]}")
            connection = HTTPConnection(urlsplit(urls["http"]).netloc, timeout=20)
            self.addCleanup(connection.close)
            connection.request("GET", "/")
            answer = connection.getresponse()
            self.assertEqual(answer.status, 502)
            self.assertIn(b"the emulator does not answer", answer.read())

    def test_only_the_authority_of_this_run_is_believed(self) -> None:
        connection = HTTPSConnection(urlsplit(self.urls["https"]).netloc, timeout=20)
        self.addCleanup(connection.close)
        with self.assertRaises(ssl.SSLCertVerificationError):
            connection.request("GET", "/")
