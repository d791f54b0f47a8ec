"""Plan → records: runs what is missing, one trial after another, and leaves nothing behind."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from experiments.errors import CannotEnforce, StorageError, WholeBlockVoid
from experiments.measuring import records, trial
from experiments.measuring.leftovers import Leftovers
from experiments.measuring.limits import page_cache
from experiments.measuring.limits.interface import Backend, RunGroup
from experiments.measuring.limits.janitor import Janitor
from experiments.measuring.limits.room import shortages
from experiments.measuring.profiles import Profile
from experiments.measuring.records import Outcome, Record, TrialSpec
from experiments.measuring.resuming import command_to_resume
from experiments.measuring.runs import RunFolder, read_info
from experiments.measuring.void_blocks import VoidBlocks
from systems import registry
from systems.errors import CannotWrite, FourgigError
from systems.models import cache

# A trial's memory file, memory trace and record together stay well below this.
ROOM_BYTES = 64 * 2**20

Started = Callable[[TrialSpec], None]
Finished = Callable[[Record], None]


def run(
    trials: Sequence[TrialSpec],
    folder: RunFolder,
    backend: Backend,
    profile: Profile,
    run_id: str,
    *,
    models: Mapping[str, Path],
    voids_noise: bool,
    on_start: Started,
    on_finish: Finished,
    keep_going: bool = False,
) -> None:
    """Run ``trials`` and append each record to ``folder`` as soon as it exists; ``models`` are files by SHA-256.

    Raises `KeyboardInterrupt` on an interrupt or a termination signal, after cleaning up; the trial that was running
    leaves no record and is run again by a resume. Raises `StorageError` when a record cannot be written, and
    `WholeBlockVoid` where nothing of a block can count (`experiments.measuring.void_blocks`), unless ``keep_going``.
    """
    work_dir = folder.path / ".work"
    # The path of a socket must be short, which that of a run folder need not be.
    sockets = Path(tempfile.gettempdir()) / f"fourgig-{secrets.token_hex(4)}"
    environment = prepare()
    groups: dict[str, RunGroup] = {}
    leftovers = Leftovers()
    # The janitor comes first and hears of every group at once: a runner can be killed at any moment.
    folders = [str(work_dir), str(sockets)]
    with _terminated_as_interrupted(), Janitor([], folders, mark=leftovers.mark) as janitor:
        try:
            room = backend.room()
            lacking = {
                limits.name: tuple(each.found for each in shortages(limits, room))
                for limits in _profiles(profile, trials)
            }
            whole = backend.enforced and not lacking[profile.name]
            for limits in _profiles(profile, trials):
                # Only the run's own limits must be enforceable: a trial under others is void where they are not.
                if whole and lacking[limits.name]:
                    continue
                with suppress(*(() if limits == profile else (CannotEnforce,))):
                    # The number of this process: two runs may begin in the same second.
                    name = f"{run_id}-{os.getpid()}" + (f"-{limits.name}" if limits != profile else "")
                    groups[limits.name] = backend.open_run(name, limits)
                    janitor.guard(groups[limits.name].clean_up_paths())
            site = trial.Site(
                backend=backend.name,
                enforced=backend.enforced,
                lacking=lacking,
                groups=groups,
                janitor=janitor,
                leftovers=leftovers,
                work_dir=work_dir,
                sockets=sockets,
                artifacts=folder.artifacts,
                models=models,
                cold_files=page_cache.parsed_dictionaries(Path(environment["FOURGIG_JIEBA_CACHE"])),
                shared_files=page_cache.shared_files(_read_by(trials)),
                environment=environment,
                voids_noise=voids_noise,
            )
            void = VoidBlocks(trials, records.read(folder.trials))
            for spec in trials:
                _require_room(folder.path, models)
                on_start(spec)
                record = trial.run(spec, site)
                records.append(folder.trials, record)
                on_finish(record)
                if (said := void.after(record)) and not keep_going:
                    again = command_to_resume(folder.path, read_info(folder.path), models=models)
                    raise WholeBlockVoid(
                        f"{said}. The run stopped there (with --keep-going it runs on all the same). What was measured "
                        f"is safe: mend that, then go on with: {again}"
                    )
        finally:
            for group in groups.values():
                group.close()
            for left in (work_dir, sockets):
                shutil.rmtree(left, ignore_errors=True)


def _read_by(trials: Sequence[TrialSpec]) -> set[str]:
    """Return the packages whose files a cold start of any of the trials' systems reads."""
    names = {spec.system for spec in trials if spec.system is not None}
    return {package for name in names for package in registry.systems.get(name).reads}


def _profiles(profile: Profile, trials: Sequence[TrialSpec]) -> list[Profile]:
    """Return the run's own limits, then any others that trials name, each once."""
    return list({limits.name: limits for limits in (profile, *(spec.profile for spec in trials))}.values())


def _require_room(path: Path, models: Mapping[str, Path]) -> None:
    """Stop before a trial that a full disk would make fail for a reason of its own. Raises `StorageError`."""
    free = shutil.disk_usage(path).free
    if free < ROOM_BYTES:
        again = command_to_resume(path, read_info(path), models=models)
        raise StorageError(
            f"Only {free / 2**20:.0f} MiB of space are left for {path}; a trial may need {ROOM_BYTES // 2**20} MiB. "
            f"The trials before are safe: make room, then go on with: {again}"
        )


def missing(trials: Sequence[TrialSpec], done: Sequence[Record]) -> list[TrialSpec]:
    """Return the trials that have no record yet, or none but void ones, in order."""
    keys = {record.key for record in done if record.outcome is not Outcome.INVALID}
    return [spec for spec in trials if spec.key not in keys]


def prepare() -> dict[str, str]:
    """Write what libraries would otherwise write during the first trial, and return the roles' environment.

    jieba keeps a parsed copy of its dictionary; the first trial must not be the one to pay for it. Raises `CannotWrite`
    where it cannot be kept.
    """
    folder = cache.cache_folder() / "jieba"
    environment = {"FOURGIG_JIEBA_CACHE": str(folder)}
    if not any(folder.glob("*.cache")):
        cache.made(folder.name)
        done = subprocess.run(
            [sys.executable, "-c", "from systems.memory.keywords import Keywords; Keywords().load()"],
            env={**os.environ, **environment},
            stderr=subprocess.PIPE,
            check=False,
        )
        if done.returncode != 0:
            words = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise FourgigError(f"jieba's dictionary could not be prepared: {words[-1] if words else done.returncode}.")
        if not any(folder.glob("*.cache")):  # jieba only logs that
            raise CannotWrite(f"The parsed dictionary could not be kept in {folder}: is its disk full?")
    return environment


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Let a termination signal take the same way out as Ctrl-C."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
