"""What a fetcher is: sources go in, documents and refusals come out, whichever pattern waits for them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import msgspec

from systems.research.sources.documents import Found

OnDone = Callable[[Found], None]
"""Is told of each document and refusal as it comes, in the thread of the caller's event loop."""


def unheard(_: Found) -> None:
    """Tell nobody."""


class FetchLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What a fetch may take, in every pattern the same.

    ``deadline_s`` counts from a source's first turn at its host, ``total_deadline_s`` from the call. ``per_host`` and
    ``at_once`` bound the pages under way, of one host and of all. ``max_bytes`` bounds each file and page, packed and
    unpacked; ``max_files`` and ``max_folder_bytes`` a folder. ``private_hosts`` may lie in a private network.
    """

    deadline_s: float = 10.0
    total_deadline_s: float = 60.0
    max_bytes: int = 2_000_000
    per_host: int = 4
    at_once: int = 50
    max_redirects: int = 5
    max_files: int = 1_000
    max_folder_bytes: int = 50_000_000
    private_hosts: frozenset[str] = frozenset()

    @property
    def late(self) -> str:
        """Why a source is refused that took too long."""
        return f"it took longer than {self.deadline_s:g} s"

    @property
    def over(self) -> str:
        """Why a source is refused whose turn did not come, or did not end, in time."""
        return f"the {self.total_deadline_s:g} s for all sources had passed"


class Fetcher(ABC):
    """Reads sources in one pattern."""

    @abstractmethod
    async def fetch(self, sources: Sequence[str], on_done: OnDone | None = None) -> list[Found]:
        """Return what was read and what was refused, in the order asked: of a folder a document or refusal a file.

        A source that fails is a refusal and stops no other. A cancelled call leaves no
        connection open; a name that is being looked up meanwhile is left to itself.
        """
