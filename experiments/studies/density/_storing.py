"""The trials of the part `states`: sessions stored in one way, and some of their states restored."""

from __future__ import annotations

import hashlib
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Protocol

from experiments.measuring.records import Scalar
from experiments.measuring.role import Role
from experiments.workloads.states import KINDS, Kind, successive
from systems.tiered.states import zstd
from systems.tiered.states.file import SessionStates, StateFile
from systems.tiered.states.interface import Codec, Plain, Way
from systems.tiered.states.learned import ByteModel, learned
from systems.tiered.states.rows import AppendedRows
from systems.tiered.states.sparse import Sparse
from systems.tiered.states.ways import LONGEST, Compressed, Differences, Snapshots

_NEWEST = "newest"
_UNBOUNDED = "difference-unbounded"

# Sessions of a trial; fewer of long ones, which are most of the work. All ways in a condition store the same.
_SESSIONS, _LONG_SESSIONS, _LONG = 8, 3, 100
# Sessions whose states train what is trained, and how many states of each: of other seeds than any that is stored.
_TRAINING_SESSIONS, _TRAINING_STEPS = 12, 24
_RESTORED = 80  # states restored of a trial, among the last of their sessions


class _Kept(Protocol):
    """The states of one session."""

    def append(self, state: bytes) -> None:
        """Store a state."""
        ...

    def restore(self, step: int) -> bytes:
        """Return the state of a step."""
        ...


class _Newest:
    """The rival that overwrites: a row a session, with the newest state alone."""

    def __init__(self, file: StateFile, session: str, codec: Codec) -> None:
        self._file = file
        self._session = session
        self._codec = codec
        file.run(
            lambda connection: connection.execute("CREATE TABLE IF NOT EXISTS newest (session PRIMARY KEY, frame)")
        )

    def append(self, state: bytes) -> None:
        row = (self._session, self._codec.pack(state))
        self._file.run(lambda connection: connection.execute("INSERT OR REPLACE INTO newest VALUES (?, ?)", row))

    def restore(self, step: int) -> bytes:  # noqa: ARG002 - there is one
        query = "SELECT frame FROM newest WHERE session = ?"
        frame = self._file.run(lambda connection: connection.execute(query, (self._session,)).fetchone()[0])
        return self._codec.unpack(frame)


def run(role: Role) -> None:
    """Append every state of every session, look at the file, open it anew and restore some of the states."""
    condition, subject = role.spec.condition, role.spec.subject
    kind, steps = _kind(condition["states"]), int(condition["steps"] or 0)
    path = role.work_dir / "states.sqlite"
    file = StateFile(path)
    _train(role, subject, kind, file)
    codec = _codec(subject, file)
    names = [f"session {number}" for number in range(_SESSIONS if steps < _LONG else _LONG_SESSIONS)]
    kept = {name: _made(file, name, subject, codec) for name in names}
    digests: dict[tuple[str, int], bytes] = {}
    appended: list[float] = []
    written = 0
    for session, states in kept.items():
        for step, state in enumerate(successive(f"{role.spec.seed} {session}", kind, steps), 1):
            began = time.perf_counter()
            states.append(state)
            appended.append(time.perf_counter() - began)
            digests[session, step] = hashlib.blake2b(state).digest()
            written += len(state)
    file.vacuum()
    file.close()
    role.part.values.update(states_bytes=path.stat().st_size, given_bytes=written, appended=len(appended))
    role.part.series["append_s"] = [round(value, 7) for value in appended]
    role.part.series["restore_s"] = [
        round(value, 7) for value in _restored(path, subject, digests, role.spec.seed, steps)
    ]
    role.outside_look()


def _restored(
    path: Path, subject: str, digests: dict[tuple[str, int], bytes], seed: int, steps: int
) -> Iterator[float]:
    """Yield the seconds it took to restore each of some states, in a file opened anew."""
    # Of the last states, as many as a chain is long: where in its chain the newest one lies is chance.
    latest = [steps] if subject == _NEWEST else range(max(1, steps - LONGEST), steps + 1)
    rng = random.Random(f"restored {seed}")
    sessions = sorted({session for session, _ in digests})
    with closing(StateFile(path)) as file:
        codec = _codec(subject, file)
        kept = {session: _made(file, session, subject, codec) for session in sessions}
        for session, step in ((rng.choice(sessions), rng.choice(latest)) for _ in range(_RESTORED)):
            began = time.perf_counter()
            state = kept[session].restore(step)
            yield time.perf_counter() - began
            if hashlib.blake2b(state).digest() != digests[session, step]:
                raise AssertionError(f"State {step} of {session} came back as another one.")


def _made(file: StateFile, session: str, subject: str, codec: Codec) -> _Kept:
    return _Newest(file, session, codec) if subject == _NEWEST else SessionStates(file, session, _way(subject, codec))


def _way(subject: str, codec: Codec) -> Way:
    """Return a new way of this name, for one session."""
    if _in_rows(subject):
        return AppendedRows(codec)
    if not subject.startswith("difference"):
        return Snapshots(codec)
    longest = sys.maxsize if subject == _UNBOUNDED else LONGEST
    return Differences(codec, longest=longest)


def _in_rows(subject: str) -> bool:
    return subject.startswith("rows")


def _train(role: Role, subject: str, kind: Kind, file: StateFile) -> None:
    """Learn what this subject needs, if anything, and keep it in the file; the time and bytes of that are noted."""
    name = _codec_name(subject)
    if name not in _TRAINED:
        return
    samples = list(_samples(kind, in_rows=_in_rows(subject)))
    began = time.perf_counter()
    content = _TRAINED[name](samples).content
    role.part.values.update(training_s=time.perf_counter() - began, learned_bytes=len(content))
    file.keep(name, content)


_TRAINED: dict[str, Callable[[list[bytes]], zstd.Dictionary | ByteModel]] = {
    "dictionary": zstd.trained,
    "learned": learned,
}


def _codec(subject: str, file: StateFile) -> Codec:
    """Return what packs the states of this subject, by what the file keeps for it."""
    match _codec_name(subject):
        case "full" | "rows":
            return Plain()
        case "sparse":
            return Sparse()
        case "sparse-zstd":
            return Sparse(Compressed())
        case "dictionary":
            return Compressed(zstd.Dictionary(file.kept("dictionary")))
        case "learned":
            return ByteModel(file.kept("learned"))
        case _:
            return Compressed()


def _codec_name(subject: str) -> str:
    return subject.removeprefix("rows-").removeprefix("difference-")


def _samples(kind: Kind, *, in_rows: bool) -> Iterator[bytes]:
    """Yield what is trained on: states of other sessions as they will be packed, whole or as rows."""
    for number in range(_TRAINING_SESSIONS):
        rows, previous = AppendedRows(Plain()), b""
        for state in successive(f"training {number}", kind, _TRAINING_STEPS):
            row = rows.after(state, previous) if in_rows and previous else None
            yield state if row is None else row
            previous = state


def _kind(level: Scalar) -> Kind:
    return next(kind for kind in KINDS if kind == level)
