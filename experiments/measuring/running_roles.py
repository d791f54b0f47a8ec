"""The process of one role of one trial, as the runner has it: started, listened to, ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from experiments.measuring import logs
from experiments.measuring.limits.interface import TrialGroup
from experiments.measuring.limits.janitor import Janitor
from experiments.measuring.records import Part
from experiments.measuring.role import Assignment


class RunningRole:
    """A role's process, its pipes, and the files it reads and writes, in ``folder``. The constructor starts it."""

    def __init__(
        self,
        assignment: Assignment,
        folder: Path,
        *,
        group: TrialGroup | None,
        environment: Mapping[str, str],
        janitor: Janitor,
    ) -> None:
        self._part = Path(assignment.part_path)
        self._log = folder / f"{assignment.role}.log"
        path = folder / f"{assignment.role}.json"
        path.write_bytes(msgspec.json.encode(assignment))
        argv = [sys.executable, "-P", "-m", "experiments.measuring.role_process", str(path)]
        self._janitor = janitor
        with self._log.open("wb") as log:
            self.spawned_s = time.monotonic()
            self.popen = subprocess.Popen(
                group.command(argv) if group else argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=folder,
                env={**os.environ, **environment, "TMPDIR": str(folder)},
                start_new_session=True,
            )
        self._janitor.watch(self.popen.pid)
        self._buffer = b""

    def lines(self) -> list[str]:
        """Return the whole lines the role has said since last asked."""
        if self.popen.stdout is None:
            return []
        data = os.read(self.popen.stdout.fileno(), 65536)
        *whole, self._buffer = (self._buffer + data).split(b"\n")
        return [line.decode("utf-8", "replace") for line in whole]

    def go(self) -> None:
        """Let the role go on."""
        if self.popen.stdin is not None:
            with suppress(BrokenPipeError):
                self.popen.stdin.write(b"go\n")
                self.popen.stdin.flush()

    def end(self) -> None:
        """Kill the role and what it started, and wait."""
        with suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()
        self._janitor.forget(self.popen.pid)
        for pipe in (self.popen.stdin, self.popen.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()

    def part(self) -> Part | None:
        """Return what the role wrote, or None if it wrote nothing whole."""
        try:
            return msgspec.json.decode(self._part.read_bytes(), type=Part)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return None

    def last_words(self) -> str:
        """Return the last line the role printed, and how it ended."""
        words, code = logs.last_words(self._log), self.popen.returncode
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        return f"{words} ({how})" if words else how
