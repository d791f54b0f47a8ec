"""Who uses a memory file: agents hold it together while they run, and who takes something out of it holds it alone.

SQLite's own locks tell who reads or writes just now. An agent that does neither still has in its history, its cache and
its queue of saves what was said, and would bring it back. What is held here is a lock of the kernel's on a file beside
the memory file: it ends with the process, however that ends, and leaves at worst an empty file.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from systems.errors import StoreBusy, StoreError
from systems.logs import swallowed

log = logging.getLogger(__name__)

# Whoever held a file last removes its lock, so that one that was opened meanwhile is another: after so many of them the
# file system is at fault.
_TRIES = 100


class Hold:
    """What an agent holds of its memory file while it runs, beside other agents."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock: int | None = None

    def take(self) -> None:
        """Hold the file. Where no lock can be made (a folder that is only read), nobody rewrites the file either.

        Raises `StoreBusy` if it is being rewritten just now.
        """
        try:
            self._lock = _lock(_beside(self._path), fcntl.LOCK_SH)
        except BlockingIOError as error:
            raise StoreBusy(
                f"Something is being taken out of the memory file {self._path.name} by {users(self._path)}; "
                "start the agent when that is done."
            ) from error
        except OSError as error:
            swallowed(log, "the memory file is not held", error)

    def release(self) -> None:
        """Hold it no longer; a second call does nothing."""
        if self._lock is not None:
            _unlock(self._lock, _beside(self._path))
            self._lock = None


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold the memory file ``path`` so that no agent runs with it. Raises `StoreBusy` if one does."""
    place = _beside(path)
    try:
        lock = _lock(place, fcntl.LOCK_EX)
    except BlockingIOError as error:
        raise StoreBusy(
            f"The memory file {path.name} is in use by {users(path)}, which may hold what was said and save it again. "
            "Nothing was changed; stop it first."
        ) from error
    except OSError as error:
        raise StoreError(f"The memory file {path.name} cannot be held alone: {error.strerror}.") from error
    try:
        yield
    finally:
        _unlock(lock, place)


def users(path: Path) -> str:
    """Return which other processes have the memory file, a journal or the lock of it open, as far as one may see."""
    import psutil

    real = path.resolve()
    names = {f"{real}{ending}" for ending in ("", "-wal", "-shm", "-journal", "-held")}
    found = []
    for process in psutil.process_iter():
        if process.pid == os.getpid():
            continue
        with suppress(psutil.Error, OSError):
            if any(file.path in names for file in process.open_files()):
                found.append(f"{process.name()} (process {process.pid})")
    return " and ".join(found) or "somebody"


def _beside(path: Path) -> Path:
    real = path.resolve()  # as SQLite does with its journals: two ways to one file meet
    return real.with_name(f"{real.name}-held")


def _lock(place: Path, kind: int) -> int:
    """Return a descriptor that holds the lock. Raises `BlockingIOError` if others do, else `OSError`."""
    for _ in range(_TRIES):
        # Reading is enough for a lock, also on one that another user made.
        descriptor = os.open(place, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), place.stat()):
                    return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # whoever held it last removed it between our opening and our locking
    raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), str(place))


def _unlock(descriptor: int, place: Path) -> None:
    with suppress(OSError):  # others hold it too, and the last of them removes it
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        place.unlink()
    os.close(descriptor)
