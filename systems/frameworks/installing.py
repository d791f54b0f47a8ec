"""Make the interpreter of a system, whole or not at all, and take it away again.

uv does it where it is on the PATH, otherwise the standard library's venv and this interpreter's pip: as this machine
has them configured. An environment is made where it stays, because it knows its own place; what counts is the note that
is written last (`systems.frameworks.environments`). Whoever makes or removes one holds a lock on the system's name,
which the programs that it starts inherit: two at once wait for each other, also where one of them was killed and what
it had started goes on.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import msgspec

from systems.errors import BadInput, CannotWrite, ExitCode, FourgigError, words
from systems.frameworks import environments
from systems.frameworks.environments import Environment
from systems.frameworks.folders import Framework
from systems.models import cache

Progress = Callable[[str, int], None]
"""Called with what is being done, and with the bytes that are there so far."""

# What an installer printed, and pip's own log, which tells more of the network.
_SAID, _LOG = "said", "log"
_LOOKED_EVERY_S = 2.0
_TELL_VERSION = "import sys; print('%d.%d.%d' % sys.version_info[:3])"
# Another installer's names of one package differ in what does not count.
_TELL_PACKAGES = """
import importlib.metadata, json, re
found = [each for each in importlib.metadata.distributions() if each.metadata["Name"]]
print(json.dumps({re.sub("[-_.]+", "-", each.metadata["Name"]).lower(): each.version for each in found}))
"""

_FULL = re.compile(r"No space left on device|os error 28\b|Errno 28\b|Disk quota exceeded|os error 122\b")
_NOT_REACHED = re.compile(
    r"connection broken|connection reset|timed out|NewConnectionError|Max retries exceeded|name resolution|"
    r"error sending request|client error \(Connect\)|dns error|connect error|Network connectivity is disabled",
    re.IGNORECASE,
)
# An index that answers "not found" was reached.
_NOT_FETCHED = re.compile(r"Could not fetch URL (?!.*\b404\b)")
_OTHER_PYTHON = re.compile(r"Requires-Python|requires a different Python|different python version|requires Python")
_NOT_THERE = re.compile(
    r"No matching distribution found for (?P<pip>.+)|[Bb]ecause (?P<uv>.+?) was not found|"
    r"there is no version of (?P<version>\S+)"
)


class CannotInstall(FourgigError):
    """The interpreter of a system cannot be made; the message says why, and nothing is left of it."""


class IndexNotReached(CannotInstall):
    """The package index that this machine is configured to ask does not answer."""

    exit_code = ExitCode.NO_ANSWER


def install(framework: Framework, python: str | None = None, progress: Progress | None = None) -> Environment:
    """Return what the interpreter of ``framework`` is; it is made by ``python`` (a path; None: this one) if need be.

    One that is there already is kept, unless it is of another Python than the one that is named. Where another process
    is making it, that one is waited for. Raises `BadInput` for a Python that is none or too old, `CannotInstall`, or
    `CannotWrite` where the cache cannot keep it.
    """
    version = _version(framework, python)
    folder = environments.place(framework)
    with _alone(framework, progress) as lock:
        made = environments.noted(folder)
        if made is None or (python is not None and made.python != version):
            made = _make(framework, folder, python or sys.executable, version, lock, progress)
        for other in _others(framework, folder):  # of earlier requirements
            shutil.rmtree(other, ignore_errors=True)
    return made


def remove(framework: Framework) -> int:
    """Take every interpreter of ``framework`` away, half made ones too; return how many bytes they held.

    Raises `CannotWrite`.
    """
    freed = 0
    with _alone(framework, None):
        for folder in _others(framework, None):
            freed += size(folder)
            try:
                shutil.rmtree(folder)
            except OSError as error:
                raise CannotWrite(f"{folder} cannot be removed: {error.strerror}.") from error
    return freed


def size(folder: Path) -> int:
    """Return the bytes that the files in ``folder`` hold; what has several names counts once, a link not at all."""
    found: dict[tuple[int, int], int] = {}
    for path, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):  # it is being moved about just now
                status = (Path(path) / name).lstat()
                if not stat.S_ISLNK(status.st_mode):
                    found[status.st_dev, status.st_ino] = status.st_size
    return sum(found.values())


def _version(framework: Framework, python: str | None) -> str:
    """Return the version of ``python``. Raises `BadInput` where it is none, or older than ``framework`` takes."""
    if python is None:
        version = ".".join(map(str, sys.version_info[:3]))
    else:
        try:
            asked = [python, "-I", "-c", _TELL_VERSION]
            done = subprocess.run(asked, stdin=subprocess.DEVNULL, capture_output=True, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise BadInput(f"{python} is no Python that can be run.") from error
        version = done.stdout.decode("utf-8", "replace").strip()
        if not re.fullmatch(r"\d+\.\d+\.\d+", version):
            raise BadInput(f"{python} is no Python that can be run.")
    oldest = framework.says.python
    if tuple(map(int, version.split(".")[:2])) < tuple(map(int, oldest.split("."))):
        raise BadInput(
            f"{framework.name} takes Python {oldest} or newer, and {python or sys.executable} is {version}: name a "
            "newer one with --python."
        )
    return version


@contextmanager
def _alone(framework: Framework, progress: Progress | None) -> Iterator[int]:
    """Be the one process that makes or removes an interpreter of ``framework``; gives the open file of the lock."""
    kept = cache.made(environments.FOLDER)
    try:
        lock = os.open(kept / f".{framework.name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise CannotWrite(f"The cache {kept} cannot be written: {error.strerror}.") from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if progress is not None:
                progress("waiting for the one who is at it", 0)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock
    finally:
        os.close(lock)


def _others(framework: Framework, folder: Path | None) -> list[Path]:
    """Return every folder in the cache that is an interpreter of ``framework``, whole or not, but ``folder``."""
    kept = cache.cache_folder() / environments.FOLDER
    ours = re.compile(rf"{re.escape(framework.name)}-[0-9a-f]{{12}}")
    return [path for path in sorted(kept.glob(f"{framework.name}-*")) if ours.fullmatch(path.name) and path != folder]


def _make(
    framework: Framework, folder: Path, python: str, version: str, lock: int, progress: Progress | None
) -> Environment:
    began = time.monotonic()
    try:
        shutil.rmtree(folder, ignore_errors=True)  # left by a process that was killed
        folder.mkdir()
        installer = _fill(framework, folder, python, lock, progress)
        made = Environment(
            python=version,
            installer=installer,
            packages=_packages(framework, environments.python_in(folder)),
            size_bytes=size(folder),
            took_s=round(time.monotonic() - began, 1),
            made=f"{datetime.now(UTC):%Y-%m-%d}",
        )
        _note(folder, made)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise CannotWrite(f"{framework.name} cannot be installed in {folder}: {error.strerror or error}.") from error
    except BaseException:  # interrupted, too
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return made


def _fill(framework: Framework, folder: Path, python: str, lock: int, progress: Progress | None) -> str:
    """Make the environment in an empty ``folder``; return what brought the packages. Raises what `_failure` returns."""
    uv = shutil.which("uv")
    for what, command in _commands(framework, folder, python, uv):
        if progress is not None:
            progress(what, 0)
        status, said = _watched(command, folder, lock, None if progress is None else partial(progress, what))
        if status:
            raise _failure(framework, folder, said)
    for log in (_SAID, _LOG):
        (folder / log).unlink(missing_ok=True)
    return _installer(uv)


def _commands(framework: Framework, folder: Path, python: str, uv: str | None) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield the commands that make the interpreter, each with what it does. Raises `CannotInstall`."""
    requirements, here = str(framework.requirements), str(environments.python_in(folder))
    any_packages = _names_any(framework.requirements)
    if uv is not None:
        made = [uv, "venv", "--quiet", "--no-project", "--allow-existing", "--python", python, str(folder)]
        yield "making an environment", made
        if any_packages:
            # pip compiles modules by itself; else the first trial would do it, and measure that.
            brought = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", here, "--requirement"]
            yield "installing packages", [*brought, requirements]
        return
    # -I and -P: a file venv.py or pip.py in the folder of whoever runs this is neither.
    yield "making an environment", [python, "-I", "-m", "venv", "--without-pip", str(folder)]
    if any_packages:
        if importlib.util.find_spec("pip") is None:
            raise CannotInstall(
                f"{framework.name} cannot be installed: there is neither uv on the PATH nor pip beside this Python. "
                "`pip install uv` in any environment on the PATH helps."
            )
        brought = [sys.executable, "-P", "-m", "pip", "--python", here, "install", "--quiet", "--no-input"]
        brought += ["--progress-bar=off", "--disable-pip-version-check", f"--log={folder / _LOG}", "--requirement"]
        yield "installing packages", [*brought, requirements]


def _names_any(requirements: Path) -> bool:
    lines = requirements.read_text("utf-8").splitlines()
    return any(line.strip() and not line.strip().startswith("#") for line in lines)


def _watched(
    command: Sequence[str], folder: Path, lock: int, progress: Callable[[int], None] | None
) -> tuple[int, str]:
    """Run ``command`` to its end, telling how much is in ``folder``; return its status and what it said."""
    told = folder / _SAID
    # An interrupt is heard once there is something to end, and not before: what was started must not go on.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with told.open("wb") as out:
            process = subprocess.Popen(
                command,
                env=_variables(os.environ),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                pass_fds=(lock,),
                start_new_session=True,  # what it starts ends with it
            )
        try:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            while True:
                with suppress(subprocess.TimeoutExpired):
                    status = process.wait(_LOOKED_EVERY_S)
                    break
                if progress is not None:
                    progress(size(folder))
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    return status, told.read_text("utf-8", errors="replace")


def _variables(ours: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that an installer gets.

    What is on the lab's path would count as installed. One more try is enough to tell that nothing answers, unless the
    environment says otherwise.
    """
    return {
        "PIP_RETRIES": "1",
        "UV_HTTP_RETRIES": "1",
        **{name: value for name, value in ours.items() if name not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")},
    }


def _failure(framework: Framework, folder: Path, said: str) -> FourgigError:
    """Return the error for an installer that failed, in a sentence made of what it ``said``."""
    name, lines = framework.name, [line.strip() for line in said.splitlines() if line.strip()]
    if _FULL.search(said):
        return CannotWrite(
            f"{name} cannot be installed: there is no space left in {folder.parent}, or where packages are unpacked "
            "(TMPDIR)."
        )
    log = folder / _LOG
    logged = log.read_text("utf-8", errors="replace") if log.exists() else ""
    if _NOT_REACHED.search(said) or _NOT_FETCHED.search(logged):
        return IndexNotReached(
            f"{name} cannot be installed: the package index that this machine is configured to ask cannot be reached."
        )
    if lacking := _NOT_THERE.search(said):
        wanted = words(Exception(next(filter(None, lacking.groups())))).rstrip(".,:")
        hint = " for this Python: name another one with --python" if _OTHER_PYTHON.search(said) else ""
        return CannotInstall(f"{name} cannot be installed: there is no package {wanted}{hint}.")
    last = next((line for line in lines if line.startswith(("ERROR:", "error:"))), lines[-1] if lines else "")
    why = words(Exception(last)).removesuffix(".") or "the installer does not say why"
    return CannotInstall(f"{name} cannot be installed: {why}.")


def _installer(uv: str | None) -> str:
    if uv is None:
        from importlib.metadata import PackageNotFoundError, version

        try:
            return f"pip {version('pip')}"
        except PackageNotFoundError:
            return "venv"
    done = subprocess.run([uv, "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return " ".join(done.stdout.split()[:2]) or "uv"


def _packages(framework: Framework, here: Path) -> dict[str, str]:
    """Return the packages that the interpreter ``here`` has, with versions. Raises `CannotInstall`."""
    done = subprocess.run(
        [here, "-I", "-c", _TELL_PACKAGES], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    try:
        return msgspec.json.decode(done.stdout, type=dict[str, str])
    except msgspec.MsgspecError as error:
        raise CannotInstall(f"{framework.name} cannot be installed: its interpreter {here} does not run.") from error


def _note(folder: Path, made: Environment) -> None:
    """Write the note, whole: from now on the environment counts."""
    part = folder / f"{environments.NOTE}.part"
    with part.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(made), indent=2) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    part.replace(folder / environments.NOTE)
