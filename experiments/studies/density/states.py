"""States: what the successive states of sessions take on disk, and how long it takes to have one again.

Every way stores the same states of the same sessions in one file, and can give back each of them; only ``newest``
forgets the earlier ones. What was learned from other sessions lies in the file too, and counts. What is restored is
compared with what was appended: a trial that gets anything else fails.
"""

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
from experiments.measuring.study import GRADED, Cell, GridRequest, Preset, twins
from experiments.workloads.states import KINDS, Kind, successive
from systems.tiered.states import zstd
from systems.tiered.states.file import StateFile, States
from systems.tiered.states.interface import Codec, Plain, Way
from systems.tiered.states.learned import ByteModel, learned
from systems.tiered.states.rows import Rows
from systems.tiered.states.sparse import Sparse
from systems.tiered.states.ways import LONGEST, Compressed, Differences, Snapshots

PART = "states"
QUESTION = "the successive states of sessions, stored in each way: how many bytes, how long until one is there again?"
MEASURES = ("states_bytes", "restore_p50", "restore_p95", "append_p50", "append_p95", "training_time", "learned_bytes")
PRIMARY = 2

_SNAPSHOTS = ("full", "zstd", "dictionary", "learned")
_ROWS = ("rows", "rows-zstd", "rows-dictionary", "rows-learned")
_DIFFERENCES = ("difference", "difference-dictionary", "difference-unbounded")
_SPARSE = ("sparse", "sparse-zstd")
NEWEST = "newest"
WAYS = (*_SNAPSHOTS, *_ROWS, *_DIFFERENCES, NEWEST, *_SPARSE)

_STEPS: dict[Preset, tuple[int, ...]] = {
    "smoke": (8,),
    "quick": (64,),
    "standard": (16, 64, 256),
    "wide": (16, 64, 256),
    "paper": (16, 64, 256, 512),
}
_OTHER_KINDS_STEPS = 64  # chains of the kinds besides the conversation; in smoke as few as there
_SESSIONS = 8
# What is enough to see that everything works.
_SMOKE = ("full", "zstd", "dictionary", "rows-dictionary", "rows-learned", "difference")
# A learned model codes some megabytes a second: longer chains, or larger states, would take minutes to store whole.
_LEARNED_STEPS = 64
# Sessions whose states train what is trained, and how many states of each: of other seeds than any that is stored.
_TRAINING_SESSIONS, _TRAINING_STEPS = 12, 24
_RESTORED = 160  # states restored of a trial, among the last of their sessions


def cells(request: GridRequest) -> list[Cell]:
    """Return a cell a way, kind of state and number of steps."""
    lengths = _STEPS[request.preset]
    conditions = [("conversation", steps) for steps in lengths]
    conditions += [(kind, min(_OTHER_KINDS_STEPS, max(lengths))) for kind in KINDS if kind != "conversation"]
    found = [
        Cell(
            part=PART,
            condition={"part": PART, "states": kind, "steps": steps},
            subject=way,
            estimate_s=1.0 + steps / (12 if way == "learned" else 100),
            labels=("states made of common words drawn by Zipf's law",),
        )
        for kind, steps in conditions
        for way in WAYS
        if _shown(request.preset, way, kind, steps)
    ]
    if request.preset in GRADED:
        found += twins(
            cell
            for cell in found
            if cell.subject in ("rows-dictionary", "difference") and cell.condition["states"] == "conversation"
        )
    return found


def _shown(preset: Preset, way: str, kind: str, steps: int) -> bool:
    if preset == "smoke":
        return (kind == "conversation" and way in _SMOKE) or (kind == "tools" and way in _SPARSE)
    if way in _SPARSE:
        return kind == "tools"
    return way != "learned" or (kind != "tools" and steps <= _LEARNED_STEPS)


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
    kept = {f"session {number}": _made(file, f"session {number}", subject, codec) for number in range(_SESSIONS)}
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
    latest = [steps] if subject == NEWEST else range(max(1, steps - LONGEST), steps + 1)
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
    return _Newest(file, session, codec) if subject == NEWEST else States(file, session, _way(subject, codec))


def _way(subject: str, codec: Codec) -> Way:
    """Return a new way of this name, for one session."""
    if subject in _ROWS:
        return Rows(codec)
    if subject not in _DIFFERENCES:
        return Snapshots(codec)
    longest = sys.maxsize if subject == "difference-unbounded" else LONGEST
    return Differences(codec, longest=longest)


def _train(role: Role, subject: str, kind: Kind, file: StateFile) -> None:
    """Learn what this subject needs, if anything, and keep it in the file; the time and bytes of that are noted."""
    name = _codec_name(subject)
    if name not in _TRAINED:
        return
    samples = list(_samples(kind, in_rows=subject in _ROWS))
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
        rows, previous = Rows(Plain()), b""
        for state in successive(f"training {number}", kind, _TRAINING_STEPS):
            row = rows.after(state, previous) if in_rows and previous else None
            yield state if row is None else row
            previous = state


def _kind(level: Scalar) -> Kind:
    return next(kind for kind in KINDS if kind == level)
