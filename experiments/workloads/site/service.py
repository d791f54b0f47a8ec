"""The site as a service that a run starts for a trial."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import ClassVar, Literal

from experiments.measuring.services import Service
from experiments.workloads.site.pages import MOST_HOSTS

_ASKED_WITHIN_S = 1.0


class LoopbackSite(Service):
    """Web pages with stated delays and faults, on many addresses of the loopback interface and one port."""

    name: ClassVar[str] = "site"
    summary: ClassVar[str] = "web pages on loopback, with stated delays and faults"
    remedy: ClassVar[str] = f"the loopback interface must have the addresses up to 127.0.0.{MOST_HOSTS}, as on Linux"
    listens: ClassVar[Literal["socket", "port"]] = "port"
    ready_within_s: ClassVar[float] = 30.0
    stops_within_s: ClassVar[float] = 5.0

    def missing(self) -> str:
        """Tell whether the last of its addresses can be listened on."""
        try:
            with socket.socket() as found:
                found.bind((f"127.0.0.{MOST_HOSTS}", 0))
        except OSError as error:
            return f"127.0.0.{MOST_HOSTS} cannot be listened on ({error.strerror})"
        return ""

    def version(self) -> str:
        """Return the version of its pages: one more whenever they, or what their addresses mean, change."""
        return "1"

    def command(self, folder: Path, address: str) -> list[str]:  # noqa: ARG002 - it keeps nothing
        """Start this module's server with this interpreter."""
        return [sys.executable, "-P", "-m", "experiments.workloads.site.server", address]

    def ready(self, address: str) -> bool:
        """Ask for what every site is asked for first."""
        host, _, port = address.rpartition(":")
        with socket.create_connection((host, int(port)), _ASKED_WITHIN_S) as asking:
            asking.sendall(b"GET /robots.txt HTTP/1.1\r\nHost: site\r\n\r\n")
            return asking.recv(64).startswith(b"HTTP/1.1 404")
