"""Systems of a test's own: folders with an adapter, and an installer that does what it is told to."""

from __future__ import annotations

import os
import sys
import textwrap
from pathlib import Path

import pytest

from systems.description import Description
from systems.frameworks import describing, environments, folders
from systems.frameworks.folders import Framework
from tests import conftest

SAYS = """\
name = "{name}"
summary = "A system of a test's own."
homepage = ""
python = "3.11"
streams = false
memory = "None."
{more}
"""

ECHO = """
class Agent:
    def __init__(self, settings, engine_url, data_dir): pass
    def start(self): pass
    def answer(self, request, on_token): return request["text"]
    def close(self): pass
"""

# Stands in for uv: makes a real environment, notes each call, and then sleeps, speaks and ends as the folder says.
_UV = """\
#!/bin/sh
here={here}
for last; do :; done
echo "$@" >> $here/called
case $1 in
--version) echo "uv 9.9.9" ;;
venv) if [ ! -e $here/says ]; then exec {python} -I -m venv --without-pip "$last"; fi ;;
pip)
    echo $$ > $here/pid
    if [ -e $here/sleep ]; then sleep "$(cat $here/sleep)"; fi
    if [ -e $here/says ]; then cat $here/says >&2; exit 1; fi ;;
esac
"""


def own_places(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep interpreters and added systems in ``folder``, and let no uv of this machine be found."""
    monkeypatch.setenv("FOURGIG_CACHE", str(folder / "cache"))
    monkeypatch.setenv(folders.VARIABLE, str(folder / "own"))
    monkeypatch.setenv("PATH", f"{folder / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin")


def uv(folder: Path) -> Path:
    """Put what stands in for uv on the path of `own_places`; return the folder that it reads and writes."""
    program = folder / "bin" / "uv"
    program.parent.mkdir(exist_ok=True)
    program.write_text(_UV.format(here=program.parent, python=sys.executable))
    program.chmod(0o755)
    return program.parent


def system(
    place: Path, name: str = "odd", *, adapter: str = ECHO, requirements: str = "", python: str = "3.11", more: str = ""
) -> Framework:
    """Write the folder of a system into ``place``, and return it."""
    folder = place / folders.folder_name(name)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / folders.SAYS).write_text(SAYS.format(name=name, more=more).replace("3.11", python))
    (folder / folders.REQUIREMENTS).write_text(requirements)
    (folder / folders.ADAPTER).write_text(textwrap.dedent(adapter))
    return folders.read(folder)


def runnable(name: str) -> tuple[Description, str]:
    """Return the description of a system of the lab's and the interpreter that runs it; skip the test without one.

    It is looked for in the cache that the tests were started with. The floor needs no package: any Python runs it.
    """
    framework = folders.get(name)
    with pytest.MonkeyPatch.context() as patch:
        if conftest._CACHE_OF_THIS_MACHINE is None:
            patch.delenv("FOURGIG_CACHE")
        else:
            patch.setenv("FOURGIG_CACHE", conftest._CACHE_OF_THIS_MACHINE)
        description, reason = describing.describe(framework), environments.missing(framework)
    if reason and name != "bare":
        pytest.skip(f"{name}: {reason}")
    return description, sys.executable if reason else str(description.interpreter)
