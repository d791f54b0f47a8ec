"""The endpoint as services that a run starts for a trial: as it is, at a stated pace, and with a context that ends."""

from __future__ import annotations

import sys
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import ClassVar, Literal

import msgspec

from experiments.measuring.services import Service
from experiments.workloads.endpoint.asked import EndpointSettings

REPLY_S = 0.1
"""How long a reply of the paced endpoint takes, in seconds."""

CONTEXT_TOKENS = 2048
"""How long a prompt and its reply may be together at an endpoint whose context ends."""

_ASKED_WITHIN_S = 1.0


class Endpoint(Service):
    """An endpoint that says each planned reply at once."""

    name: ClassVar[str] = "endpoint"
    summary: ClassVar[str] = "an endpoint in OpenAI's format that says what was planned, at once"
    remedy: ClassVar[str] = "nothing to do: it comes with the lab"
    listens: ClassVar[Literal["socket", "port"]] = "port"
    ready_within_s: ClassVar[float] = 30.0
    stops_within_s: ClassVar[float] = 5.0
    settings: ClassVar[EndpointSettings] = EndpointSettings()

    def missing(self) -> str:
        """Return nothing: it is never missing."""
        return ""

    def version(self) -> str:
        """Return the version of what it says and tells: one more whenever that changes."""
        return "2"

    def command(self, folder: Path, address: str) -> list[str]:  # noqa: ARG002 - it keeps nothing
        """Start this package's server with this interpreter."""
        settings = msgspec.json.encode(self.settings).decode()
        return [sys.executable, "-P", "-m", "experiments.workloads.endpoint.server", address, settings]

    def ready(self, address: str) -> bool:
        """Ask whether it lives."""
        connection = HTTPConnection(address, timeout=_ASKED_WITHIN_S)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except HTTPException:
            return False
        finally:
            connection.close()


class PacedEndpoint(Endpoint):
    """An endpoint whose replies take a stated time, many of them at once."""

    name: ClassVar[str] = "endpoint-paced"
    summary: ClassVar[str] = f"the same, each reply after {REPLY_S * 1000:g} ms, many at once"
    settings: ClassVar[EndpointSettings] = EndpointSettings(reply_s=REPLY_S, slots=64)


class RefusingEndpoint(Endpoint):
    """An endpoint with a context, which refuses what is longer."""

    name: ClassVar[str] = "endpoint-refuses"
    summary: ClassVar[str] = f"the same, with a context of {CONTEXT_TOKENS} tokens; longer prompts are refused"
    settings: ClassVar[EndpointSettings] = EndpointSettings(context_tokens=CONTEXT_TOKENS, when_full="refuses")


class TrimmingEndpoint(Endpoint):
    """An endpoint with a context, which leaves out the oldest messages of what is longer."""

    name: ClassVar[str] = "endpoint-trims"
    summary: ClassVar[str] = f"the same, with a context of {CONTEXT_TOKENS} tokens; the oldest messages are left out"
    settings: ClassVar[EndpointSettings] = EndpointSettings(context_tokens=CONTEXT_TOKENS, when_full="trims")
