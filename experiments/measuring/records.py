"""What a trial leaves behind: the specification it ran, what each role saw, what only the outside could know.

Records are lines of JSON in ``trials.jsonl``, appended whole and flushed to disk. A torn last line (the runner was
killed while writing) is dropped when reading and cut off before the next line is written.
"""

from __future__ import annotations

import hashlib
import lzma
import os
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Literal

import msgspec

from experiments.errors import RunFolderError, StorageError
from experiments.measuring.limits.interface import GroupMemory
from experiments.measuring.looks import Look, ProcessUse
from experiments.measuring.profiles import Profile

SCHEMA_VERSION = 1

Scalar = str | int | float | bool | None

Levels = str | tuple[str, ...]
"""A level of a factor as text, or several of which any will do."""

WORKLOAD = "generated"
"""The workload of every run that names no other: `experiments.workloads.conversations`."""

ENGLISH_WORKLOAD = "generated-english"
"""The same for users who all speak English: what a model is asked that has no Chinese (`measuring.languages`)."""


class EngineSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Which engine a trial uses, and with which model.

    ``model`` is the name the file gives itself, ``model_shape`` what it was asked for if the lab fetched or made it,
    and ``model_sha256`` the file's digest: with it, a record's key covers the model's every byte.
    """

    name: str
    settings: dict[str, Scalar] = {}
    model: str | None = None
    model_shape: str | None = None
    model_sha256: str | None = None
    words_are_meaningless: bool = False


class Calibrated(msgspec.Struct, frozen=True, kw_only=True):
    """What was chosen for an engine with a model, which has these ``settings`` already and may use ``cpus``."""

    engine: str
    model_sha256: str
    settings: dict[str, Scalar]
    cpus: int
    chosen: dict[str, Scalar]


class ServiceSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A service that a trial needs, by its registered name, and whether it runs inside the limits or outside."""

    name: str
    inside: bool = True


class Skipped(msgspec.Struct, frozen=True, kw_only=True):
    """A subject in a condition that a run left out, and why."""

    study: str
    condition: dict[str, Scalar]
    subject: str
    reason: str


class TrialSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One trial: a study's subject in one condition, in one block.

    ``condition`` maps factors to levels and is what subjects are compared within; ``subject`` labels what differs.
    ``system`` is the registered system the subject is (None for a component), ``variant`` in what it differs from that
    system as it comes, ``settings`` what is set on it, and ``hosting`` where a blocking system runs: alone behind a
    queue, or in the event loop. ``engine_apart`` says that the engine runs in a process of
    its own, inside the limits. ``workload`` names what says the conversations. ``services`` are started for the trial.
    ``twin`` marks the second of two equal trials of one block, whose difference is noise.
    ``labels`` are sentences every table made from this trial must carry (a shortened sleep, a simulated engine).
    """

    study: str
    condition: dict[str, Scalar]
    subject: str
    system: str | None = None
    variant: str = ""
    hosting: Literal["alone", "in-loop"] | None = None
    settings: dict[str, Scalar] = {}
    engine: EngineSpec | None = None
    engine_apart: bool = False
    workload: str = WORKLOAD
    services: tuple[ServiceSpec, ...] = ()
    profile: Profile
    block: int
    seed: int
    timeout_s: float
    traced: bool = False
    twin: bool = False
    labels: tuple[str, ...] = ()
    code_version: str

    @property
    def key(self) -> str:
        """The record's key: a hash of everything above except the time-out and the labels."""
        fields = msgspec.to_builtins(self)
        for name in ("timeout_s", "labels"):
            del fields[name]
        return hashlib.sha256(msgspec.json.encode(fields, order="deterministic")).hexdigest()[:16]


class Outcome(StrEnum):
    """How a trial ended; a value, never an exception out of the run."""

    OK = "ok"
    OUT_OF_MEMORY = "out-of-memory"
    TIMED_OUT = "timed-out"
    CRASHED = "crashed"
    INVALID = "invalid"


class RequestRow(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """One request of a trial. Times are seconds since the trial's first intended start.

    Latency counts from ``intended_s``, so that a stalled system is charged for the waiting it causes.
    """

    intended_s: float
    started_s: float
    first_token_s: float | None
    finished_s: float
    outcome: str
    source: str = ""
    prompt_tokens: int = 0
    generated_tokens: int = 0
    user: int = 0
    turn: int = 0


class MemorySample(msgspec.Struct, frozen=True, kw_only=True):
    """The memory of a trial's processes at one moment, bytes; ``at_s`` on the machine's monotonic clock.

    Of one process the pages it has, ``processes`` then being empty. Of several the sums, with the part of each; None
    where the kernel does not tell the two kinds apart in a part.
    """

    at_s: float
    rss_bytes: int
    pss_bytes: int
    anonymous_bytes: int | None
    file_bytes: int | None
    processes: tuple[ProcessUse, ...] = ()


class Allocator(msgspec.Struct, frozen=True, kw_only=True):
    """A place in the code and what it held at the heap's peak; ``mapped`` tells a mapping from the heap."""

    place: str
    size_bytes: int
    allocations: int
    mapped: bool = False


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """A function in a flame graph: what it and all that it called held at the heap's peak, mappings left out."""

    place: str
    size_bytes: int
    calls: tuple[Frame, ...] = ()


class Part(msgspec.Struct, kw_only=True):
    """What one role wrote: raw observations, from which metrics are computed later.

    ``marks`` are moments on the machine's monotonic clock, in seconds, by name (ready, first_reply, ...).
    ``values`` are single numbers the study defines; ``series`` are lists of numbers it defines.
    ``histograms`` are lists of distributions it defines, encoded by `experiments.measuring.probes.histogram`.
    ``allocators`` are the largest holders of memory a tracer saw, ``flames`` the same by the way they were called.
    ``artifacts`` are files beside the record, relative to the run folder, by kind.
    ``cpu_seconds`` is the processor time of this role and of the processes it had waited for when it wrote this.
    ``went_beyond`` says that the role exceeded the limits on purpose, in processes of its own, and noted what came of
    it: a kill at the limit is then a result of the trial, and not its end.
    """

    role: Literal["subject", "engine", "client"]
    cpu_seconds: float | None = None
    marks: dict[str, float] = {}
    requests: list[RequestRow] = []
    memory: dict[str, MemorySample] = {}
    values: dict[str, float] = {}
    series: dict[str, list[float]] = {}
    histograms: dict[str, list[str]] = {}
    counters: dict[str, int] = {}
    loop_delay_s: list[float] = []
    went_beyond: bool = False
    allocators: list[Allocator] = []
    flames: Frame | None = None
    artifacts: dict[str, str] = {}


class GroupSample(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """The trial group's memory at one moment: seconds since the trial's spawn, then bytes."""

    at_s: float
    current_bytes: int | None
    anonymous_bytes: int | None
    file_bytes: int | None


class ServiceRun(msgspec.Struct, frozen=True, kw_only=True):
    """A service as it ran for one trial; ``start_s`` is from its start until it was ready, in seconds."""

    name: str
    version: str
    inside: bool
    start_s: float


class Outside(msgspec.Struct, kw_only=True):
    """What only the outside can know of a trial. ``spawned_s`` is on the machine's monotonic clock.

    ``looks`` are the moments at which the subject asked to be looked at, by name; ``group``, ``cpu_seconds``,
    ``pressure`` and the sizes of the tree are those of the last one.
    """

    spawned_s: float = 0.0
    duration_s: float = 0.0
    group: GroupMemory = GroupMemory()
    timeline: list[GroupSample] = []
    tree_pss_bytes: int | None = None
    tree_rss_bytes: int | None = None
    cpu_seconds: float | None = None
    looks: dict[str, Look] = {}
    pressure: dict[str, float] | None = None
    page_cache_left_bytes: int | None = None
    shared_files_left_bytes: int | None = None
    exit_status: dict[str, int] = {}
    services: list[ServiceRun] = []
    host: dict[str, float] = {}


class Record(msgspec.Struct, kw_only=True):
    """One line of ``trials.jsonl``.

    ``logs`` are what the processes of a trial that ended badly printed: files relative to the run folder, by process.
    """

    schema_version: int = SCHEMA_VERSION
    key: str
    spec: TrialSpec
    outcome: Outcome
    reason: str = ""
    backend: str
    enforced: bool
    started_at: str
    parts: list[Part] = []
    outside: Outside
    logs: dict[str, str] = {}

    def part(self, role: str = "subject") -> Part | None:
        """Return what ``role`` wrote, or None if it wrote nothing."""
        return next((part for part in self.parts if part.role == role), None)


def append(path: Path, record: Record) -> None:
    """Append ``record`` as one line and flush it to the disk. Raises `StorageError`, leaving the file as it was."""
    line = msgspec.json.encode(record) + b"\n"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise StorageError(f"Cannot open {path}: {error.strerror}.") from error
    try:
        end = _whole_lines(descriptor)
        try:
            os.ftruncate(descriptor, end)
            os.lseek(descriptor, end, os.SEEK_SET)
            written = 0
            while written < len(line):
                written += os.write(descriptor, line[written:])
            os.fsync(descriptor)
        except OSError as error:
            os.ftruncate(descriptor, end)
            raise StorageError(
                f"Cannot write to {path}: {error.strerror}. The trials before this one are safe: "
                "make room, then run again with --resume."
            ) from error
    finally:
        os.close(descriptor)


def _whole_lines(descriptor: int) -> int:
    """Return the length of the file up to and including its last newline."""
    size = end = os.fstat(descriptor).st_size
    while end > 0:
        start = max(0, end - 65536)
        newline = os.pread(descriptor, end - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return min(size, end)


def write_compressed(path: Path, kept: Iterable[Record]) -> None:
    """Write records where ``path`` would be, compressed; equal records give equal bytes."""
    lines = b"".join(msgspec.json.encode(record) + b"\n" for record in kept)
    _compressed(path).write_bytes(lzma.compress(lines, preset=9 | lzma.PRESET_EXTREME))


def refuse_if_finished(path: Path) -> None:
    """Raise `RunFolderError` where the records were compressed: that run takes no more of them."""
    if _compressed(path).exists():
        raise RunFolderError(f"{path.parent} is a finished run with compressed records: it takes no more of them.")


def _compressed(path: Path) -> Path:
    return path.with_name(f"{path.name}.xz")


def read(path: Path) -> list[Record]:
    """Read every whole record. Raises `RunFolderError` on a line that is whole but is not a record.

    Where ``path`` is not there, its compressed form (``path`` with ``.xz``) is read.
    """
    try:
        compressed = not path.exists() and _compressed(path).exists()
        data = lzma.decompress(_compressed(path).read_bytes()) if compressed else path.read_bytes()
    except FileNotFoundError:
        return []
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise RunFolderError(f"Cannot read {path}: {getattr(error, 'strerror', None) or error}.") from error
    records = []
    for number, line in enumerate(data[: data.rfind(b"\n") + 1].splitlines(), start=1):
        if not line.strip():  # an editor, or a shell that joined two files
            continue
        try:
            version = msgspec.json.decode(line, type=_Version).schema_version
            if version != SCHEMA_VERSION:
                raise RunFolderError(
                    f"{path}, line {number}: written with schema {version}, this version reads {SCHEMA_VERSION}."
                )
            records.append(msgspec.json.decode(line, type=Record))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise RunFolderError(f"{path}, line {number} is not a record: {error}.") from error
    return records


class _Version(msgspec.Struct):
    schema_version: int
