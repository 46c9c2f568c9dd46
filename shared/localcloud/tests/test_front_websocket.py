"""The WebSocket side of the limits front, before an upstream that takes everything."""

import asyncio
import socket
import ssl
import tempfile
import threading
import unittest
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Message,
    Ping,
    Pong,
    RejectConnection,
    Request,
    TextMessage,
)
from wsproto.frame_protocol import CloseReason

from front import Front
from front.limits import KIB, Limits


class Upstream:
    """Echoes; `send N` sends N two-byte characters, `bye` closes with 4000. /no is refused."""

    def __init__(self) -> None:
        self.port = 0
        self.heard: list[str] = []
        self.ends: list[int] = []
        self.changed = threading.Condition()
        started = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self.main(started)), daemon=True).start()
        started.wait(10)

    async def main(self, started: threading.Event) -> None:
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        await server.serve_forever()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        protocol = WSConnection(ConnectionType.SERVER)
        text = ""
        end = None
        while end is None:
            protocol.receive_data(await reader.read(65536) or None)
            for event in protocol.events():
                answers: list[Event] = []
                if isinstance(event, Request):
                    refused = event.target.startswith("/base/no")
                    if refused:
                        writer.write(protocol.send(RejectConnection(status_code=403)))
                        return writer.close()
                    answers = [AcceptConnection()]
                elif isinstance(event, TextMessage):
                    text += event.data
                    if event.message_finished:
                        answers = [self.answer(text)]
                        text = ""
                elif isinstance(event, CloseConnection):
                    end = event.code
                    answers = [event.response()] if protocol.state is ConnectionState.REMOTE_CLOSING else []
                for answer in answers:
                    writer.write(protocol.send(answer))
        writer.close()
        with self.changed:
            self.ends.append(end)
            self.changed.notify_all()

    def answer(self, text: str) -> Event:
        with self.changed:
            self.heard.append(text)
        if text.startswith("send "):
            return TextMessage(data="é" * int(text.removeprefix("send ")))
        return CloseConnection(code=4000, reason="bye") if text == "bye" else TextMessage(data=text)

    def wait(self, what: Callable[[], bool]) -> bool:
        with self.changed:
            return self.changed.wait_for(what, 10)


class Client:
    def __init__(self, url: str, cafile: Path, path: str = "/") -> None:
        parts = urlsplit(url)
        self.socket = socket.create_connection((parts.hostname, parts.port), timeout=10)
        if parts.scheme == "wss":
            context = ssl.create_default_context(cafile=cafile)
            self.socket = context.wrap_socket(self.socket, server_hostname=parts.hostname)
        self.protocol = WSConnection(ConnectionType.CLIENT)
        self.send(Request(host=parts.netloc, target=path))

    def send(self, *events: Event) -> None:
        for event in events:
            self.socket.sendall(self.protocol.send(event))

    def receive(self) -> Event:
        while True:
            for event in self.protocol.events():
                return event
            self.protocol.receive_data(self.socket.recv(65536) or None)

    def open(self) -> "Client":
        event = self.receive()
        if not isinstance(event, AcceptConnection):
            raise AssertionError(event)
        return self

    def message(self) -> tuple[str, list[int]]:
        """The next message, and the sizes of its frames."""
        text, frames, size = "", [], 0
        while isinstance(event := self.receive(), TextMessage):
            text += event.data
            size += len(event.data.encode())
            if event.frame_finished:
                frames.append(size)
                size = 0
            if event.message_finished:
                return text, frames
        raise AssertionError(event)


class WebSocketFront(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.upstream = Upstream()
        cls.directory = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.front = cls.enterClassContext(Front(cls.directory / "long"))

    def connect(self, limits: Limits | None = None, scheme: str = "ws") -> Client:
        front = self.front
        if limits:
            front = self.enterContext(Front(self.directory / "short", limits))
        urls = front.publish(f"ws://127.0.0.1:{self.upstream.port}/base")
        client = Client(urls[scheme], front.ca)
        self.addCleanup(client.socket.close)
        return client.open()

    def closes(self, client: Client, code: int) -> None:
        """The client and the upstream are told why."""
        event = client.receive()
        self.assertIsInstance(event, CloseConnection)
        self.assertEqual(event.code, code)
        if client.protocol.state is ConnectionState.REMOTE_CLOSING:
            client.send(event.response())
        self.assertTrue(self.upstream.wait(lambda: code in self.upstream.ends), self.upstream.ends)
        self.upstream.ends.remove(code)

    def test_messages_go_both_ways(self) -> None:
        for scheme in ("ws", "wss"):
            client = self.connect(scheme=scheme)
            client.send(TextMessage(data="ä", message_finished=False), TextMessage(data="b"))
            self.assertEqual(client.message(), ("äb", [3]))
            client.send(Ping(payload=b"p"))
            self.assertEqual(client.receive(), Pong(payload=b"p"))

    def test_either_side_closes_with_its_own_code(self) -> None:
        for code in (4001, CloseReason.NO_STATUS_RCVD):
            client = self.connect()
            client.send(CloseConnection(code=code))
            self.closes(client, code)
        client = self.connect()
        client.send(TextMessage(data="bye"))
        self.closes(client, 4000)

    def test_a_client_that_is_lost_is_lost_upstream(self) -> None:
        client = self.connect()
        client.send(TextMessage(data="hello"))
        client.message()
        client.socket.close()
        self.assertTrue(self.upstream.wait(lambda: CloseReason.ABNORMAL_CLOSURE in self.upstream.ends))

    def test_a_refused_handshake_is_passed_on(self) -> None:
        urls = self.front.publish(f"ws://127.0.0.1:{self.upstream.port}/base")
        for path, status in (("/no", 403), ("/" + "x" * 4096, 414)):
            client = Client(urls["ws"], self.front.ca, path)
            self.addCleanup(client.socket.close)
            event = client.receive()
            self.assertIsInstance(event, RejectConnection)
            self.assertEqual(event.status_code, status)

    def test_a_frame_has_32_kb(self) -> None:
        client = self.connect()
        whole = "x" * 32 * KIB
        client.send(TextMessage(data=whole))
        self.assertEqual(client.message(), (whole, [32 * KIB]))
        client.send(TextMessage(data=whole + "x"))
        self.closes(client, CloseReason.MESSAGE_TOO_BIG)
        self.assertNotIn(whole + "x", self.upstream.heard)

    def test_a_message_has_128_kb(self) -> None:
        client = self.connect()
        frame = "x" * 32 * KIB
        part = TextMessage(data=frame, message_finished=False)
        client.send(part, part, part, TextMessage(data=frame))
        self.assertEqual(client.message(), (4 * frame, 4 * [32 * KIB]))
        client.send(part, part, part, part, TextMessage(data="x"))
        self.closes(client, CloseReason.MESSAGE_TOO_BIG)
        self.assertNotIn(4 * frame + "x", self.upstream.heard)

    def test_what_is_sent_to_the_client_comes_in_frames_and_has_128_kb(self) -> None:
        client = self.connect()
        client.send(TextMessage(data=f"send {16 * KIB + 1}"))
        self.assertEqual(client.message(), ("é" * (16 * KIB + 1), [32 * KIB, 2]))
        client.send(TextMessage(data=f"send {64 * KIB + 1}"))
        self.closes(client, CloseReason.MESSAGE_TOO_BIG)

    def test_no_character_is_cut_by_a_frame(self) -> None:
        client = self.connect(Limits(frame_bytes=7))
        client.send(TextMessage(data="send 5"))
        self.assertEqual(client.message(), ("ééééé", [6, 4]))

    def test_binary_frames_are_refused(self) -> None:
        client = self.connect()
        client.send(BytesMessage(data=b"x"))
        self.closes(client, CloseReason.UNSUPPORTED_DATA)

    def test_an_idle_connection_ends_and_pings_do_not_help(self) -> None:
        client = self.connect(Limits(idle_seconds=0.5))
        client.send(Ping())
        self.assertIsInstance(client.receive(), Pong)
        self.closes(client, CloseReason.GOING_AWAY)
        self.assertEqual(Limits().idle_seconds, 600)

    def test_a_life_ends_however_busy(self) -> None:
        client = self.connect(Limits(life_seconds=0.5))
        message: Message[str] = TextMessage(data="x")
        events: list[Event] = []
        while not any(isinstance(event, CloseConnection) for event in events):
            client.send(message)
            events = [client.receive()]
        self.assertEqual(events[0].code, CloseReason.GOING_AWAY)
        self.assertEqual(Limits().life_seconds, 7200)
