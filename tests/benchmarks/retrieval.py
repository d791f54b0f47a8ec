"""What each way of retrieval finds and costs, and what cuts texts into the same words: one run, the same texts for all.

    python -m tests.benchmarks.retrieval [--memories 100000 1000000] [--queries 400] [--seed 0]

The store holds short messages of one session, English and Chinese in turn: words drawn as often as jieba's dictionary
says they occur, 5 to 12 a message. A known-item query is three words of one message, drawn from those that can be
keywords, heaviest first as an agent asks; half of the English ones are asked for in another form (bees for bee), as
people do. The message is *recalled* if it is among the ten found.

*published* is the traditional store's lookup: the newest messages whose three saved keywords contain an asked word.
*scored LIKE* looks for the words' stems anywhere in the text and ranks by how many it has, then by age: the simplest
lookup that finds as much, over one connection that stays open. The others are the full-text store's. Every reader is a
fresh process that opens the same file; its memory is what opening and asking added, without the segmenter.

The *segmenters*, each in a fresh process too, cut the same messages, and the turns of a conversation of
experiments/workloads/remembering: time and memory to load, time a message, and the share of messages of which both make
the same keywords.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from datetime import UTC, datetime
from itertools import accumulate, islice
from pathlib import Path
from random import Random

import numpy as np
import psutil

from experiments.measuring import code
from experiments.measuring.probes.host import environment
from experiments.workloads.remembering.conversation import converse
from systems.memory.fulltext import FullTextStore
from systems.memory.keywords import Keywords
from systems.memory.like import LikeStore
from systems.memory.schema import SavedTurn
from systems.memory.stemming import stem

SESSION, FOUND, ASKED = "reader", 10, 3
CUT = 20_000
"""Messages that the segmenters cut, and of a conversation a quarter as many turns."""

ENOUGH, ENOUGH_S = 100, 60.0
"""Queries that every way is asked, and the seconds after which it is asked no more than these."""

SEGMENTERS = {"jieba": False, "rjieba": True}
"""Each with what `Keywords` is told."""

Find = Callable[[Sequence[str]], Awaitable[list[str]]]


def messages(seed: int, count: int) -> Iterator[str]:
    """Yield ``count`` messages, none twice."""
    random = Random(f"messages {seed}")
    english, chinese = _vocabularies()
    seen = set()
    while len(seen) < count:
        words, weights, between = chinese if len(seen) % 2 else english
        text = between.join(random.choices(words, cum_weights=weights, k=random.randint(5, 12)))
        if text not in seen:
            seen.add(text)
            yield text


def _vocabularies() -> list[tuple[list[str], list[float], str]]:
    """Return words, cumulated weights and what stands between words, for English and Chinese."""
    import jieba

    lines = [line.split() for line in Path(jieba.__file__).with_name("dict.txt").read_text("utf-8").splitlines()]
    chinese = [(line[0], float(line[1])) for line in lines if len(line[0]) > 1 and not line[0].isascii()]
    # No list of English words is installed: made-up ones, regular in their forms, as frequent as Zipf's law has it.
    random = Random("words")
    syllables = "ba de fo gi ku la me no pi ru sa te vo wi zu cha dro fle gri sto".split()
    english = [
        ("".join(random.choices(syllables, k=random.randint(2, 3))) + random.choice("nrtlmk"), 1 / rank)
        for rank in range(3, 30_000)
    ]
    return [
        ([word for word, _ in words], list(accumulate(weight for _, weight in words)), between)
        for words, between in ((english, " "), (chinese, ""))
    ]


def queries(seed: int, texts: Sequence[str], keywords: Keywords, count: int) -> list[tuple[str, list[str]]]:
    """Return known items, each with the words it is asked for by."""
    random = Random(f"queries {seed}")
    found: list[tuple[str, list[str]]] = []
    while len(found) < count:
        text = random.choice(texts)
        words = list(dict.fromkeys(keywords.cut(text)))
        if len(words) >= ASKED:
            asked = " ".join(random.sample(words, ASKED))
            heaviest = keywords.extract(asked)
            if len(heaviest) == ASKED:
                found.append((text, [_in_another_form(random, word) for word in heaviest]))
    return found


def _in_another_form(random: Random, word: str) -> str:
    return word + random.choice(["s", "ed", "ing"]) if word.isascii() and random.random() < 0.5 else word


@asynccontextmanager
async def _published(path: Path) -> AsyncIterator[Find]:
    store = LikeStore(path)

    async def find(words: Sequence[str]) -> list[str]:
        return store.find(SESSION, words, FOUND)

    yield find


@asynccontextmanager
async def _scored(path: Path) -> AsyncIterator[Find]:
    # instr is a LIKE '%word%' that is faster: it need not fold cases.
    async def find(words: Sequence[str]) -> list[str]:
        score = " + ".join(["(instr(question, ?) > 0)"] * len(words))
        query = (
            f"SELECT question, {score} AS score FROM memories WHERE session = ? AND score > 0 "
            "ORDER BY score DESC, created DESC, id DESC LIMIT ?"
        )
        return [row[0] for row in connection.execute(query, (*map(stem, words), SESSION, FOUND))]

    with closing(sqlite3.connect(path)) as connection:
        yield find


def _full_text(**settings: object) -> Callable[[Path], AbstractAsyncContextManager[Find]]:
    @asynccontextmanager
    async def opened(path: Path) -> AsyncIterator[Find]:
        store = FullTextStore(path, **settings)  # type: ignore[arg-type]
        await store.open()

        async def find(words: Sequence[str]) -> list[str]:
            return await store.find(SESSION, " ".join(words), FOUND)

        yield find
        await store.close()

    return opened


# BM25 comes last: it has the file indexed again, with the lengths of texts.
WAYS: dict[str, Callable[[Path], AbstractAsyncContextManager[Find]]] = {
    "published LIKE": _published,
    "scored LIKE": _scored,
    "relevance": _full_text(),
    "without context": _full_text(context=False),
    "blended": _full_text(how="blended"),
    "bm25": _full_text(how="bm25"),
}


async def _fill(path: Path, seed: int, count: int) -> list[str]:
    """Save ``count`` messages, have them indexed at once, and return them."""
    keywords = Keywords(fast=True)
    keywords.load()
    texts: list[str] = []

    def planted(text: str) -> SavedTurn:
        texts.append(text)
        created = 60.0 * len(texts)
        return SavedTurn(
            session=SESSION, question=text, answer="", keywords=tuple(keywords.extract(text)), created=created
        )

    # The traditional store knows no index; that is made of the whole table, which is quicker, when it is opened.
    store = LikeStore(path)
    store.open()
    turns = map(planted, messages(seed, count))
    while some := list(islice(turns, 10_000)):
        store.save(some)
    await _indexed(path)
    return texts


async def _indexed(path: Path, **settings: object) -> None:
    store = FullTextStore(path, **settings)  # type: ignore[arg-type]
    await store.open()
    await store.close()


async def _measure(way: str, path: Path, asked: list[tuple[str, list[str]]]) -> dict[str, float]:
    before = psutil.Process().memory_info().rss
    seconds, recalled = [], 0
    async with WAYS[way](path) as find:
        for _, words in asked[:10]:
            await find(words)
        end = time.perf_counter() + ENOUGH_S
        for text, words in asked:
            began = time.perf_counter()
            if began > end and len(seconds) >= ENOUGH:
                break
            found = await find(words)
            seconds.append(time.perf_counter() - began)
            recalled += text in found
        added = psutil.Process().memory_info().rss - before
    return {
        "asked": len(seconds),
        "recall": recalled / len(seconds),
        "p50_ms": 1e3 * float(np.percentile(seconds, 50)),
        "p95_ms": 1e3 * float(np.percentile(seconds, 95)),
        "mb": added / 1e6,
    }


def _in_a_fresh_process(*given: str) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks.retrieval", *given]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def _cut(segmenter: str, texts: Path, out: Path) -> dict[str, float]:
    """Cut each list of texts by ``segmenter``, write what became of them to ``out``, and return what it cost."""
    keywords = Keywords(fast=SEGMENTERS[segmenter])
    before, began = psutil.Process().memory_info().rss, time.perf_counter()
    keywords.load()
    cost = {"load_s": time.perf_counter() - began}
    cut = {}
    for name, some in json.loads(texts.read_text()).items():
        began = time.perf_counter()
        cut[name] = [keywords.extract(text) for text in some]
        cost[name] = 1e6 * (time.perf_counter() - began) / len(some)
    cost["mb"] = (psutil.Process().memory_info().rss - before) / 1e6
    out.write_text(json.dumps(cut))
    return cost


def compare_segmenters(seed: int) -> None:
    """Print what each segmenter costs, and how often they agree."""
    corpora = {
        "messages": list(islice(messages(seed, CUT), CUT)),
        "conversation": [turn.text for turn in converse(seed, turns=CUT // 4).turns],
    }
    with tempfile.TemporaryDirectory() as folder:
        texts = Path(folder) / "texts.json"
        texts.write_text(json.dumps(corpora))
        cut = []
        for name in SEGMENTERS:
            out = Path(folder) / f"{name}.json"
            it = _in_a_fresh_process("--segmenter", name, "--file", str(texts), str(out))
            cut.append(json.loads(out.read_text()))
            each = "  ".join(f"{corpus} {it[corpus]:6.1f} µs" for corpus in corpora)
            print(f"{name:15s} loads in {it['load_s']:.2f} s  {each} each  {it['mb']:5.1f} MB", flush=True)
    for corpus, some in corpora.items():
        same = sum(ours == theirs for ours, theirs in zip(*(one[corpus] for one in cut), strict=True)) / len(some)
        print(f"{len(some):,} of {corpus}: the same keywords in {same:.2%}")
    print()


def compare(count: int, queried: int, seed: int) -> dict[str, dict[str, float]]:
    """Print a line a way for a store of ``count`` messages, and return what they say."""
    with tempfile.TemporaryDirectory() as folder:
        path, asked = Path(folder) / "memory.sqlite", Path(folder) / "asked.json"
        texts = asyncio.run(_fill(path, seed, count))
        keywords = Keywords(fast=True)
        keywords.load()
        asked.write_text(json.dumps(queries(seed, texts, keywords, queried)))
        with closing(sqlite3.connect(path)) as connection:
            pages, size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
            words = connection.execute("SELECT sum(length(block)) FROM memory_index_data").fetchone()[0]
        print(f"{count:,} messages; file {pages * size / 1e6:.0f} MB, index {words / 1e6:.0f} MB")
        found = {}
        for way in WAYS:
            if way == "bm25":
                asyncio.run(_indexed(path, how="bm25"))
            it = found[way] = _in_a_fresh_process("--way", way, "--file", str(path), str(asked))
            print(
                f"{way:15s} recall@{FOUND} {it['recall']:.3f}  p50 {it['p50_ms']:8.3f} ms  p95 {it['p95_ms']:8.3f} ms  "
                f"reader {it['mb']:5.1f} MB  {it['asked']:.0f} queries",
                flush=True,
            )
        ratio = found["scored LIKE"]["p95_ms"] / found["relevance"]["p95_ms"]
        print(f"p95 of relevance: 1/{ratio:.0f} of the scored LIKE's\n")
        return found


def main() -> None:
    """Measure one way or segmenter, as a child; or all of them, on stores of each size."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--memories", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--queries", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--way", choices=WAYS, help="measure this one, in this process")
    parser.add_argument("--segmenter", choices=SEGMENTERS, help="measure this one, in this process")
    parser.add_argument("--file", nargs=2, type=Path, help="the store and the queries; or texts and where to write")
    given = parser.parse_args()
    if given.way:
        print(json.dumps(asyncio.run(_measure(given.way, given.file[0], json.loads(given.file[1].read_text())))))
        return
    if given.segmenter:
        print(json.dumps(_cut(given.segmenter, *given.file)))
        return
    host = environment()
    print("What each way of retrieval finds and costs, and what cuts texts into the same words")
    memory = f"{int(host['memory_bytes'] or 0) / 2**30:.0f} GiB"
    print(f"{host['cpus']} × {host['cpu_model']}, {memory}, Linux {host['kernel']}, SQLite {host['sqlite']}; ", end="")
    print(f"code version {code.version(None, 'memory')}; {datetime.now(UTC):%Y-%m-%d}")
    print(f"\n$ python -m tests.benchmarks.retrieval --memories {' '.join(map(str, given.memories))}\n")
    compare_segmenters(given.seed)
    sizes = {count: compare(count, given.queries, given.seed) for count in given.memories}
    for small, large in zip(given.memories, given.memories[1:], strict=False):
        print(f"from {small:,} to {large:,} messages, × {large / small:g}: p95")
        for way in WAYS:
            print(f"{way:15s} × {sizes[large][way]['p95_ms'] / sizes[small][way]['p95_ms']:.1f}")


if __name__ == "__main__":
    main()
