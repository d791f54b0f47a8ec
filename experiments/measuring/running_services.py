"""The services of one trial: started anew for it, awaited, watched, and stopped whatever happens."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import msgspec

from experiments.errors import ServiceFailed, reason
from experiments.measuring import endings, logs, placement, services
from experiments.measuring.leftovers import Leftovers
from experiments.measuring.limits.interface import TrialGroup
from experiments.measuring.limits.janitor import Janitor
from experiments.measuring.probes import processes
from experiments.measuring.records import ServiceRun, ServiceSpec

_ASK_AGAIN_S = 0.02
_MOST_PATH_BYTES = 107  # what the kernel takes for the path of a socket


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where services run: the trial's ``folder``, and ``sockets``, a folder with a short path for theirs.

    ``inside_cpus`` and ``outside_cpus`` are the processors of those inside the limits of ``group`` and of the others.
    """

    folder: Path
    sockets: Path
    group: TrialGroup
    inside_cpus: tuple[int, ...]
    outside_cpus: tuple[int, ...]
    janitor: Janitor
    leftovers: Leftovers


def version(name: str) -> str:
    """Return the version of what the service would start now. Raises `ServiceFailed`."""
    try:
        return logs.readable(str(services.get(name).version()))
    except Exception as error:  # another package may raise anything: it costs its own trials, and not the run
        raise ServiceFailed(f"The service {name} does not tell its version: {reason(error)}.") from error


class RunningService:
    """One service's process. The constructor starts it; whoever does so must `stop` it."""

    def __init__(self, spec: ServiceSpec, place: Place) -> None:
        self._kind = services.get(spec.name)
        self._spec, self._janitor, self._leftovers = spec, place.janitor, place.leftovers
        self._version = version(spec.name)
        self._log = place.folder / f"service-{spec.name}.log"
        folder = place.folder / f"service-{spec.name}"
        folder.mkdir()
        self._socket_folder = place.sockets / spec.name
        self.address = self._own_address()
        argv = placement.placed(self._command(folder), place.inside_cpus if spec.inside else place.outside_cpus)
        with self._log.open("wb") as log:
            self._started_s = time.monotonic()
            self._process = subprocess.Popen(
                place.group.command(argv) if spec.inside else argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=folder,
                env={**os.environ, **place.leftovers.environment, "TMPDIR": str(folder)},
                start_new_session=True,
            )
        self._janitor.watch(self._process.pid)

    @property
    def pid(self) -> int:
        """The number of its process."""
        return self._process.pid

    @property
    def inside(self) -> bool:
        """Whether it is inside the limits."""
        return self._spec.inside

    def _command(self, folder: Path) -> list[str]:
        try:
            return list(map(str, self._kind.command(folder, self.address)))
        except Exception as error:  # another package may raise anything: it costs its own trials, and not the run
            raise ServiceFailed(f"The service {self._spec.name} does not tell its command: {reason(error)}") from error

    def _own_address(self) -> str:
        if self._kind.listens == "port":
            with socket.socket() as found:
                found.bind(("127.0.0.1", 0))
                return f"127.0.0.1:{found.getsockname()[1]}"
        path = self._socket_folder / "socket"
        if len(os.fsencode(path)) > _MOST_PATH_BYTES:
            raise ServiceFailed(f"The service {self._spec.name} cannot listen on {path}: the path is too long.")
        shutil.rmtree(self._socket_folder, ignore_errors=True)
        self._socket_folder.mkdir(mode=0o700, parents=True)
        return str(path)

    def wait(self) -> ServiceRun:
        """Wait until it answers. Raises `ServiceFailed` where it ends before, or is not ready in time."""
        until = self._started_s + self._kind.ready_within_s
        while not self._answers():
            if ended := self.ended():
                raise ServiceFailed(ended)
            if time.monotonic() >= until:
                words = logs.last_words(self._log) or "it said nothing"
                raise ServiceFailed(
                    f"The service {self._spec.name} was not ready after {self._kind.ready_within_s:g} s: {words}"
                )
            time.sleep(_ASK_AGAIN_S)
        start_s = round(time.monotonic() - self._started_s, 3)
        return ServiceRun(name=self._spec.name, version=self._version, inside=self._spec.inside, start_s=start_s)

    def _answers(self) -> bool:
        try:
            return self._kind.ready(self.address)
        except (OSError, subprocess.SubprocessError):
            return False
        except Exception as error:  # as above
            raise ServiceFailed(
                f"The service {self._spec.name} cannot be asked whether it is ready: {reason(error)}"
            ) from error

    def ended(self) -> str:
        """Return that it ended, how, and its last words; empty while it runs."""
        code = self._process.poll()
        if code is None:
            return ""
        how = endings.how(code)
        words = logs.last_words(self._log)
        return f"The service {self._spec.name} ended by itself ({how})" + (f": {words}" if words else "")

    def stop(self) -> None:
        """Ask it to end, kill it and its session if it does not in time, and wait.

        What it started elsewhere is known then, and ended after the trial.
        """
        self._leftovers.know(self._process.pid)
        try:
            self._process.send_signal(self._kind.stops_by)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(self._kind.stops_within_s)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._janitor.forget(self._process.pid)
            shutil.rmtree(self._socket_folder, ignore_errors=True)


class RunningServices:
    """Every service of a trial, ready."""

    def __init__(self, running: Mapping[str, RunningService], runs: list[ServiceRun]) -> None:
        self._running = running
        self.runs = runs

    @property
    def inside_pids(self) -> tuple[int, ...]:
        """The processes of those inside the limits."""
        return tuple(each.pid for each in self._running.values() if each.inside)

    @property
    def addresses(self) -> dict[str, str]:
        """The address of each, by name."""
        return {name: each.address for name, each in self._running.items()}

    def cpu_seconds_outside(self) -> float:
        """Return the processor time so far of those outside the limits, with what they started."""
        roots = [each.pid for each in self._running.values() if not each.inside]
        return sum(processes.cpu_seconds(pid) for root in roots for pid in (root, *processes.descendants(root)))

    def ended(self, within_s: float = 0.0) -> str:
        """Return which service ended by itself, how, and its last words; empty if none has ``within_s`` from now."""
        until = time.monotonic() + within_s
        while self._running:
            found = next(filter(None, (each.ended() for each in self._running.values())), "")
            if found or time.monotonic() >= until:
                return found
            time.sleep(_ASK_AGAIN_S)
        return ""


@contextmanager
def running(specs: Iterable[ServiceSpec], place: Place) -> Iterator[RunningServices]:
    """Start the services one after another, and stop them in the end, the last one first. Raises `ServiceFailed`."""
    with ExitStack() as stack:
        started: dict[str, RunningService] = {}
        runs: list[ServiceRun] = []
        for spec in specs:
            started[spec.name] = RunningService(spec, place)
            stack.callback(started[spec.name].stop)
            runs.append(started[spec.name].wait())
        yield RunningServices(started, runs)
