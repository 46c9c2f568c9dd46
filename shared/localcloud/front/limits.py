"""What API Gateway and Lambda allow, where the emulator allows more."""

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True)
class Limits:
    """Quotas that AWS does not raise. Tests shorten the times; nobody should change the sizes.

    Sources: the quotas of HTTP APIs and of WebSocket APIs in the developer guide of API Gateway, those of Lambda in its
    own (2026-11).
    """

    # Request line and header values of an HTTP API together.
    head_bytes: int = 10_240
    # Body of a request to an HTTP API.
    payload_bytes: int = 10 * MIB
    # "6 MB": the event and the response of a synchronous invocation, as JSON. The figure is the one in Lambda's errors.
    invocation_bytes: int = 6 * MIB + 100
    # From the whole request to the whole response.
    integration_seconds: float = 30
    frame_bytes: int = 32 * KIB
    message_bytes: int = 128 * KIB
    # The URL of a WebSocket API, in characters.
    url_characters: int = 4096
    # A WebSocket on which no message goes, either way.
    idle_seconds: float = 600
    # A WebSocket, however busy.
    life_seconds: float = 7200
