"""Fetching sources: one after another, on threads, or as tasks of the event loop; the work is the same in each."""

from __future__ import annotations

from systems.errors import UnknownName
from systems.research.fetching.interface import Fetcher, FetchLimits
from systems.research.sources.addresses import host_name
from systems.research.sources.documents import CannotRead

PATTERNS = ("sequential", "threads", "tasks")
"""How sources can be waited for."""


def make_fetcher(
    pattern: str,
    *,
    deadline_s: float = 10.0,
    total_deadline_s: float = 60.0,
    max_bytes: int = 2_000_000,
    per_host: int = 4,
    at_once: int = 50,
    max_redirects: int = 5,
    max_files: int = 1_000,
    max_folder_bytes: int = 50_000_000,
    private_hosts: frozenset[str] = frozenset(),
) -> Fetcher:
    """Return a fetcher of this pattern, with these limits (`FetchLimits`). Raises `UnknownName`."""
    limits = FetchLimits(
        deadline_s=deadline_s,
        total_deadline_s=total_deadline_s,
        max_bytes=max_bytes,
        per_host=per_host,
        at_once=at_once,
        max_redirects=max_redirects,
        max_files=max_files,
        max_folder_bytes=max_folder_bytes,
        private_hosts=frozenset(map(_named, private_hosts)),
    )
    # Whoever fetches loads what it takes, encryption above all; who only knows of fetching does not.
    match pattern:
        case "sequential":
            from systems.research.fetching.sequential import Sequential

            return Sequential(limits)
        case "threads":
            from systems.research.fetching.threads import Threads

            return Threads(limits)
        case "tasks":
            from systems.research.fetching.tasks import Tasks

            return Tasks(limits)
    raise UnknownName("pattern of fetching", pattern, PATTERNS)


def _named(host: str) -> str:
    try:
        return host_name(host)
    except CannotRead:
        return host  # no address is ever of such a host
