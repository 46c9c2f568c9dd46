"""A WebSocket API's front: frames, messages and lives that API Gateway would end are ended here."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import h11
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, TextMessage
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import RemoteProtocolError

from front.http import CHUNK_BYTES, Api, Stream, backward, refuse
from front.limits import Limits

# How long a peer that was told to close may take to hear it.
LINGER_SECONDS = 2


@dataclass(eq=False)
class Closed(Exception):
    """Why a connection ends: what both sides are told."""

    code: int
    reason: str | None = None


class Peer:
    """One side of an open WebSocket."""

    def __init__(self, stream: Stream, kind: ConnectionType) -> None:
        self.stream = stream
        self.frames = Connection(kind, trailing_data=stream.http.trailing_data[0])

    async def events(self) -> AsyncIterator[Event]:
        while True:
            for event in self.frames.events():
                if isinstance(event, CloseConnection):
                    raise Closed(event.code, event.reason)
                if isinstance(event, Ping):
                    await self.send(event.response())
                yield event
            self.frames.receive_data(await self.stream.reader.read(CHUNK_BYTES) or None)

    async def send(self, *events: Event) -> None:
        self.stream.writer.writelines(self.frames.send(event) for event in events)
        await self.stream.writer.drain()

    async def close(self, end: Closed) -> None:
        """Say goodbye if there is anybody left to hear it. To end with unread data would take the word away again."""
        with contextlib.suppress(OSError, RemoteProtocolError):
            # 1006 is never sent: it says that the connection was lost.
            if self.frames.state in (ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING) and (
                end.code != CloseReason.ABNORMAL_CLOSURE
            ):
                await self.send(CloseConnection(code=end.code, reason=end.reason))
                async with asyncio.timeout(LINGER_SECONDS):
                    while self.frames.state is ConnectionState.LOCAL_CLOSING:
                        data = await self.stream.reader.read(CHUNK_BYTES)
                        self.frames.receive_data(data or None)
                        for _ in self.frames.events():
                            pass
        self.stream.writer.close()


class WebSocketApi(Api):
    """One WebSocket API of the emulator, served as an origin of its own."""

    async def answer(self, client: Stream, request: h11.Request) -> None:
        await client.body(0)
        if len(request.target) > self.limits.url_characters:
            return await refuse(client, 414)
        try:
            reader, writer = await asyncio.open_connection(self.host, self.port)
        except OSError as error:
            return await refuse(client, 502, f"the emulator does not answer: {error!r}")
        upstream = Stream(h11.CLIENT, reader, writer)
        try:
            # No extensions: compressed frames would hide their size.
            onward = self.request(request, self.forwarded(client), frozenset((b"sec-websocket-extensions",)))
            async with asyncio.timeout(self.limits.integration_seconds):
                await upstream.send(onward, h11.EndOfMessage())
                head = await upstream.receive()
                if isinstance(head, h11.Response):
                    body = await upstream.body(self.limits.payload_bytes) or b""
                    return await client.send(backward(head, body), h11.Data(data=body), h11.EndOfMessage())
            if not isinstance(head, h11.InformationalResponse):
                raise ConnectionError("it closed the connection")
            await client.send(head)
            await Relay(Peer(client, ConnectionType.SERVER), Peer(upstream, ConnectionType.CLIENT), self.limits).run()
        finally:
            writer.close()


class Relay:
    """One open connection through the front."""

    def __init__(self, client: Peer, upstream: Peer, limits: Limits) -> None:
        self.client = client
        self.upstream = upstream
        self.limits = limits
        self.heard = time.monotonic()

    async def run(self) -> None:
        """Pass messages on until one side, or a limit, ends it."""
        tasks = [asyncio.create_task(part()) for part in (self.up, self.down, self.expire)]
        _, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in rest:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        end = next(end for end in ends if not isinstance(end, asyncio.CancelledError))
        if isinstance(end, RemoteProtocolError):
            end = Closed(CloseReason.PROTOCOL_ERROR)
        elif isinstance(end, OSError):
            end = Closed(CloseReason.ABNORMAL_CLOSURE)
        elif not isinstance(end, Closed):
            raise end
        await asyncio.gather(self.client.close(end), self.upstream.close(end))

    async def up(self) -> None:
        """From the client; API Gateway hands whole messages on."""
        text: list[str] = []
        frame = message = 0
        async for event in self.client.events():
            if isinstance(event, BytesMessage):
                raise Closed(CloseReason.UNSUPPORTED_DATA)
            if not isinstance(event, TextMessage):
                continue
            size = len(event.data.encode())
            frame, message = frame + size, message + size
            if frame > self.limits.frame_bytes or message > self.limits.message_bytes:
                raise Closed(CloseReason.MESSAGE_TOO_BIG)
            text.append(event.data)
            frame = 0 if event.frame_finished else frame
            if event.message_finished:
                self.heard = time.monotonic()
                await self.upstream.send(TextMessage(data="".join(text)))
                text, message = [], 0

    async def down(self) -> None:
        """To the client, in frames of the size that API Gateway makes."""
        whole = bytearray()
        async for event in self.upstream.events():
            if not isinstance(event, TextMessage):
                continue
            whole += event.data.encode()
            if len(whole) > self.limits.message_bytes:
                raise Closed(CloseReason.MESSAGE_TOO_BIG)
            if event.message_finished:
                self.heard = time.monotonic()
                await self.client.send(*frames(bytes(whole), self.limits.frame_bytes))
                whole.clear()

    async def expire(self) -> None:
        """Wait for the end of the idle time or of the life."""
        born = time.monotonic()
        while True:
            until = min(self.heard + self.limits.idle_seconds, born + self.limits.life_seconds)
            if (left := until - time.monotonic()) <= 0:
                raise Closed(CloseReason.GOING_AWAY)
            await asyncio.sleep(left)


def frames(data: bytes, most: int) -> list[TextMessage]:
    """The message in frames of at most so many bytes, between characters: wsproto takes text."""
    pieces: list[TextMessage] = []
    start = 0
    while not pieces or start < len(data):
        end = start + most
        while end < len(data) and data[end] & 0xC0 == 0x80:
            end -= 1
        pieces.append(TextMessage(data=data[start:end].decode(), message_finished=end >= len(data)))
        start = end
    return pieces
