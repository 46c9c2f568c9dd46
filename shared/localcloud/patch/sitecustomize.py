"""Loaded by Python before ministack starts (this directory is on its PYTHONPATH)."""

import os
import signal
import socketserver
import threading
import time

# ministack's Lambda Runtime API answers in two small writes; Nagle's algorithm and delayed acknowledgements then add
# about 40 ms to every invocation.
socketserver.StreamRequestHandler.disable_nagle_algorithm = True


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)


if os.environ.get("ALMANAC_PARENT"):
    threading.Thread(target=_end_with_parent, args=(int(os.environ.pop("ALMANAC_PARENT")),), daemon=True).start()
