"""The limits front: a reverse proxy that holds tests to the AWS limits that the emulator lets pass.

Each API gets an origin of its own, once in the clear and once in TLS, as on AWS, where an API is a host name.
"""

import asyncio
import threading
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

from front.http import Api
from front.limits import Limits
from front.tls import server_context
from front.websocket import WebSocketApi

START_SECONDS = 10
STOP_SECONDS = 10


class Front:
    """Listeners on free ports of 127.0.0.1, served by one thread for as long as the `with` block lasts."""

    def __init__(self, directory: Path, limits: Limits | None = None) -> None:
        """`directory` gets the certificates; it belongs to the front."""
        directory.mkdir(parents=True, exist_ok=True)
        self.limits = limits or Limits()
        self.context, self.ca = server_context(directory)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._run, name="front", daemon=True)
        self.servers: list[asyncio.Server] = []
        self.published: dict[str, dict[str, str]] = {}

    def __enter__(self) -> "Front":
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(STOP_SECONDS)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self.loop) as runner:
            runner.get_loop().run_forever()
            for server in self.servers:
                server.close()

    def publish(self, url: str) -> dict[str, str]:
        """Serve the API at this URL of the emulator; answers where: by `http` and `https`, or by `ws` and `wss`."""
        if url not in self.published:
            listening = asyncio.run_coroutine_threadsafe(self._listen(url), self.loop)
            self.published[url] = listening.result(START_SECONDS)
        return self.published[url]

    async def _listen(self, url: str) -> dict[str, str]:
        scheme = urlsplit(url).scheme
        api = (WebSocketApi if scheme == "ws" else Api)(url, self.limits)
        found = {}
        for name, context in ((scheme, None), (f"{scheme}s", self.context)):
            server = await asyncio.start_server(api.serve, "127.0.0.1", 0, ssl=context)
            self.servers.append(server)
            found[name] = f"{name}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        return found
