"""The figures of caches, of hierarchical memory and of leaks, from invented records: they say what the records say."""

from __future__ import annotations

import random
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from experiments import load_run
from experiments.measuring.probes.histogram import Histogram
from experiments.measuring.records import Part, Record
from experiments.report import drawing
from experiments.report.drawing import Drawn
from experiments.report.figures.strategies import caches, hierarchy, leaks
from experiments.report.scene import UnknownStudy, scene
from tests.experiments.analysis import synthetic

BLOCKS = 6
MIB = 2.0**20


def drawn(folder: Path, module: ModuleType, records: list[Record]) -> dict[str, Drawn]:
    run = load_run(synthetic.write(folder / "run", records, blocks=BLOCKS, studies=("strategies",)))
    with drawing.style():
        return {
            each.name: each for each in module.draw(scene(run, "strategies", UnknownStudy(references=("uncached",))))
        }


def trial(subject: str, block: int, condition: dict[str, Any], values: dict[str, float], **more: Any) -> Record:
    spec = synthetic.spec(
        "strategies", subject, block, condition=condition, engine=None, labels=("no model runs: rows",)
    )
    return synthetic.record(spec, Part(role="subject", values=values, **more))


def cached(subject: str, block: int, room: int, delay_ms: int, read_s: float, hits: float, stale: float) -> Record:
    condition = {"part": "caches", "keys": 400, "accesses": 1_000, "room": room, "delay_ms": delay_ms, "callers": 1}
    times = Histogram()
    times.add(read_s)
    values = {"accesses": 1_000.0, "stale": stale, "read_mean_s": read_s, "optimum_hits": 990.0, "change_mean_s": 0.01}
    values |= {"cache_anonymous_bytes": 30 * MIB, **({"hits": hits} if subject != "uncached" else {})}
    return trial(subject, block, condition, values, histograms={"read_s": [times.text()]})


@pytest.fixture(scope="module")
def of_caches(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Drawn]:
    noise = random.Random(1)
    made = []
    for block in range(BLOCKS):
        for room, hits in ((20, 300.0), (80, 600.0), (400, 970.0)):
            made += [
                cached(subject, block, room, 0, 0.0003 * noise.uniform(0.9, 1.1), hits, 0.0)
                for subject in ("in-process", "redis-aside", "redis-warmed")
            ]
        made.append(cached("uncached", block, 80, 0, 0.00003, 0.0, 0.0))
        for delay_ms in (2, 5):
            for subject, share, stale in (
                ("uncached", 1.0, 0.0),
                ("in-process", 0.4, 200.0),
                ("redis-aside", 0.5, 0.0),
            ):
                read_s = share * delay_ms / 1000 * noise.uniform(0.98, 1.02)
                made.append(cached(subject, block, 80, delay_ms, read_s, 600.0, stale))
    return drawn(tmp_path_factory.mktemp("caches"), caches, made)


def plain(figure: Drawn) -> str:
    return figure.title.replace("\N{NO-BREAK SPACE}", " ")


def test_the_hit_rate_is_said_for_each_room(of_caches: dict[str, Drawn]) -> None:
    figure = of_caches["strategies-caches-hits"]
    assert plain(figure) == (
        "A warmed cache-aside hits 30 % with room for 5 %, 60 % with room for 20 %, 97 % with room for 100 % of what "
        "is asked for"
    )
    assert b"claim-S2-cache" in figure.svg


def test_the_change_in_time_is_said_for_each_delay(of_caches: dict[str, Drawn]) -> None:
    figure = of_caches["strategies-caches-time"]
    assert "+8" in plain(figure).partition("where the origin answers at once")[0]
    assert "where the origin answers 5 ms later" in plain(figure)
    assert b"claim-S2-cache-lat" in figure.svg


def test_what_is_stale_is_said_for_each_cache(of_caches: dict[str, Drawn]) -> None:
    figure = of_caches["strategies-caches-stale"]
    assert plain(figure).endswith("stale is: 20 % (in the process), none (Redis, aside)")
    assert ("in the process", "20.0", "10.0", "30.0") in figure.data


def test_tasks_that_succeed_are_said_for_both_kinds_of_work(tmp_path: Path) -> None:
    shares = {"short-term": 0.5, "long-term": 0.6, "hierarchical": 1.0, "one-list": 0.7}
    made = []
    for block in range(BLOCKS):
        for subject, share in shares.items():
            for turns in (24, 96):
                condition = {"part": "hierarchy", "work": "no model", "tasks": "support", "turns": turns, "sessions": 1}
                part = {f"tasks/in_prompt{when}": share for when in ("", "/soon", "/late")}
                made.append(trial(subject, block, condition, part))
            condition = {"part": "hierarchy", "work": "own words", "tasks": "support", "turns": 24, "sessions": 1}
            made.append(trial(subject, block, condition, {"tasks/right": share / 2}))
    [figure] = drawn(tmp_path, hierarchy, made).values()
    assert "100 % instead of 50 % (the prompt held the value)" in plain(figure)
    assert "50 % instead of 25 % (the model said the value)" in plain(figure)
    assert ("no model, 96 turns", "both", "100", "100", "100") in figure.data
    assert b"claim-S2-hierarchy" in figure.svg


def test_when_a_leak_is_found_is_said_and_who_never_finds_it_has_no_point(tmp_path: Path) -> None:
    made = []
    for block in range(2):
        for subject, after in (("watched", 0.0), ("snapshots", 100.0)):
            condition = {"part": "leaks", "leaked_bytes": 4_096, "turns": 400, "every": 25}
            values = {"leak_other_places": 2.0, "leak_anonymous_bytes": 50 * MIB}
            values |= {"leak_found_after": after} if after else {}
            made.append(trial(subject, block, condition, values, requests=[synthetic.row(0.004)]))
    [figure] = drawn(tmp_path, leaks, made).values()
    assert plain(figure) == "A leak of 4,096 bytes a turn is found after so many turns: 100 (heap snapshots)"
    assert ("memory watched", "4,096", "", "2.00", "4.00", "50.0") in figure.data


@pytest.mark.parametrize("module", [caches, hierarchy, leaks])
def test_without_records_nothing_is_drawn(module: ModuleType, tmp_path: Path) -> None:
    assert drawn(tmp_path, module, [trial("x", 0, {"part": "another"}, {})]) == {}
