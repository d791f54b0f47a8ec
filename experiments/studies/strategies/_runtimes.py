"""Programs that exist twice, for Python and for runtimes of JavaScript, and how a trial runs one."""

from __future__ import annotations

import subprocess
import sys
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
    if done.returncode:
        raise SystemFailed(f"The program {program.stem} in {runtime} ended with status {done.returncode}.")
    return done.stdout


def note_version(role: Role, runtime: str) -> None:
    """Note in the record which version of ``runtime`` the trial runs; that of Python every run says."""
    if runtime != "python":
        role.part.counters[f"{runtime} {programs.version(runtime)}"] = 1
