"""Run the command from a process that has the libraries loaded, and what the command plans and reports with.

That is most of what a command costs. Imported anew by every command, as when a person runs it, is the command itself,
and what another package brings. Where a command is to be stopped or killed, or what it imports is to be seen, a test
starts a real one.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import io
import json
import os
import pkgutil
import runpy
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import NoReturn

LIBRARIES = (
    *("jinja2", "matplotlib.backends.backend_agg", "matplotlib.backends.backend_svg", "matplotlib.figure", "msgspec"),
    *("pandas", "psutil", "rich.progress", "rich.table", "scipy.special", "typer"),
)
OURS = (
    *("experiments.measuring.environment", "experiments.measuring.plan", "experiments.measuring.runner"),
    "experiments.report.build",
)


class Forked:
    """Runs programs written in Python, one after another, each in a process forked for it."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self._server: subprocess.Popen[bytes] | None = None

    def run(
        self, program: Path, arguments: list[str], environment: dict[str, str], folder: Path, within_s: float
    ) -> subprocess.CompletedProcess[str]:
        """Run ``program`` in ``folder`` to its end, as `subprocess.run` does, and return what it said."""
        if self._server is None:
            self._server = subprocess.Popen(
                [sys.executable, __file__],
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
            )
        server, argv = self._server, [str(program), *arguments]
        assert server.stdin is not None and server.stdout is not None
        said = [folder.with_name(f"{folder.name}-{which}") for which in ("out", "err")]
        asked = {"argv": argv, "environment": environment, "folder": str(folder), "said": list(map(str, said))}
        server.stdin.write(json.dumps(asked).encode() + b"\n")
        server.stdin.flush()
        with selectors.DefaultSelector() as selector:
            selector.register(server.stdout, selectors.EVENT_READ)
            if not selector.select(within_s):
                self.close()
                raise subprocess.TimeoutExpired(argv, within_s)
        answered = server.stdout.readline()
        if not answered:
            self.close()
            raise ChildProcessError("The process that the commands are forked from has ended.")
        out, err = (path.read_text() for path in said)
        return subprocess.CompletedProcess(argv, int(answered), out, err)

    def close(self) -> None:
        """Kill the server and a program it may still be running."""
        if self._server is not None:
            os.killpg(self._server.pid, signal.SIGKILL)
            self._server.communicate()
            self._server = None


def serve() -> None:
    """Run what each line of the standard input asks for, and answer with its exit code."""
    for name in LIBRARIES:
        importlib.import_module(name)
    warm_up()
    load_ours()
    gc.freeze()  # what no collection looks at stays shared, here and when a child ends
    for line in sys.stdin.buffer:
        child = os.fork()
        if child == 0:
            try:
                become(**json.loads(line))
            except SystemExit as left:
                if isinstance(left.code, str):
                    raise
                end(left.code or 0)
            # Whatever else the program raises goes up through here, and the interpreter ends as it does for anyone.
            return
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def warm_up() -> None:
    """Have a figure drawn: the fonts are found and open then, and whatever else is looked up once a process."""
    from matplotlib.figure import Figure

    figure = Figure(layout="constrained")
    figure.subplots().plot([1.0, 2.0], label="a line")
    figure.legend(loc="outside lower left", title="a title")
    figure.savefig(io.BytesIO(), format="svg")


def load_ours() -> None:
    """Import what a run plans with and a report is made with: nothing of it is looked up, found out or decided yet."""
    for name in OURS:
        importlib.import_module(name)
    from experiments import metrics
    from experiments.measuring.study import studies
    from experiments.report import build

    for name in studies.built_in_names():
        importlib.import_module(studies.address(name).partition(":")[0])
    for module in pkgutil.iter_modules(metrics.__path__, f"{metrics.__name__}."):
        importlib.import_module(module.name)
    for page in ("report.html.j2", "claims.html.j2"):
        build.templates().get_template(page)


def become(argv: list[str], environment: dict[str, str], folder: str, said: list[str]) -> None:
    """Be a process of its own that runs the program ``argv[0]`` and says what it says into two files."""
    for descriptor, path in enumerate([os.devnull, *said]):
        flags = os.O_RDONLY if descriptor == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        opened = os.open(path, flags, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.chdir(folder)
    os.environ.update(environment)
    tempfile.tempdir = None  # settled once a process: a library may have asked for it already
    sys.argv = argv
    sys.path[0] = str(Path(argv[0]).parent)
    runpy.run_path(argv[0], run_name="__main__")


def end(code: int) -> NoReturn:
    """End as the interpreter does, but leave what all the libraries hold to the kernel, which takes it back at once."""
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    serve()
