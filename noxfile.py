"""The project's sessions: ``nox -s experiments`` runs the main job, ``nox -s tests`` the tests.

Every session makes its own environment. llama-cpp-python is compiled once for this processor, kept beside the made
models in the cache folder, and shared by all of them.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
from pathlib import Path

import nox

nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "types", "tests"]
# A Python that is not on this machine is named as skipped, also where nox would take its absence for a failure.
nox.options.error_on_missing_interpreters = False

HERE = Path(__file__).parent
LLAMA = re.search(r'"(llama-cpp-python==[\d.]+)"', (HERE / "pyproject.toml").read_text())[1]

# Those that the tests have passed on. Every other session uses the Python that nox itself runs on.
PYTHONS = ("3.11", "3.12", "3.13", "3.14")

# What llama.cpp computes with AMX ends the process (ggml-org/llama.cpp, issue 20824; systems/models/llama_library.py).
UNUSED = ("-mno-amx-tile", "-mno-amx-int8", "-mno-amx-bf16")


@nox.session
def experiments(session: nox.Session) -> None:
    """Run the studies and write a report: the quick preset, or what follows after --."""
    install(session, "simulator")
    session.run("fourgig", "run", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests, two files at a time; after --, ``--long`` runs those that take long too, ``-n 0`` one by one."""
    install(session, "tests", "simulator")
    session.run("pytest", "-n", "2", "--dist", "loadfile", *session.posargs)


@nox.session(python=PYTHONS)
def pythons(session: nox.Session) -> None:
    """Run the tests with every supported Python that is on the PATH; ``-s pythons-3.13`` with that one."""
    tests(session)


@nox.session
def clients(session: nox.Session) -> None:
    """Have other people's agents and clients talk with the server."""
    install(session, "tests", "clients")
    session.run("pytest", "tests/systems/server/test_other_clients.py", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Time the parts, with pytest's options after --; or run the whole benchmark named there: ``-- batching``."""
    install(session, "tests")
    if session.posargs and not session.posargs[0].startswith("-"):
        name, *options = session.posargs
        session.run("python", "-m", f"tests.benchmarks.{name}", *options)
    else:
        # Kept under the commit's name in .benchmarks/, so that any two commits can be compared.
        shown = ("--benchmark-group-by=func", "--benchmark-columns=median,iqr,rounds")
        session.run("pytest", "tests/benchmarks/parts", "--benchmark-autosave", *shown, *session.posargs)


@nox.session
def reader(session: nox.Session) -> None:
    """Train the reader and measure it, within an hour or two on 2 cores; a killed training goes on where it was."""
    install(session, "training")
    out = "results/reader"
    session.run("python", "-m", "experiments.reader.train", "--out", out, *session.posargs)
    session.run("python", "-m", "experiments.reader.measure", "--model", f"{out}/reader.gguf")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and layout."""
    session.install("ruff")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types."""
    install(session, "types")
    session.run("mypy")


@nox.session
def audit(session: nox.Session) -> None:
    """Look for known vulnerabilities in what the project depends on; what cannot be looked up is a failure."""
    install(session)
    session.install("pip-audit")
    installed = session.run("python", "-m", "pip", "freeze", "--exclude-editable", silent=True)
    requirements = Path(session.create_tmp(), "requirements.txt")
    requirements.write_text(installed)
    session.run("pip-audit", "--strict", "--disable-pip", "--no-deps", "--requirement", str(requirements))


@nox.session
def paper(session: nox.Session) -> None:
    """Make the paper from a run: the reference run, or the folder given after --."""
    install(session, "paper")
    session.run("python", "-m", "experiments.report.paper", *session.posargs)


@nox.session
def notebooks(session: nox.Session) -> None:
    """Run every notebook from top to bottom, and leave each as a page in results/notebooks."""
    install(session, "notebooks")
    books = sorted(map(str, Path("notebooks").glob("*.ipynb")))
    pages = ["--to", "html", "--output-dir", "results/notebooks"]
    session.run("jupyter", "nbconvert", "--execute", *pages, *session.posargs, *books)


def install(session: nox.Session, *extras: str) -> None:
    """Install the project in its own folder's state, and the compiled engine from where it is kept."""
    kept = compiled_engine(session)
    wanted = f".[{','.join(extras)}]" if extras else "."
    session.install("--find-links", str(kept), "--editable", wanted)


def compiled_engine(session: nox.Session) -> Path:
    """Return the folder with llama-cpp-python compiled for this processor, compiling it if it is not there."""
    base = os.environ.get("FOURGIG_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "fourgig"
    able = processor()
    flags = " ".join(unused for unused in UNUSED if unused.removeprefix("-mno-").replace("-", "_") in able)
    build = hashlib.sha256(" ".join((*able, flags)).encode()).hexdigest()[:8]
    kept = Path(base).expanduser() / "engine" / f"{LLAMA.replace('==', '-')}-{platform.machine()}-{build}"
    if not any(kept.glob("*.whl")):
        session.log(f"compiling {LLAMA} for this processor, once: some minutes")
        building = kept / f"building-{os.getpid()}"
        # The binary is made here, never taken from elsewhere: what it can do must fit this very processor.
        session.run_install(
            "python", "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-cache-dir", "--no-binary", "llama-cpp-python",
            "--wheel-dir", str(building), LLAMA,
            env={name: f"{os.environ.get(name, '')} {flags}".strip() for name in ("CFLAGS", "CXXFLAGS")},
        )  # fmt: skip
        for wheel in building.glob("*.whl"):
            wheel.replace(kept / wheel.name)
        building.rmdir()
    return kept


def processor() -> list[str]:
    """Return what this processor can do: a binary made for one must not move to another."""
    info = Path("/proc/cpuinfo")
    flags = re.search(r"^(?:flags|Features)\s*:(.*)$", info.read_text(), re.MULTILINE) if info.exists() else None
    return flags[1].split() if flags else [platform.processor()]
