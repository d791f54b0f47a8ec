"""One writer: changes wait in a queue, and those that wait while the disk writes share the next transaction.

So a turn costs little more than the transaction that was under way when it came, however many turns there are, and
no two writers of this process ever wait for each other's lock.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from systems.errors import NotSaved, StoreBusy, StoreError, told
from systems.mechanisms.isolation import Executors
from systems.research.keeping.access import FileAccess, T, Work, changed, connect, done, refused

# How many changes a transaction has at most: all of them are acknowledged together, and not before.
_TOGETHER = 256

_READING = "reading of research memory"


class _Waiting(NamedTuple):
    work: Callable[[sqlite3.Connection], Any]
    told: asyncio.Future[Any]


class _Answer(NamedTuple):
    told: asyncio.Future[Any]
    value: Any = None
    error: Exception | None = None


class QueuedAccess(FileAccess):
    """Writes on one thread, in the order asked, and reads on another one, which sees what was acknowledged.

    At most ``most_waiting`` changes wait: one more is refused as `NotSaved`. What was taken into the queue is
    written though whoever waits for it may leave. A writer that ends for a reason of its own tells everybody who waits
    and everybody who comes later, with a `StoreError`.
    """

    def __init__(self, path: Path, busy_s: float, most_waiting: int) -> None:
        self._path = path
        self._busy_s = busy_s
        self._most_waiting = most_waiting
        self._bell = threading.Condition()
        self._waiting: deque[_Waiting] = deque()
        self._closing = False
        self._ended: StoreError | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._readers = Executors({_READING: 1})
        self._reader: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Start the writer. Raises `StoreError`."""
        self._loop = asyncio.get_running_loop()
        opened = self._loop.create_future()
        self._thread = threading.Thread(target=self._write, args=(opened,), name="research memory", daemon=True)
        self._thread.start()
        await opened

    async def change(self, work: Work[T]) -> T:
        """Have the writer do ``work``. Raises `StoreError`, `NotSaved`, and what ``work`` raises."""
        assert self._loop is not None
        waiting = _Waiting(work, self._loop.create_future())
        with self._bell:
            if self._ended is not None:
                raise StoreError(*self._ended.args)
            if len(self._waiting) >= self._most_waiting:
                raise NotSaved(f"{len(self._waiting)} changes wait to be saved, as many as may.")
            self._waiting.append(waiting)
            self._bell.notify()
        result: T = await waiting.told
        return result

    async def apart(self, work: Work[T]) -> T:
        """Do ``work`` on the reading thread."""
        return await self._readers.run(_READING, lambda: self._read(work))

    async def close(self) -> None:
        """Write what waits, and end both threads."""
        with self._bell:
            self._closing = True
            self._bell.notify()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)
        self._readers.close()
        if self._reader is not None:
            self._reader.close()

    def _read(self, work: Work[T]) -> T:
        if self._reader is None:
            self._reader = connect(self._path, self._busy_s)
        return done(self._reader, work)

    def _write(self, opened: asyncio.Future[None]) -> None:
        """Be the writer: a thread's whole life."""
        try:
            connection = connect(self._path, self._busy_s)
        except Exception as error:  # noqa: BLE001 - whatever it is, who opens the memory must hear of it
            self._end(refused("could not be opened"))
            self._tell([_Answer(opened, error=error)])
            return
        self._tell([_Answer(opened)])
        group: Sequence[_Waiting] = ()
        ended = refused("is closed")
        try:
            while group := self._next():
                self._tell(_committed(connection, group))
        except BaseException as error:  # noqa: BLE001 - the thread ends here, and nobody who waits may wait for ever
            ended = refused(f"has no writer any more, which ended with {told(error)}")
        finally:
            connection.close()
            self._end(ended, group)

    def _next(self) -> Sequence[_Waiting]:
        """Wait for changes and return them; none when the memory closes."""
        with self._bell:
            self._bell.wait_for(lambda: self._waiting or self._closing)
            return [self._waiting.popleft() for _ in range(min(_TOGETHER, len(self._waiting)))]

    def _end(self, reason: StoreError, group: Sequence[_Waiting] = ()) -> None:
        """Refuse ``group``, what waits, and whatever comes, for ``reason``."""
        with self._bell:
            self._ended = reason
            left = [*group, *self._waiting]
            self._waiting.clear()
        self._tell([_Answer(each.told, error=reason) for each in left])

    def _tell(self, answers: Sequence[_Answer]) -> None:
        assert self._loop is not None
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(_hand_over, answers)


def _committed(connection: sqlite3.Connection, group: Sequence[_Waiting]) -> Sequence[_Answer]:
    """Do the work of ``group`` in one transaction; where one of it fails, each in its own: no failure is another's."""
    if len(group) > 1:
        try:
            values = changed(connection, lambda opened: [each.work(opened) for each in group])
        except StoreBusy as error:  # whoever holds the file's lock is in everybody's way, and was waited for
            return [_Answer(each.told, error=error) for each in group]
        except Exception:  # noqa: BLE001 - it is met again, by the one whose it is
            return [_alone(connection, each) for each in group]
        return [_Answer(each.told, value) for each, value in zip(group, values, strict=True)]
    return [_alone(connection, each) for each in group]


def _alone(connection: sqlite3.Connection, waiting: _Waiting) -> _Answer:
    try:
        return _Answer(waiting.told, changed(connection, waiting.work))
    except Exception as error:  # noqa: BLE001 - whatever a change raises belongs to its caller
        return _Answer(waiting.told, error=error)


def _hand_over(answers: Sequence[_Answer]) -> None:
    for waiting, value, error in answers:
        if waiting.done():  # its caller left
            continue
        if error is None:
            waiting.set_result(value)
        else:
            waiting.set_exception(error)
