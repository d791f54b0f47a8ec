"""Reading one source from its first line to its last on the calling thread: what the blocking patterns repeat."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path

from systems.errors import DeadlineExceeded, told
from systems.logs import swallowed
from systems.research.fetching.blocking import BlockingCall, BlockingWire
from systems.research.fetching.interface import FetchLimits
from systems.research.sources.documents import CannotRead, Found, SourceRefusal
from systems.research.sources.folder import read_place
from systems.research.sources.naming import place_of
from systems.research.sources.web import Pages
from systems.research.sources.wire import driven

log = logging.getLogger(__name__)


def pages_of(limits: FetchLimits) -> Pages:
    """Return what reads the pages of one call."""
    return Pages(most_bytes=limits.max_bytes, most_redirects=limits.max_redirects, private_hosts=limits.private_hosts)


def read_files(place: Path, source: str, limits: FetchLimits, ends: float) -> Iterator[Found]:
    """Yield what a file or a folder holds; ``ends`` is when the whole call does, on the monotonic clock."""
    until = min(ends, time.monotonic() + limits.deadline_s)
    return read_place(
        place,
        source,
        most_bytes=limits.max_bytes,
        most_files=limits.max_files,
        most_folder_bytes=limits.max_folder_bytes,
        late=lambda: time.monotonic() >= until,
    )


def read_source(source: str, call: BlockingCall, pages: Pages) -> Iterator[Found]:
    """Yield what one source holds."""
    if time.monotonic() >= call.ends:
        yield SourceRefusal(source, call.limits.over)
        return
    try:
        place = place_of(source)
        if isinstance(place, Path):
            yield from read_files(place, source, call.limits, call.ends)
        else:
            yield driven(pages.read(source, place, BlockingWire(call)))
    except CannotRead as error:
        yield SourceRefusal(source, str(error))
    except DeadlineExceeded:
        yield SourceRefusal(source, call.limits.over if time.monotonic() >= call.ends else call.limits.late)
    except Exception as error:  # noqa: BLE001 - what somebody else wrote may break anything, and stops no other source
        yield broken(source, error)


def broken(source: str, error: Exception) -> SourceRefusal:
    """Return the refusal of a source that nobody foresaw to fail so; the log has the frames."""
    swallowed(log, "a source could not be read", error)
    return SourceRefusal(source, f"reading it failed ({told(error)})")
