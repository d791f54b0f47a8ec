"""The batched engine behind HTTP beside llama.cpp's own server at its best: one memory, one client, one work.

    python -m tests.benchmarks.servers [--models 135m smollm2:q4_0] [--loads short long] [--blocks 6] [--found FILE]
                                       [--search-only] [--llama-set="--flash-attn on ..."] [--set NAME=VALUE ...]

Both serve OpenAI's chat completions to the engine ``openai``, in fresh processes, and each has as many MiB for its
context and for what it keeps of idle conversations. In a block every model and load is measured on both, one after the
other, and who comes first alternates.

Before, the options of llama.cpp's server are searched for each load, on the first of the models, which are meant to be
of one shape (`llama_server` says what is tried and why): first the slots, then each other choice with the best so far,
by successive halving over requests a second, with two turns a user, but all of them in the slots' second round. What
stays far below the best of its round is given up. The other side has no search: it runs as ``fourgig serve`` does,
but for ``--set``. With ``--found`` the result is kept in a file and taken from it where it is there; ``--llama-set``
names the options itself. Without a path llama.cpp's server is built, once, from the sources that llama-cpp-python
carries.

Replies are greedy and free, past the end of text, so that both make the same number of tokens; the histories hold what
each has said. Checked and printed: requests, tokens generated, and tokens of first prompts, which must be equal, and
those of all prompts, of which a hundredth may differ, because the same tokens can be said in another text. Peak memory
is the server process's, with the mapped model. At the end each ratio, fourgig over llama-server, has its median over
blocks, the least and the most, and from six blocks on a 95 % interval of its mean; and what both reach of the bounds
that `roofline` measures before.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import NamedTuple

import msgspec

from experiments.analysis.pairing import summarise
from experiments.measuring import code
from experiments.measuring.probes.host import environment
from systems.engines.batched.context import Model
from systems.engines.interface import Sampling
from systems.engines.llama import usable_cpus
from systems.engines.openai import OpenAIEngine, OpenAISettings
from systems.errors import EngineError
from systems.models.find import resolve
from tests.benchmarks import llama_server, roofline, searching
from tests.benchmarks.batching import OtherWork, TooSlow, Work, measure
from tests.benchmarks.conversations import LOADS, Load
from tests.benchmarks.llama_server import Needs, Room, Setup
from tests.benchmarks.serving import CannotServe, peak_mib, serving

SERVERS = ("llama-server", "fourgig")

# A setup that would reach less than this share of the best of its round is given up.
_FAR_BELOW = 0.9

# Replies of random weights are text that is no text: told as tokens again, they may be some more.
_RETOLD = 1.15


class Race(NamedTuple):
    """One model and one load, and what is known of them before."""

    model: str
    load_name: str
    load: Load
    path: Path
    least: roofline.Least
    rates: roofline.Rates

    @property
    def title(self) -> str:
        """How it is told from the others."""
        return f"{self.model}, {self.load_name}"


def races(given: argparse.Namespace) -> list[Race]:
    """Return what is to be measured, with its bounds, which are measured here."""
    found = []
    for model_name in given.models:
        path = resolve(model_name).path
        model = Model(path, use_mmap=True, repack=True)
        for name in given.loads:
            load = LOADS[name]
            if given.users:
                load = msgspec.structs.replace(load, users=given.users)
            least = roofline.least(model, load)
            rates = roofline.measured(model, path, load.users, least.held)
            found.append(Race(model_name, name, load, path, least, rates))
            print("\n  ".join([f"{found[-1].title}:", *roofline.lines(rates, least)]), flush=True)
        model.close()
    return found


@contextmanager
def _serving(name: str, race: Race, given: argparse.Namespace, setup: Setup) -> Iterator[tuple[str, int]]:
    def command(port: int) -> list[str]:
        where = ["--model", str(race.path), "--port", str(port)]
        if name == "llama-server":
            return [str(given.llama_server), *where, *llama_server.arguments(setup)]
        settings = {
            "batched.slots": given.slots,
            "batched.context_tokens": race.load.context,
            "batched.memory_bytes": given.memory << 20,
            "server.sockets": race.load.users + 8,
        }
        chosen = [*(f"{key}={value}" for key, value in settings.items()), *given.set]
        run = "from experiments.commands.cli import main; main()"
        serve = ["-c", run, "serve", "--system", "none", "--engine", "batched"]
        return [sys.executable, *serve, *where, *(part for each in chosen for part in ("--set", each))]

    ready = "health" if name == "llama-server" else "readyz"
    more = llama_server.variables(setup) if name == "llama-server" else {}
    with serving(command, ready, more, verbose=given.verbose) as found:
        yield found


def _client(url: str, load: Load) -> OpenAIEngine:
    return OpenAIEngine(OpenAISettings(url=url, requests=load.users, sampling=Sampling(temperature=0)))


def run(name: str, race: Race, given: argparse.Namespace, setup: Setup) -> tuple[dict[str, float], Work]:
    """Measure one server once, and print it."""
    with _serving(name, race, given, setup) as (url, pid):
        found, work = measure(_client(url, race.load), race.load)
        found["peak_mib"] = peak_mib(pid)
    figures = "  ".join(f"{key} {value:.4g}" for key, value in found.items())
    print(
        f"{race.title}: {name:12s}  {figures}\n    {work.requests} requests, tokens of first prompts "
        f"{work.first_tokens}, of all prompts {work.prompt_tokens}, reused {work.reused_tokens}, generated "
        f"{work.generated_tokens}, computed {work.computed_tokens}",
        flush=True,
    )
    return found, work


def require_equal(one: Work, other: Work) -> None:
    """Raises `SystemExit` where the two did not do the same work."""
    fields = ("requests", "first_tokens", "generated_tokens")
    if any(getattr(one, field) != getattr(other, field) for field in fields) or not (
        0.99 <= one.prompt_tokens / other.prompt_tokens <= 1.01
    ):
        raise SystemExit(f"This is not the same work:\n{one}\n{other}")


def search(race: Race, given: argparse.Namespace) -> dict[str, str]:
    """Return the setup of llama.cpp's server that answers most requests a second."""
    room = Room(given.memory, race.rates.token_bytes, usable_cpus())
    needs = Needs(race.load.users, race.load.context, int(race.least.longest * _RETOLD))
    setup = llama_server.usual(needs, room)
    shorter = msgspec.structs.replace(race.load, turns=min(2, race.load.turns))

    def rate(change: Setup, number: int, best: float) -> float:
        tried = llama_server.changed(setup, change)
        # How long the histories become matters for where they are kept.
        load = race.load if number and choice == "slots" else shorter
        limit_s = load.users * load.turns / (best * _FAR_BELOW) if best else None
        try:
            with _serving("llama-server", race, given, tried) as (url, _):
                reached = measure(_client(url, load), load, limit_s=limit_s)[0]["requests_per_s"]
            said = f"{reached:.3g}"
        except TooSlow:
            reached, said = 0.0, "far below"
        except (CannotServe, EngineError, OtherWork) as error:
            reached, said = 0.0, f"failed: {type(error).__name__}"
        print(f"    round {number + 1}  {said:9s}  {llama_server.written(change) or 'as it is'}", flush=True)
        return reached

    for choice, changes in llama_server.choices(needs, room):
        print(f"  {race.load_name}, {choice}: requests a second", flush=True)
        others = [change for change in changes if llama_server.changed(setup, change) != setup]
        setup = llama_server.changed(setup, searching.best([{}, *others], 2, rate))
    return setup


def setups(found: Sequence[Race], given: argparse.Namespace) -> dict[str, dict[str, str]]:
    """Return the setup of llama.cpp's server for each load: as given, as kept, or searched."""
    kept: dict[str, str] = {}
    if given.found and given.found.exists():
        kept = json.loads(given.found.read_text())
    for race in found:
        if given.llama_set:
            kept[race.load_name] = given.llama_set
        elif race.load_name not in kept:
            print(f"searching options of llama-server on {race.title}", flush=True)
            kept[race.load_name] = llama_server.written(search(race, given))
            if given.found:
                given.found.write_text(json.dumps(kept, indent=1) + "\n")
    for name in dict.fromkeys(race.load_name for race in found):
        print(f"llama-server for {name}: {kept[name]}", flush=True)
    return {name: llama_server.read(text) for name, text in kept.items()}


def summary(race: Race, blocks: Sequence[dict[str, dict[str, float]]]) -> Iterator[str]:
    """Yield what to print of one race, over its blocks."""
    yield f"{race.title}: fourgig over llama-server, {len(blocks)} blocks"
    for key in blocks[0]["fourgig"]:
        ratios = [block["fourgig"][key] / block["llama-server"][key] for block in blocks]
        line = f"  {key:24s} × {median(ratios):.2f} ({min(ratios):.2f} … {max(ratios):.2f})"
        one = summarise(ratios)
        yield line if one.low is None else f"{line}  mean × {one.geometric_mean:.3f} ({one.low:.3f} … {one.high:.3f})"
    bounds = {"attainable": race.rates.attainable(race.least), "roof": race.rates.roof(race.least)}
    for name in SERVERS:
        reached = median(block[name]["requests_per_s"] for block in blocks)
        of = ", ".join(f"{reached / bound:.0%} of {what}" for what, bound in bounds.items())
        yield f"  {name:12s} {reached:.2f} requests/s: {of}"


def main() -> None:
    """Measure both, in blocks."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--models", nargs="+", default=roofline.MODELS)
    parser.add_argument("--loads", nargs="+", choices=list(LOADS), default=list(LOADS))
    parser.add_argument("--blocks", type=int, default=6)
    parser.add_argument("--users", type=int, help="instead of as many as the load has, to try")
    parser.add_argument("--slots", type=int, default=16, help="of fourgig")
    parser.add_argument("--memory", type=int, default=1024, help="MiB of context and kept states")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="more settings of fourgig")
    parser.add_argument("--llama-server", type=Path)
    parser.add_argument("--llama-set", default="", help="its options, instead of a search")
    parser.add_argument("--found", type=Path, help="where the search's result is kept, and taken from")
    parser.add_argument("--search-only", action="store_true")
    parser.add_argument("--verbose", action="store_true", help="what the servers print as well")
    given = parser.parse_args()
    given.llama_server = given.llama_server or llama_server.built()
    host, package = environment(), llama_server.PACKAGE
    print(f"{usable_cpus()} × {host['cpu_model']}, Linux {platform.release()}; {datetime.now(UTC):%Y-%m-%d}")
    print(f"both with the llama.cpp of {package} {version(package)}; code version {code.version(None, 'load')}\n")
    measured = races(given)
    chosen = setups(measured, given)
    found: dict[str, list[dict[str, dict[str, float]]]] = {race.title: [] for race in measured}
    for block in range(0 if given.search_only else given.blocks):
        print(f"\nblock {block + 1}", flush=True)
        for race in measured:
            done = {name: run(name, race, given, chosen[race.load_name]) for name in SERVERS[:: 1 - 2 * (block % 2)]}
            require_equal(done["fourgig"][1], done["llama-server"][1])
            found[race.title].append({name: figures for name, (figures, _) in done.items()})
    for race in measured:
        if blocks := found[race.title]:
            print("\n" + "\n".join(summary(race, blocks)))


if __name__ == "__main__":
    main()
