"""Programs of others that a trial may start: where they are, and which version they are."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from systems.errors import BadInput


def found(name: str) -> str | None:
    """Return the path of the program ``name``: the one installed beside this Python, else the one on the PATH."""
    beside = Path(sys.executable).parent
    return shutil.which(name, path=os.pathsep.join([str(beside), os.environ.get("PATH", os.defpath)]))


def path(name: str) -> str:
    """Return the path of a program that is there. Raises `BadInput`."""
    there = found(name)
    if there is None:
        raise BadInput(f"There is no program {name} on this machine.")
    return there


def version(name: str) -> str:
    """Return what a program that is there says to ``--version``. Raises `BadInput`, or SubprocessError if it fails."""
    told = subprocess.run([path(name), "--version"], capture_output=True, check=True, timeout=60, text=True)
    return told.stdout.strip()
