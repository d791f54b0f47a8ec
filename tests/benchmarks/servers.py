"""The batched engine behind HTTP beside llama.cpp's own server: one model, one memory, one client, one workload.

    python -m tests.benchmarks.servers [what `tests.benchmarks.batching` takes] [--slots 16] [--memory 1024]
                                       [--llama-server PATH] [--llama-set="..."]

Both serve OpenAI's chat completions to the engine ``openai``; they alternate in blocks, each in fresh processes. Each
has as many slots, and as many MiB for its context and for what it keeps of idle conversations. Replies are generated
freely, past the end of text, so that both make the same number of tokens. Without a path llama.cpp's server is built,
once, from the sources that llama-cpp-python carries, and kept in the cache folder. Peak memory is the server process's.
"""

from __future__ import annotations

import argparse
import shlex
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from statistics import median
from urllib.error import URLError
from urllib.request import urlopen

from systems.engines.batched.context import Model, padded
from systems.engines.openai import OpenAIEngine, OpenAISettings
from systems.models.check import cache_folder
from systems.models.find import resolve
from tests.benchmarks.batching import arguments, measure

SERVERS = ("llama-server", "fourgig")
_START_S = 120.0


def built() -> Path:
    """Return llama.cpp's server, built from the sources of the installed llama-cpp-python if it is not there yet."""
    wanted = f"llama-cpp-python=={version('llama-cpp-python')}"
    folder = cache_folder() / "llama-server" / wanted.partition("==")[2]
    server = folder / "build" / "bin" / "llama-server"
    if server.exists():
        return server
    folder.mkdir(parents=True, exist_ok=True)
    print(f"building llama.cpp's server from {wanted}, once: about ten minutes", file=sys.stderr)
    fetch = ["download", "--quiet", "--no-deps", "--no-binary", "llama-cpp-python", "--dest", str(folder), wanted]
    subprocess.run([sys.executable, "-m", "pip", *fetch], check=True)
    [archive] = folder.glob("*.tar.gz")
    with tarfile.open(archive) as sources:
        sources.extractall(folder, filter="data")
    [code] = folder.glob("*/vendor/llama.cpp")
    options = ["LLAMA_OPENSSL=OFF", "LLAMA_BUILD_TESTS=OFF", "LLAMA_BUILD_EXAMPLES=OFF", "LLAMA_USE_PREBUILT_UI=OFF"]
    options += ["LLAMA_BUILD_UI=OFF", "BUILD_SHARED_LIBS=OFF", "GGML_NATIVE=ON", "CMAKE_BUILD_TYPE=Release"]
    configure = ["cmake", "-S", str(code), "-B", str(folder / "build"), *(f"-D{option}" for option in options)]
    subprocess.run(configure, check=True, stdout=sys.stderr)
    build = ["cmake", "--build", str(folder / "build"), "--target", "llama-server", "--parallel"]
    subprocess.run(build, check=True, stdout=sys.stderr)
    return server


def command(name: str, given: argparse.Namespace, port: int) -> list[str]:
    """Return the command line that serves."""
    path, slots, threads = str(resolve(given.model).path), given.slots, given.threads
    if name == "fourgig":
        settings = {
            "batched.slots": slots,
            "batched.context_tokens": given.context,
            "batched.memory_bytes": given.memory << 20,
            "batched.threads": threads,
            "server.sockets": given.users + 8,
        }
        chosen = [part for item in settings.items() for part in ("--set", "{}={}".format(*item))]
        run = "from experiments.commands.cli import main; main()"
        serve = ["-c", run, "serve", "--system", "none", "--engine", "batched"]
        return [sys.executable, *serve, "--model", path, "--port", str(port), *chosen]
    model = Model(Path(path), use_mmap=True, repack=True)
    context = slots * padded(given.context)
    left = given.memory - context * model.bytes_a_token("f16") // 2**20
    model.close()
    options = {
        "--model": path,
        "--port": port,
        "--parallel": slots,
        "--ctx-size": context,
        "--threads": threads,
        "--batch-size": 2048,
        "--ubatch-size": 512,
        "--cache-ram": left,
        # What was fastest of what was tried: by default a slot is chosen by what of a prompt it shares, and here all
        # share the system prompt, so that what is kept of idle conversations is never asked for.
        "--slot-prompt-similarity": 0,
        "--flash-attn": "on",
    }
    server = given.llama_server or built()
    return [str(server), *(str(part) for item in options.items() for part in item), *shlex.split(given.llama_set)]


@contextmanager
def serving(name: str, given: argparse.Namespace) -> Iterator[tuple[str, int]]:
    """Run a server; gives its address and its process number."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    log = None if given.verbose else subprocess.DEVNULL
    with subprocess.Popen(command(name, given, port), stdout=log, stderr=log) as process:
        try:
            _wait(f"http://127.0.0.1:{port}/{'health' if name == 'llama-server' else 'readyz'}", process)
            yield f"http://127.0.0.1:{port}/v1", process.pid
        finally:
            process.terminate()


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _START_S
    while process.poll() is None and time.monotonic() < until:
        try:
            with urlopen(url, timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.2)
    raise SystemExit(f"The server did not start: {process.args}")


def peak_mib(pid: int) -> float:
    """Return the most memory the process has held, in MiB."""
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def main() -> None:
    """Measure both, in blocks."""
    parser = arguments(__doc__)
    parser.add_argument("--slots", type=int, default=16)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", type=int, default=1024, help="MiB of context and kept states")
    parser.add_argument("--llama-server", type=Path)
    parser.add_argument("--llama-set", default="", help='more options of its own: --llama-set="--flash-attn off"')
    given = parser.parse_args()
    ratios: dict[str, list[float]] = {}
    for block in range(given.blocks):
        found = {}
        for name in SERVERS[:: 1 if block % 2 == 0 else -1]:
            with serving(name, given) as (url, pid):
                found[name] = measure(OpenAIEngine(OpenAISettings(url=url, requests=given.users)), given)
                found[name]["peak_mib"] = peak_mib(pid)
            print(name.ljust(12), "  ".join(f"{key} {value:.4g}" for key, value in found[name].items()), flush=True)
        for key in found["fourgig"]:
            ratios.setdefault(key, []).append(found["fourgig"][key] / found["llama-server"][key])
    for key, values in ratios.items():
        print(f"{key:24s} × {median(values):.2f} ({min(values):.2f} … {max(values):.2f})")


if __name__ == "__main__":
    main()
