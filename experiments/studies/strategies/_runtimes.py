"""Programs that exist twice, for Python and for runtimes of JavaScript, and how a trial runs one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from experiments.measuring import programs
from experiments.measuring.role import Role
from systems.errors import SystemFailed


def command(runtime: str, program: Path, *flags: str) -> list[str]:
    """Return what runs ``program`` (its Python form) in ``runtime``, which gets ``flags``. Raises `BadInput`.

    Nothing is imported from the program's folder, whose modules have names of their own.
    """
    if runtime == "python":
        return [sys.executable, "-P", *flags, str(program)]
    return [programs.path(runtime), *flags, str(program.with_suffix(".cjs"))]


def run(runtime: str, program: Path, plan: str, *flags: str) -> bytes:
    """Run ``program`` on ``plan`` to its end and return what it printed. Raises `SystemFailed` where it ends badly."""
    done = subprocess.run([*command(runtime, program, *flags), plan], stdout=subprocess.PIPE, check=False)
    _check(done.returncode, runtime, program)
    return done.stdout


def run_looked_at(runtime: str, program: Path, plan: str, look: Callable[[str], None]) -> bytes:
    """Do as `run`, of a program that prints words before its answer, a line each, and waits until ``look`` had each."""
    told, pipe = b"", subprocess.PIPE
    with subprocess.Popen([*command(runtime, program), plan], stdin=pipe, stdout=pipe) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(b"{"):
                told = line
                continue
            look(line.decode().strip())
            process.stdin.write(b"go\n")
            process.stdin.flush()
    _check(process.returncode, runtime, program)
    return told


def note_version(role: Role, runtime: str) -> None:
    """Note in the record which version of ``runtime`` the trial runs; that of Python every run says."""
    if runtime != "python":
        role.part.counters[f"{runtime} {programs.version(runtime)}"] = 1


def _check(status: int, runtime: str, program: Path) -> None:
    if status:
        raise SystemFailed(f"The program {program.stem} in {runtime} ended with status {status}.")
