"""A run folder: what was asked (``run.json``), its records (``trials.jsonl``), its artifacts and its report.

One runner at a time owns a folder: it holds a lock on ``run.json`` for as long as it writes.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from experiments.errors import RunFolderError, StorageError
from experiments.measuring.profiles import Profile
from experiments.measuring.records import (
    SCHEMA_VERSION,
    WORKLOAD,
    Calibrated,
    EngineSpec,
    Levels,
    Scalar,
    Skipped,
    refuse_if_finished,
)

INFO = "run.json"
TRIALS = "trials.jsonl"
ARTIFACTS = "artifacts"


class RunInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What one run was asked to do, where, and with what. ``planned`` counts its trials.

    ``shapes`` are the made models that some study needed besides the model of record, by name; ``settings`` what
    the person set on systems and engines, by their names. ``part``, ``only`` and ``arms`` chose among the studies'
    trials, as `experiments.measuring.plan.make` takes them; ``workload`` is what says the conversations.
    ``code_versions`` are those of its trials; where there are none they all have that of the run. ``skipped`` is what
    this machine could not run when the run was begun or last gone on with; ``lacking`` says, in clauses, what it had
    not of the profile, which then was not enforced, whatever the backend held. ``calibrated`` is how the engines were
    found to be fastest when the run was begun.
    """

    schema_version: int = SCHEMA_VERSION
    run_id: str
    created: str
    preset: str
    blocks: int
    seed: int
    studies: tuple[str, ...]
    systems: tuple[str, ...]
    profile: Profile
    backend: str
    enforced: bool
    engine: EngineSpec
    shapes: dict[str, EngineSpec] = {}
    settings: dict[str, dict[str, Scalar]] = {}
    part: str | None = None
    only: dict[str, Levels] = {}
    arms: bool = False
    workload: str = WORKLOAD
    code_version: str
    code_versions: tuple[str, ...] = ()
    environment: dict[str, Any]
    planned: int
    skipped: tuple[Skipped, ...] = ()
    lacking: tuple[str, ...] = ()
    calibrated: tuple[Calibrated, ...] = ()

    @property
    def enforcement(self) -> str:
        """How the limits were enforced, or that they were not, and why."""
        if self.enforced:
            return f"enforced by {self.backend}"
        return f"NOT enforced ({'; '.join(self.lacking)})" if self.lacking else "NOT enforced"


def read_info(folder: Path) -> RunInfo:
    """Read ``run.json`` of ``folder``. Raises `RunFolderError` if it is no run of this schema."""
    path = folder / INFO
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise RunFolderError(f"{folder} is not a run: it has no {INFO}.") from error
    except OSError as error:
        raise RunFolderError(f"Cannot read {path}: {error.strerror}.") from error
    try:
        version = msgspec.json.decode(data, type=dict[str, Any]).get("schema_version")
        if version != SCHEMA_VERSION:
            raise RunFolderError(
                f"{folder} was written with schema {version}; this version reads schema {SCHEMA_VERSION}."
            )
        return msgspec.json.decode(data, type=RunInfo)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RunFolderError(f"{path} is not a run description: {error}.") from error


def folders(path: Path) -> list[Path]:
    """Return the run folders that ``path`` stands for: itself, or else those in it, by name; none where it has none.

    Raises `StorageError` where it cannot be looked into.
    """
    try:
        if (path / INFO).is_file():
            return [path]
        return sorted(each for each in path.iterdir() if (each / INFO).is_file()) if path.is_dir() else []
    except OSError as error:
        raise StorageError(f"Cannot look for runs in {path}: {error.strerror}.") from error


class RunFolder:
    """A run folder held for writing. Use as a context manager; leaving it gives the lock back."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._lock: int | None = None

    @property
    def trials(self) -> Path:
        """Where the records are."""
        return self.path / TRIALS

    @property
    def artifacts(self) -> Path:
        """Where files that belong to a record are."""
        return self.path / ARTIFACTS

    def __enter__(self) -> RunFolder:
        try:
            self.artifacts.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise StorageError(f"Cannot write to the run folder {self.path}: {error.strerror}.") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._lock)
            self._lock = None
            raise RunFolderError(
                f"Another runner is writing to {self.path}; wait for it or choose another --out."
            ) from error
        return self

    def __exit__(self, *_: object) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def write_info(self, info: RunInfo) -> None:
        """Write ``run.json`` whole or not at all. Raises `StorageError`, and `RunFolderError` for a finished run."""
        refuse_if_finished(self.trials)
        write_whole(self.path / INFO, msgspec.json.format(msgspec.json.encode(info), indent=2) + b"\n")


def free(parent: Path, name: str) -> Path:
    """Return the first of ``name``, ``name-2`` and so on that is not in ``parent`` yet."""
    return next(path for path in _numbered(parent, name) if not path.exists())


def claim(parent: Path, name: str) -> Path:
    """Make the first of ``name``, ``name-2`` and so on that nobody made before in ``parent``, and return it.

    Of two runs that begin in the same second each gets a folder of its own. Raises `StorageError`.
    """
    for path in _numbered(parent, name):
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise StorageError(f"Cannot write to the run folder {path}: {error.strerror}.") from error
        return path
    raise AssertionError("There is always another number.")


def _numbered(parent: Path, name: str) -> Iterator[Path]:
    yield parent / name
    yield from (parent / f"{name}-{number}" for number in count(2))


def write_whole(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` so that a reader sees all of it or nothing. Raises `StorageError`."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):  # where nothing can be written, nothing was
            partial.unlink()
        raise StorageError(f"Cannot write {path}: {error.strerror}.") from error
