"""An HTTP API's front: what API Gateway would refuse is refused here, everything else is passed on and back."""

import asyncio
import contextlib
import json
import os
from base64 import b64encode
from urllib.parse import urlsplit

import h11

from front.limits import Limits

CHUNK_BYTES = 64 * 1024
# Belong to one connection, not to the request (RFC 9110, 7.6.1); lengths are made anew.
HOP_BY_HOP = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade")
)
# What an event carries beside headers, path and body: the request context.
CONTEXT_BYTES = 1000
# Bodies of these types (and of text/…) go into an event as they are; API Gateway encodes all others as base64.
TEXT_TYPES = ("application/json", "application/xml", "application/javascript")

# What API Gateway says; the words of the status are not always those of newer RFCs.
WORDS = {
    400: "Bad Request",
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
}

Headers = list[tuple[bytes, bytes]]


class Stream:
    """One end of an HTTP/1.1 connection."""

    def __init__(
        self, role: type[h11.SERVER] | type[h11.CLIENT], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        # Far above our own limit, so that it is we who answer.
        self.http = h11.Connection(role, max_incomplete_event_size=256 * 1024)
        self.reader = reader
        self.writer = writer
        self.method = b""

    async def receive(self) -> h11.Event | type[h11.PAUSED]:
        while (event := self.http.next_event()) is h11.NEED_DATA:
            if self.http.they_are_waiting_for_100_continue:
                await self.send(h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue"))
            self.http.receive_data(await self.reader.read(CHUNK_BYTES))
        if isinstance(event, h11.Request):
            self.method = event.method
        return event

    async def send(self, *events: h11.Event) -> None:
        self.writer.writelines(data for event in events if (data := self.http.send(event)))
        await self.writer.drain()

    async def body(self, most: int) -> bytes | None:
        """The rest of the message; None if it is longer. That is read too: nobody hears an answer while writing."""
        whole = bytearray()
        size = 0
        while isinstance(event := await self.receive(), h11.Data):
            size += len(event.data)
            if size <= most:
                whole += event.data
        return bytes(whole) if size <= most else None


class Api:
    """One API of the emulator, served as an origin of its own."""

    def __init__(self, upstream: str, limits: Limits) -> None:
        parts = urlsplit(upstream)
        self.host = parts.hostname or ""
        self.port = parts.port or 80
        self.base = parts.path.rstrip("/").encode()
        # An emulator that tells APIs apart by name needs that name; one that does so by path passes the client's on.
        self.authority = None if self.base else parts.netloc.encode()
        self.limits = limits

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer all requests of one connection."""
        client = Stream(h11.SERVER, reader, writer)
        try:
            while isinstance(request := await client.receive(), h11.Request):
                await self.answer(client, request)
                if client.http.our_state is not h11.DONE or client.http.their_state is not h11.DONE:
                    break
                client.http.start_next_cycle()
        except h11.RemoteProtocolError as error:
            if client.http.our_state is h11.IDLE:
                with contextlib.suppress(OSError):
                    await refuse(client, error.error_status_hint)
        except (OSError, asyncio.CancelledError):
            pass  # the client is gone, or the front ends
        finally:
            writer.close()

    async def answer(self, client: Stream, request: h11.Request) -> None:
        limits = self.limits
        # Read in any case: only then can the connection serve the next request.
        body = await client.body(limits.payload_bytes)
        # h11 has taken the request line apart.
        line = len(request.method) + len(request.target) + len("  HTTP/1.1")
        if line + sum(len(value) for _, value in request.headers) > limits.head_bytes:
            return await refuse(client, 431)
        if not request.target.startswith(b"/"):
            return await refuse(client, 400)
        if body is None or event_bytes(request, body) > limits.invocation_bytes:
            return await refuse(client, 413)
        try:
            async with asyncio.timeout(limits.integration_seconds):
                head, content = await self.ask(request, body, self.forwarded(client))
        except TimeoutError:
            return await refuse(client, 503)
        except (OSError, h11.RemoteProtocolError) as error:
            return await refuse(client, 502, f"the emulator does not answer: {error!r}")
        if content is None or response_bytes(head, content) > limits.invocation_bytes:
            return await refuse(client, 500)
        return await client.send(backward(head, content), h11.Data(data=content), h11.EndOfMessage())

    def forwarded(self, client: Stream) -> Headers:
        """What API Gateway tells of the client (the emulator does not)."""
        scheme = b"https" if client.writer.get_extra_info("ssl_object") else b"http"
        address, _ = client.writer.get_extra_info("peername")
        _, port = client.writer.get_extra_info("sockname")
        return [
            (b"x-forwarded-for", address.encode()),
            (b"x-forwarded-port", str(port).encode()),
            (b"x-forwarded-proto", scheme),
        ]

    def request(self, request: h11.Request, forwarded: Headers, dropped: frozenset[bytes]) -> h11.Request:
        """The request as it goes on. A client cannot say itself how it came; where it came from, it may."""
        told = {name for name, _ in forwarded} - {b"x-forwarded-for"}
        headers = [
            (name, self.authority if name == b"host" and self.authority else value)
            for name, value in request.headers
            if name not in dropped and name not in told
        ]
        return h11.Request(method=request.method, target=self.base + request.target, headers=headers + forwarded)

    async def ask(self, request: h11.Request, body: bytes, forwarded: Headers) -> tuple[h11.Response, bytes | None]:
        """The emulator's answer; no content if it is longer than any function may return."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        upstream = Stream(h11.CLIENT, reader, writer)
        try:
            onward = self.request(
                request,
                [*forwarded, (b"content-length", str(len(body)).encode()), (b"connection", b"close")],
                HOP_BY_HOP | {b"content-length", b"expect"},
            )
            await upstream.send(onward, h11.Data(data=body), h11.EndOfMessage())
            while isinstance(head := await upstream.receive(), h11.InformationalResponse):
                pass
            if not isinstance(head, h11.Response):
                raise ConnectionError("it closed the connection")
            return head, await upstream.body(self.limits.invocation_bytes)
        finally:
            writer.close()


def backward(head: h11.Response, content: bytes) -> h11.Response:
    """The head of an answer as it goes back."""
    headers = [(name, value) for name, value in head.headers.raw_items() if name.lower() not in HOP_BY_HOP]
    if content and all(name.lower() != b"content-length" for name, _ in headers):
        headers.append((b"content-length", str(len(content)).encode()))
    return h11.Response(status_code=head.status_code, headers=headers, reason=head.reason)


async def refuse(client: Stream, status: int, message: str | None = None) -> None:
    """Answer as API Gateway does for itself."""
    reason = WORDS.get(status, "Bad Request")
    body = json.dumps({"message": message or reason}, separators=(",", ":")).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"apigw-requestid", b64encode(os.urandom(11))),
    ]
    head = h11.Response(status_code=status, headers=headers, reason=reason.encode())
    await client.send(head, h11.Data(data=b"" if client.method == b"HEAD" else body), h11.EndOfMessage())


def event_bytes(request: h11.Request, body: bytes) -> int:
    """Size of the event that the function gets: JSON, in which a quote counts twice and bytes grow by a third."""
    kinds = [value for name, value in request.headers if name == b"content-type"]
    kind = b"".join(kinds[:1]).decode("latin-1").partition(";")[0].strip().lower()
    text = kind.startswith("text/") or kind in TEXT_TYPES
    # Names and values stand in quotes, with a colon and a comma; the path stands in the event three times.
    head = sum(len(name) + len(value) + 6 for name, value in request.headers) + 3 * len(request.target)
    return CONTEXT_BYTES + head + (json_bytes(body.decode(errors="replace")) if text else base64_bytes(body))


def response_bytes(head: h11.Response, body: bytes) -> int:
    """Size of what the function returned, as far as its answer tells: text as a string, all else as base64."""
    names = sum(len(name) + len(value) + 6 for name, value in head.headers)
    try:
        return names + json_bytes(body.decode())
    except UnicodeDecodeError:
        return names + base64_bytes(body)


def json_bytes(text: str) -> int:
    return len(json.dumps(text, ensure_ascii=False).encode())


def base64_bytes(data: bytes) -> int:
    return (len(data) + 2) // 3 * 4 + 2
