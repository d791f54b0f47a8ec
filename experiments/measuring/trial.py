"""One trial: fresh processes for its roles, inside and outside the limits, watched until they end.

The page cache is emptied first of the files the subject will read; the group's memory is sampled while it runs; and
when the subject asks for it, what it holds is read from outside. However a trial ends, it ends as a record.
"""

from __future__ import annotations

import os
import selectors
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from experiments.errors import CannotEnforce, EngineFailed, ServiceFailed
from experiments.measuring import logs, looking, placement, running_engine, running_services, validity
from experiments.measuring.leftovers import Leftovers
from experiments.measuring.limits import kills, page_cache
from experiments.measuring.limits.interface import GroupMemory, RunGroup, TrialGroup
from experiments.measuring.limits.janitor import Janitor
from experiments.measuring.limits.kernel import JOIN_FAILED, JOIN_FAILED_WORDS
from experiments.measuring.meanwhile import Meanwhile
from experiments.measuring.records import GroupSample, Outcome, Outside, Record, TrialSpec
from experiments.measuring.role import Assignment
from experiments.measuring.running_engine import RunningEngine
from experiments.measuring.running_roles import RunningRole
from experiments.measuring.running_services import Place, RunningServices
from experiments.measuring.study import studies
from systems.errors import BadInput, FourgigError, told

# How often the group's memory is read. A reading costs well under a millisecond of one processor.
_SAMPLE_S = 0.25
# Up to this much of the evicted files may be resident when a trial starts: read-ahead by others, not a warm model.
_UNCLEAN_BYTES = 2**20
# A dying service closes its connections first, and whoever had one may be gone before it.
_DYING_S = 0.5


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """Where and with what the trials of a run happen on this machine.

    ``groups`` are the run's groups by profile name; a profile this machine cannot enforce has none. ``lacking`` says
    what this machine has not of a profile, by its name. ``models`` are the files by SHA-256. ``sockets`` is where
    services have theirs; it need not exist.
    ``cold_files`` must be out of the page cache when a trial starts, and so must the model if the trial uses one.
    ``shared_files`` (libraries, dictionaries of installed packages) are dropped as far as they can be: another
    program may have them mapped, or they may belong to another user; what is seen to stay is recorded.
    ``voids_noise`` makes a noisy trial void; otherwise it is only flagged, by the reason in its record.
    ``environment`` is added to every role's.
    """

    backend: str
    enforced: bool
    groups: Mapping[str, RunGroup]
    lacking: Mapping[str, tuple[str, ...]]
    janitor: Janitor
    leftovers: Leftovers
    work_dir: Path
    sockets: Path
    artifacts: Path
    models: Mapping[str, Path]
    cold_files: tuple[Path, ...]
    shared_files: tuple[Path, ...]
    environment: dict[str, str]
    voids_noise: bool

    def model(self, spec: TrialSpec) -> Path | None:
        """Return the file of the trial's model; None if it uses none."""
        if spec.engine is None or spec.engine.model_sha256 is None:
            return None
        return self.models[spec.engine.model_sha256]


def run(spec: TrialSpec, site: Site) -> Record:
    """Run one trial and return its record. Only an interrupt comes out as an exception; it leaves nothing behind."""
    lacking = site.lacking[spec.profile.name]
    record = Record(
        key=spec.key,
        spec=msgspec.structs.replace(spec, labels=(*spec.labels, *lacking)),
        outcome=Outcome.INVALID,
        backend=site.backend,
        enforced=site.enforced and not lacking,
        started_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        outside=Outside(),
    )
    try:
        _measure(record, site)
    except (FourgigError, OSError) as error:
        # Whatever kept this trial from being measured, the next one may be; a full disk stops the run at the append.
        record.outcome, record.reason = Outcome.INVALID, told(error)
    record.reason = logs.readable(record.reason)
    return record


def _measure(record: Record, site: Site) -> None:
    spec = record.spec
    model = site.model(spec)
    if spec.profile.name not in site.groups:
        why = "; ".join(site.lacking[spec.profile.name]) or f"{site.backend} cannot enforce it here"
        raise CannotEnforce(f"The profile {spec.profile.name} is not that of the run, and not to be had: {why}.")
    if left_running := site.leftovers.still_running():
        record.reason = f"processes of an earlier trial run on and cannot be ended: {left_running}"
        return
    record.outside.shared_files_left_bytes = sum(_evict_if_possible(path) for path in site.shared_files)
    left = record.outside.page_cache_left_bytes = page_cache.evict((*site.cold_files, *((model,) if model else ())))
    if left > _UNCLEAN_BYTES:
        record.reason = f"{left} bytes of the files to be read stayed in the page cache: another process holds them."
        return
    with _folder(site, spec) as folder:
        group = site.groups[spec.profile.name].trial(spec.key)
        meanwhile = Meanwhile(*_placement(spec.profile.cpus))
        watch = _Watch(spec, site, folder, group, record)
        try:
            with site.leftovers.ended_after(group):
                watch.until_the_end()
        finally:
            inside_s = group.cpu_seconds() if group.is_apart else None
            group.remove()
        record.outside.host = meanwhile.noise(inside_s, watch.cpu_seconds_beside)
        meanwhile.excuse(record)
        if record.outcome is not Outcome.OK:
            record.logs = logs.keep(folder, site.artifacts, record.key)
        if record.outcome is Outcome.OK and (noise_seen := validity.noise(record)):
            record.outcome = Outcome.INVALID if site.voids_noise else Outcome.OK
            record.reason = noise_seen
        _keep_artifacts(record, folder, site.artifacts)


def _placement(cpus: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the processors of the subject and of the client: apart where there are enough, else shared."""
    return placement.split(cpus, os.sched_getaffinity(0))


def _evict_if_possible(path: Path) -> int:
    try:
        return page_cache.evict([path])
    except BadInput:
        return 0


class _Watch:
    """Follows one trial from the spawn of its subject to its outcome."""

    def __init__(self, spec: TrialSpec, site: Site, folder: Path, group: TrialGroup, record: Record) -> None:
        self._spec, self._site, self._folder, self._group = spec, site, folder, group
        self._record, self._outside = record, record.outside
        self._services = RunningServices({}, [])
        self._client: RunningRole | None = None
        self._engine: RunningEngine | None = None
        self._selector = selectors.DefaultSelector()
        self._problem: tuple[Outcome, str] | None = None
        self._services_beside_s = 0.0

    @property
    def cpu_seconds_beside(self) -> float:
        """The processor time of the trial's own processes outside the limits: its client and services."""
        client = self._record.part("client")
        return self._services_beside_s + ((client.cpu_seconds if client else None) or 0.0)

    def until_the_end(self) -> None:
        inside, outside = _placement(self._spec.profile.cpus)
        place = Place(
            folder=self._folder,
            sockets=self._site.sockets,
            group=self._group,
            inside_cpus=inside,
            outside_cpus=outside,
            janitor=self._site.janitor,
            leftovers=self._site.leftovers,
        )
        try:
            with running_services.running(self._spec.services, place) as self._services:
                self._outside.services = self._services.runs
                self._with_services()
        except ServiceFailed as error:
            self._outside.group = self._group.memory()
            self._record.reason = str(error)
            self._say_if_killed_for_memory()

    def _with_services(self) -> None:
        if not self._spec.engine_apart:
            self._with_engine()
            return
        try:
            with running_engine.running(lambda: self._role("engine"), self._spec.timeout_s) as self._engine:
                self._with_engine()
        except EngineFailed as error:
            self._outside.group = self._group.memory()
            self._record.outcome, self._record.reason = Outcome.CRASHED, str(error)
            self._say_if_killed_for_memory()

    def _with_engine(self) -> None:
        subject = self._start("subject")
        self._outside.spawned_s = subject.spawned_s
        try:
            self._follow(subject)
            failed = self._problem is not None or bool(subject.popen.poll())
            if self._engine is not None and (ended := self._engine.ended()):
                self._problem = (Outcome.CRASHED, ended)
            if ended := self._services.ended(_DYING_S if failed else 0.0):
                self._problem = (Outcome.INVALID, ended)
        finally:
            # A killed subject must not be mistaken for a finished one; a finished one has written its part.
            for process in (self._client, subject):
                if process is not None:
                    process.end()
            self._outside.duration_s = round(time.monotonic() - subject.spawned_s, 3)
            self._services_beside_s = self._services.cpu_seconds_outside()
        self._conclude(subject)
        if self._engine is not None and (part := self._engine.finish()):
            self._record.parts.append(part)

    def _start(self, role: Literal["subject", "client"], address: str | None = None) -> RunningRole:
        process = self._role(role, address)
        if process.popen.stdout is not None:
            self._selector.register(process.popen.stdout, selectors.EVENT_READ, process)
        self._selector.register(process.ending, selectors.EVENT_READ, process)
        return process

    def _role(self, role: Literal["subject", "engine", "client"], address: str | None = None) -> RunningRole:
        subject_cpus, client_cpus = _placement(self._spec.profile.cpus)
        group = None if role == "client" else self._group
        model = self._site.model(self._spec)
        assignment = Assignment(
            role=role,
            spec=self._spec,
            work_dir=str(self._folder),
            part_path=str(self._folder / f"{role}-part.json"),
            cpus=client_cpus if role == "client" else subject_cpus,
            runner_pid=os.getpid(),
            model_path=str(model) if model else None,
            address=address,
            engine_address=self._engine.address if self._engine else None,
            services=self._services.addresses,
            members=group.members_file if group else None,
            others=self._inside_before() if group else (),
        )
        return RunningRole(
            assignment,
            self._folder,
            group=group,
            environment=self._site.environment,
            janitor=self._site.janitor,
            leftovers=self._site.leftovers,
        )

    def _inside_before(self) -> tuple[int, ...]:
        """Return the processes inside the limits that are not below the subject."""
        return (*((self._engine.pid,) if self._engine else ()), *self._services.inside_pids)

    def _follow(self, subject: RunningRole) -> None:
        end = subject.spawned_s + self._spec.timeout_s
        next_sample = subject.spawned_s
        while True:
            now = time.monotonic()
            if now >= next_sample:
                self._sample(now - subject.spawned_s)
                next_sample = max(next_sample + _SAMPLE_S, now)
            for key, _ in self._selector.select(max(0.0, min(next_sample, end) - time.monotonic())):
                process: RunningRole = key.data
                if key.fd == process.ending:
                    self._selector.unregister(key.fileobj)
                    continue
                for line in process.lines():
                    self._heard(process, line)
                if process.silent:
                    self._selector.unregister(key.fileobj)
            if self._client is not None and self._client.popen.poll() is not None:
                client, self._client = self._client, None
                self._forget(client)
                client.end()
                self._outside.exit_status["client"] = client.popen.returncode
                part = client.part()
                if part is None:
                    self._problem = (Outcome.CRASHED, f"client: {client.last_words()}")
                    return
                self._record.parts.append(part)
                subject.go()
            if subject.popen.poll() is not None or self._services.ended():
                return
            if self._engine is not None and self._engine.ended():
                return
            if time.monotonic() >= end:
                self._problem = (Outcome.TIMED_OUT, f"not finished after {self._spec.timeout_s:g} s")
                return

    def _forget(self, process: RunningRole) -> None:
        for key in [key for key in self._selector.get_map().values() if key.data is process]:
            self._selector.unregister(key.fileobj)

    def _heard(self, process: RunningRole, line: str) -> None:
        word, _, rest = line.partition(" ")
        if word == "listening":
            self._client = self._start("client", rest)
        elif word == "look":
            self._look(process, rest)
            process.go()

    def _look(self, subject: RunningRole, name: str) -> None:
        """Read what only the outside can know, while the subject holds still."""
        outside = self._outside
        look = outside.looks[name] = looking.look(self._group, [subject.popen.pid, *self._inside_before()])
        outside.group, outside.cpu_seconds = look.memory, look.cpu_seconds
        outside.tree_pss_bytes, outside.tree_rss_bytes = look.tree_pss_bytes, look.tree_rss_bytes
        outside.pressure = self._group.pressure()

    def _sample(self, at_s: float) -> None:
        now = self._group.memory()
        if now.current_bytes is not None:
            self._outside.timeline.append(
                GroupSample(
                    at_s=round(at_s, 3),
                    current_bytes=now.current_bytes,
                    anonymous_bytes=now.anonymous_bytes,
                    file_bytes=now.file_bytes,
                )
            )

    def _conclude(self, subject: RunningRole) -> None:
        outside, record = self._outside, self._record
        outside.exit_status["subject"] = subject.popen.returncode
        outside.group = _latest(outside.group, self._group.memory())
        part = subject.part()
        if part is not None:
            record.parts.insert(0, part)
        if self._say_if_killed_for_memory(on_purpose=part is not None and part.went_beyond):
            return
        if self._problem is not None:
            record.outcome, record.reason = self._problem
        elif subject.popen.returncode == JOIN_FAILED and subject.last_words().startswith(JOIN_FAILED_WORDS):
            record.reason = f"the subject could not enter the limits: {subject.last_words()}"
        elif subject.popen.returncode != 0:
            record.outcome, record.reason = Outcome.CRASHED, subject.last_words()
        elif part is None:
            said = subject.last_words()
            record.outcome, record.reason = Outcome.CRASHED, f"it ended before it had written what it saw: {said}"
        elif problem := self._lacks_client():
            record.outcome, record.reason = Outcome.CRASHED, problem
        else:
            record.outcome = Outcome.OK

    def _lacks_client(self) -> str:
        """Return that the trial should have had a client and had none; empty where all is well."""
        if self._record.part("client") is not None:
            return ""
        try:
            wanted = studies.get(self._spec.study)().has_client(self._spec)
        except Exception as error:  # noqa: BLE001 - another package may raise anything: it costs its own trials
            return f"the study does not tell whether the trial has a client: {told(error)}"
        return "the subject ended before the client began" if wanted else ""

    def _say_if_killed_for_memory(self, *, on_purpose: bool = False) -> bool:
        kill = kills.of(self._outside.group, self._spec.profile)
        if kill is None or (on_purpose and kill.at_its_limit):
            return False
        self._record.outcome = Outcome.OUT_OF_MEMORY if kill.at_its_limit else Outcome.INVALID
        self._record.reason = kill.reason
        return True


def _latest(at_the_look: GroupMemory, at_the_end: GroupMemory) -> GroupMemory:
    """Keep what was held when the subject was whole; take what only grows (peak, refaults, kills) from the end."""
    return GroupMemory(
        current_bytes=at_the_look.current_bytes,
        anonymous_bytes=at_the_look.anonymous_bytes,
        file_bytes=at_the_look.file_bytes,
        peak_bytes=at_the_end.peak_bytes if at_the_end.peak_bytes is not None else at_the_look.peak_bytes,
        refaults=at_the_end.refaults if at_the_end.refaults is not None else at_the_look.refaults,
        oom_kills=at_the_end.oom_kills if at_the_end.oom_kills is not None else at_the_look.oom_kills,
        limit_ooms=at_the_end.limit_ooms if at_the_end.limit_ooms is not None else at_the_look.limit_ooms,
    )


@contextmanager
def _folder(site: Site, spec: TrialSpec) -> Iterator[Path]:
    """Give the trial an empty folder of its own, on the disk that holds the results, and remove it afterwards."""
    folder = site.work_dir / spec.key
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _keep_artifacts(record: Record, folder: Path, artifacts: Path) -> None:
    for part in record.parts:
        for kind, name in part.artifacts.items():
            kept = artifacts / f"{record.key}-{Path(name).name}"
            shutil.move(folder / name, kept)
            part.artifacts[kind] = f"{artifacts.name}/{kept.name}"
