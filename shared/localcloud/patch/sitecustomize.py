"""Loaded by Python before ministack starts (this directory is on its PYTHONPATH)."""

import base64
import binascii
import json
import os
import signal
import socketserver
import threading
import time
from pathlib import Path
from typing import Any

# ministack's Lambda Runtime API answers in two small writes; Nagle's algorithm and delayed acknowledgements then add
# about 40 ms to every invocation.
socketserver.StreamRequestHandler.disable_nagle_algorithm = True


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)


def _keep_mails(folder: Path) -> None:
    """Keep raw messages of SESv2 as files: ministack's own list has of them only what it reads itself."""
    from ministack.services import ses_v2

    handle = ses_v2.handle_request

    async def handle_and_keep(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        answer = await handle(method, path, headers, body, query)
        if method == "POST" and path.rstrip("/").endswith("/outbound-emails") and answer[0] == 200:
            try:
                raw = base64.b64decode(json.loads(body)["Content"]["Raw"]["Data"])
                (folder / f"{json.loads(answer[2])['MessageId']}.eml").write_bytes(raw)
            except (KeyError, TypeError, ValueError, binascii.Error):
                pass  # no raw message
        return answer

    folder.mkdir(parents=True, exist_ok=True)
    ses_v2.handle_request = handle_and_keep


if os.environ.get("ALMANAC_MAILS"):
    _keep_mails(Path(os.environ.pop("ALMANAC_MAILS")))

if os.environ.get("ALMANAC_PARENT"):
    threading.Thread(target=_end_with_parent, args=(int(os.environ.pop("ALMANAC_PARENT")),), daemon=True).start()
