"""Services: servers that a trial needs beside its subject, such as a database. Another package adds its own.

The runner starts a service anew for each trial and stops it whatever happens: `experiments.measuring.running_services`.
"""

from __future__ import annotations

import signal
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, Literal

from systems.errors import BadInput
from systems.registry import Registry


class Service(ABC):
    """One kind of server: how it is started, and when it is ready.

    ``listens`` says what its address is: the path of a socket in a folder of its own that holds nothing else, or a port
    of the loopback interface, as ``127.0.0.1:PORT``. It has ``ready_within_s`` seconds from its start to get ready, and
    ``stops_within_s`` from the signal ``stops_by`` to end; then it is killed. ``remedy`` tells how to get what is
    missing.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    remedy: ClassVar[str]
    listens: ClassVar[Literal["socket", "port"]] = "socket"
    ready_within_s: ClassVar[float] = 30.0
    stops_within_s: ClassVar[float] = 10.0
    stops_by: ClassVar[signal.Signals] = signal.SIGTERM

    @abstractmethod
    def missing(self) -> str:
        """Return why this service cannot be started on this machine, in a few words; empty where it can."""

    @abstractmethod
    def version(self) -> str:
        """Return the version of what would be started. Raises OSError or SubprocessError where it cannot be told."""

    @abstractmethod
    def command(self, folder: Path, address: str) -> list[str]:
        """Return the argument list that starts it in the foreground, on ``address``, in the empty ``folder``.

        What it starts in turn ends with the trial, unless it was started with an empty environment: then it should stay
        in its process group.
        """

    @abstractmethod
    def ready(self, address: str) -> bool:
        """Return at once whether it answers at ``address``; an OSError or a SubprocessError counts as no."""


services: Registry[type[Service]] = Registry(
    "service",
    "fourgig.services",
    {
        "postgres": "experiments.workloads.postgres.service:Postgres",
        "redis": "experiments.workloads.redis_server:RedisServer",
        "site": "experiments.workloads.site.service:LoopbackSite",
        "endpoint": "experiments.workloads.endpoint.service:Endpoint",
        "endpoint-paced": "experiments.workloads.endpoint.service:PacedEndpoint",
        "endpoint-refuses": "experiments.workloads.endpoint.service:RefusingEndpoint",
        "endpoint-trims": "experiments.workloads.endpoint.service:TrimmingEndpoint",
    },
)


def get(name: str) -> Service:
    """Return the service called ``name``. Raises `UnknownName`, and `BadInput` where it does not meet the contract."""
    kind = services.get(name)
    try:
        return kind()
    except TypeError as error:
        raise BadInput(f"The service {name} ({kind.__module__}) does not meet the contract: {error}.") from error
