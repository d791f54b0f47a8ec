"""What vectors find that words do not, and what they cost: full text, vectors and both, for each embedding model.

    python -m tests.benchmarks.embeddings [--models minilm e5-small wordllama] [--conversations 4] [--turns 500]

*Recall@10* is that of ``fourgig recall``: of the turns that hold the answer, the share among the ten found. *Full
text* is the default lookup (relevance), *vectors* the nearest by the model's vectors alone, *both* the two fused by
places; a model that reads Latin letters alone is not asked in others. The same questions are asked after the same
turns: natural conversations of the held-out split, by kind and language, of which the kind `paraphrased` shares no word
with its answer; and the conversations that people wrote, by file and language. Intervals are 95 %, conversations as
clusters; of one conversation, its questions.

The *costs* are those of a fresh process a model, asked about one natural conversation: time to make
a turn's vector (in the background, with as many threads as there are processors), time of a lookup by vectors alone,
memory that loading and reading added, and how much the file grew.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np

from experiments.analysis import clusters
from experiments.grading import stores
from experiments.grading.archives import Answered, graded
from experiments.measuring import code
from experiments.measuring.probes.host import environment
from experiments.workloads import archives
from experiments.workloads.archives.interface import Archive, ArchivedQuestion, ArchivedTurn
from experiments.workloads.remembering.natural.conversation import converse_naturally
from systems.engines.embedding.opening import embedding_engine
from systems.memory.fulltext import FullTextStore
from systems.memory.hybrid import HybridStore
from systems.memory.keywords import Keywords
from systems.memory.vectors import VectorIndex
from systems.models import embeddings
from tests.benchmarks.written import CONVERSATIONS

WORDS, MEASURE, DEEPEST = "full text", "recall@10", 20
_CHINESE = re.compile(r"[\u3400-\u9fff]")


def natural(seed: int, turns: int) -> Archive:
    """Return a natural conversation, its kinds of questions told apart by language."""
    conversation = converse_naturally(seed, turns)
    return Archive(
        name=f"natural {seed}",
        turns=[
            ArchivedTurn(str(place), told.text, said_at=told.created) for place, told in enumerate(conversation.turns)
        ],
        questions=[
            ArchivedQuestion(asked.text, f"{asked.kind} {asked.language}", tuple(map(str, asked.evidence)))
            for asked in conversation.questions
        ],
    )


def written() -> Iterator[Archive]:
    """Yield the conversations that people wrote; a question's kind is its file and language."""
    for part in ("settled", "held-out"):
        for path in sorted((CONVERSATIONS / part).glob("*.json")):
            for archive in archives.read(path):
                questions = [
                    msgspec.structs.replace(
                        one, kind=f"{part}/{path.stem} {'zh' if _CHINESE.search(one.text) else 'en'}"
                    )
                    for one in archive.questions
                ]
                yield msgspec.structs.replace(archive, name=f"{path} {archive.name}", questions=questions)


async def ask(archive: Archive, model: str, keywords: Keywords) -> tuple[list[Answered], dict[str, list[float]]]:
    """Return how each way answered every question, and the seconds of its lookups."""
    turns = stores.planted(keywords, [turn.text for turn in archive.turns], [turn.said_at for turn in archive.turns])
    texts = {turn.id: turn.text for turn in archive.turns}
    answered, seconds = [], {WORDS: [], f"vectors {model}": [], f"both {model}": []}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "memory.sqlite"
        words = FullTextStore(path)
        vectors = VectorIndex(words, embedding_engine(embeddings.resolve(model).path))
        both = HybridStore(words, vectors)
        await both.open()
        try:
            await both.save(turns)
            await vectors.caught_up()
            for question in archive.questions:
                for name, way in zip(seconds, (words, vectors, both), strict=True):
                    began = time.perf_counter()
                    found = await way.find(stores.SESSION, question.text, DEEPEST)
                    seconds[name].append(time.perf_counter() - began)
                    answered.append(graded(name, archive.name, question, [], found, texts))
        finally:
            await both.close()
    return answered, seconds


def cost(model: str, archive: Archive) -> dict[str, float]:
    """Return what ``model`` costs in this process, which has not loaded it yet."""
    keywords = Keywords(fast=True)
    keywords.load()
    turns = stores.planted(keywords, [turn.text for turn in archive.turns])
    path = embeddings.resolve(model).path
    questions = [question.text for question in archive.questions]

    async def run() -> dict[str, float]:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "memory.sqlite"
            plain = FullTextStore(file)
            await plain.open()
            await plain.save(turns)
            for question in questions:
                await plain.find(stores.SESSION, question, 10)
            without, before = _size(file), _memory()
            engine = embedding_engine(path)
            vectors = VectorIndex(plain, engine)
            began, worked = time.perf_counter(), time.process_time()
            await vectors.open()
            await vectors.caught_up()
            wall_s, work_s = time.perf_counter() - began, time.process_time() - worked
            after = _memory()
            seconds, asked = [], time.process_time()
            for question in questions:
                began = time.perf_counter()
                await vectors.find(stores.SESSION, question, 10)
                seconds.append(time.perf_counter() - began)
            asked = time.process_time() - asked
            await vectors.close()
            await plain.close()
            return {
                "made": vectors.made,
                "vector_ms": 1e3 * wall_s / vectors.made,
                "vector_cpu_ms": 1e3 * work_s / vectors.made,
                "lookup_ms": 1e3 * float(np.median(seconds)),
                "lookup_p95_ms": 1e3 * float(np.percentile(seconds, 95)),
                "lookup_cpu_ms": 1e3 * asked / len(questions),
                "anonymous_mib": (after[0] - before[0]) / 2**20,
                "mapped_mib": (after[1] - before[1]) / 2**20,
                "vector_bytes": (_size(file) - without) / vectors.made,
                "before_bytes": without / len(turns),
            }

    return asyncio.run(run())


def _memory() -> tuple[int, int]:
    """Return this process's anonymous memory, and what is mapped of files, in bytes."""
    found = dict(re.findall(r"^(Rss\w+):\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE))
    return 1024 * int(found["RssAnon"]), 1024 * int(found["RssFile"])


def _size(file: Path) -> int:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("VACUUM")
    return file.stat().st_size


def show(answered: Sequence[Answered], title: str) -> None:
    """Print a line a kind of question: the recall of each way, with the interval of what both find beyond full text."""
    ways = list(dict.fromkeys(one.store for one in answered))
    kinds = ["all", *sorted({one.kind for one in answered})]
    print(f"\n{title}: {MEASURE}")
    print(f"{'':26s}{'asked':>6s} " + " ".join(f"{way:>18s}" for way in ways))
    for kind in kinds:
        cells = []
        for way in ways:
            found = [one for one in answered if one.store == way and kind in ("all", one.kind)]
            values = [one.measures[MEASURE] for one in found]
            ends = clusters.interval(values, [one.conversation for one in found])
            cells.append(f"{np.mean(values):.3f}" + ("" if ends is None else f" [{ends[0]:.2f}, {ends[1]:.2f}]"))
        print(f"{kind:26s}{len(found):6d} " + " ".join(f"{cell:>18s}" for cell in cells), flush=True)


def show_gains(answered: Sequence[Answered], models: Sequence[str]) -> None:
    """Print what both rankings find beyond full text, question by question."""
    words = {(one.conversation, one.question): one.measures[MEASURE] for one in answered if one.store == WORDS}
    sharing = [one for one in answered if _shares(one)]
    for kinds, chosen in (("all", answered), ("without paraphrases", sharing)):
        if kinds != "all" and len(sharing) == len(answered):
            continue
        for model in models:
            found = [one for one in chosen if one.store == f"both {model}"]
            more = [one.measures[MEASURE] - words[one.conversation, one.question] for one in found]
            # Differences lie between -1 and 1, and an interval is wanted of shares.
            ends = clusters.interval([(each + 1) / 2 for each in more], [one.conversation for one in found])
            between = "" if ends is None else f" [{2 * ends[0] - 1:+.3f}, {2 * ends[1] - 1:+.3f}]"
            print(f"both {model} beyond full text, {kinds}: {np.mean(more):+.3f}{between}", flush=True)


def _shares(one: Answered) -> bool:
    """Return whether the question may share words with its answer."""
    return not one.kind.startswith("paraphrased")


def _distinct(answered: Sequence[Answered], models: Sequence[str]) -> list[Answered]:
    """Return every answer once: full text was asked beside each model."""
    seen: dict[tuple[str, str, str], Answered] = {}
    for one in answered:
        seen.setdefault((one.store, one.conversation, one.question), one)
    order = [WORDS, *(f"{way} {model}" for model in models for way in ("vectors", "both"))]
    return sorted(seen.values(), key=lambda one: order.index(one.store))


def main() -> None:
    """Measure one model's cost, as a child; or everything."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--models", nargs="+", choices=embeddings.names(), default=embeddings.names())
    parser.add_argument("--conversations", type=int, default=4)
    parser.add_argument("--turns", type=int, default=500)
    parser.add_argument("--cost", choices=embeddings.names(), help="measure this one's cost, in this process")
    given = parser.parse_args()
    if given.cost:
        print(json.dumps(cost(given.cost, natural(0, given.turns))))
        return
    host = environment()
    print("What vectors find that words do not, and what they cost")
    print(f"{host['cpus']} × {host['cpu_model']}, Linux {host['kernel']}, SQLite {host['sqlite']}; ", end="")
    print(f"load {os.getloadavg()[0]:.1f}; code version {code.version(None, 'memory')}; {datetime.now(UTC):%Y-%m-%d}")
    print("\n$ python -m tests.benchmarks.embeddings\n")
    for model in given.models:
        command = [sys.executable, "-m", "tests.benchmarks.embeddings", "--cost", model, "--turns", str(given.turns)]
        it = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        print(
            f"{model:10s} {it['made']} vectors, each {it['vector_ms']:6.2f} ms ({it['vector_cpu_ms']:6.2f} of CPU)  "
            f"a lookup p50 {it['lookup_ms']:6.2f} p95 {it['lookup_p95_ms']:6.2f} ms ({it['lookup_cpu_ms']:6.2f})  "
            f"memory {it['anonymous_mib']:5.0f} MiB and {it['mapped_mib']:4.0f} mapped  "
            f"file {it['before_bytes']:4.0f} bytes a turn, {it['vector_bytes']:4.0f} more with a vector",
            flush=True,
        )
    keywords = Keywords(fast=True)
    keywords.load()
    for title, asked in (
        (
            f"natural conversations of {given.turns} turns, held-out split",
            [natural(seed, given.turns) for seed in range(given.conversations)],
        ),
        ("conversations that people wrote", list(written())),
    ):
        answered: list[Answered] = []
        seconds: dict[str, list[float]] = {}
        for model in given.models:
            for archive in asked:
                some, took = asyncio.run(ask(archive, model, keywords))
                answered += some
                for way, each in took.items():
                    seconds.setdefault(way, []).extend(each)
        each_once = _distinct(answered, given.models)
        show(each_once, title)
        show_gains(each_once, given.models)
        print("p50 a lookup, ms: " + "  ".join(f"{way} {1e3 * np.median(each):.2f}" for way, each in seconds.items()))


if __name__ == "__main__":
    main()
