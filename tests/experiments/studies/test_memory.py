"""The memory study's parts: caches against an independent judge, its grid, growth on known truth."""

import random

import pytest

from experiments import metrics
from experiments.grading.conversation import Grade, summary_by_kind
from experiments.measuring.records import EngineSpec, Part
from experiments.measuring.study import BLOCKS, GRADED, GridRequest
from experiments.metrics import anonymous_growth, cache_cost
from experiments.metrics.remembering import GROUPS
from experiments.studies.memory import Memory, hit_rate, quality, soak
from experiments.workloads import replay, traces
from experiments.workloads.remembering.natural.conversation import NATURAL_KINDS, REGISTERS
from systems.interface import Reply, Source
from tests.experiments.analysis import synthetic

TRACES = {
    "published": traces.published(3),
    "zipf": traces.zipf(3, 4_000, 500, 0.9),
    "scan": traces.scan(3, 3_000, 60, 300),
    "log": [key for key, _ in replay.keys(3, 500, "question")],
}


def hits(cache, trace):
    found = 0
    for key in map(str, trace):
        if cache.get(key) is None:
            cache.put(key, Reply(request_id="", text=key, source=Source.MODEL))
        else:
            found += 1
    return found


@pytest.mark.parametrize("name", TRACES)
@pytest.mark.parametrize("capacity", [10, 50, 100, 200])
def test_our_policies_match_an_independent_simulator_to_the_hit(name, capacity):
    pytest.importorskip("libcachesim", reason="the simulator's wheels are for recent Linux and up to Python 3.13 only")
    trace = [str(key) for key in TRACES[name]]
    ours = {policy: hits(make(capacity), trace) for policy, make in hit_rate.OURS.items()}
    assert ours["lru"] == hit_rate.simulate("LRU", capacity, trace)
    assert ours["fifo"] == hit_rate.simulate("FIFO", capacity, trace)
    optimum = hit_rate.simulate("Belady", capacity, trace)
    assert max(ours.values()) <= optimum <= len(trace) - len(set(trace))
    if capacity >= 100:  # its window needs a hundred entries for one; and its counts are a sketch, ours are exact
        assert ours["tinylfu"] == pytest.approx(hit_rate.simulate("WTinyLFU", capacity, trace), abs=0.03 * len(trace))


@pytest.mark.parametrize("preset", BLOCKS)
def test_every_cell_of_a_grid_is_one_trial(preset):
    request = GridRequest(preset=preset, systems=("baseline", "asynchronous"), engine=EngineSpec(name="llama"))
    cells = Memory().grid(request)
    assert len({(str(cell.condition), cell.subject, cell.twin) for cell in cells}) == len(cells)
    assert any(cell.twin for cell in cells) == (preset in GRADED)
    assert all(cell.blocks == 1 for cell in cells if cell.traced)


def test_history_is_kept_whole_only_where_the_system_can():
    request = GridRequest(preset="standard", systems=("baseline", "echo"), engine=EngineSpec(name="llama"))
    with pytest.raises(Exception, match="echo"):  # the name is looked up, not guessed
        soak.cells(request)
    cells = soak.cells(GridRequest(preset="standard", systems=("baseline",), engine=EngineSpec(name="llama")))
    assert [cell.settings for cell in cells if cell.subject == "baseline-unpruned"] == [{"history_length": 1000}]


def answering(preset, systems=("baseline", "asynchronous"), **shapes):
    request = GridRequest(preset=preset, systems=systems, engine=EngineSpec(name="llama"), shapes=shapes)
    return [cell for cell in quality.cells(request) if cell.condition["part"] == "answers"]


def test_answers_are_asked_of_the_model_that_reads_and_without_it_the_cells_say_so():
    reader = EngineSpec(name="llama", model="reader")
    assert all(cell.engine == reader and not cell.labels for cell in answering("standard", reader=reader))
    assert all(cell.settings["layout"] == "bracketed" for cell in answering("standard", reader=reader))
    for cell in answering("standard"):
        assert cell.engine.name == "simulated"
        assert "answers are not graded" in cell.labels[0]


@pytest.mark.parametrize("preset", BLOCKS)
def test_stores_and_whole_systems_hold_a_natural_conversation_which_no_model_reads(preset):
    request = GridRequest(
        preset=preset,
        systems=("baseline", "asynchronous"),
        engine=EngineSpec(name="llama"),
        shapes={"reader": EngineSpec(name="llama", model="reader")},
    )
    natural = [cell for cell in quality.cells(request) if cell.part.startswith("natural")]
    assert {cell.part for cell in natural} == {"natural-evidence", "natural-prompts"}
    assert all(cell.condition["part"] == cell.part for cell in natural)
    if preset in ("standard", "wide", "paper"):
        assert {cell.condition["turns"] for cell in natural if cell.part == "natural-evidence"} == {500, 5_000}
    for cell in natural:
        if cell.part == "natural-prompts":
            assert cell.engine.name == "simulated"
            assert "knows plain conversations only" in cell.labels[0]


def test_every_group_of_natural_questions_has_a_metric_of_what_is_noted():
    grades = [
        Grade(
            kind=kind, language="en", register=register, evident=True, outdated=False, answerable=True,
            evidence=1, stale=None, in_prompt=True, right=True,
        )
        for kind in NATURAL_KINDS
        for register in REGISTERS
    ]  # fmt: skip
    part = Part(role="subject", values=summary_by_kind(grades))
    record = synthetic.record(synthetic.spec("memory", "bm25"), part)
    assert set(GROUPS) == {*NATURAL_KINDS, *REGISTERS, "sharing"}
    for group in GROUPS:
        for name in (f"evidence_in_10_{group}", f"evidence_in_prompt_{group}", f"right_answers_{group}"):
            assert name in Memory.measures
            assert metrics.get(name).compute(record) == 1


def test_every_lookup_and_pruning_meet_in_the_paper_preset_and_a_system_that_cannot_be_set_is_asked_as_it_is():
    subjects = {cell.subject for cell in answering("paper") if cell.condition["turns"] == 5_000}
    assert subjects >= {"baseline", "asynchronous", "asynchronous+like+newest", "asynchronous+bm25"}
    assert "baseline+like" not in subjects
    assert len([cell for cell in answering("paper") if cell.subject == "asynchronous+blended+newest"]) == 3


def grown(slope, seed, turns=900):
    """Memory as a process has it: a slope under noise that lasts for many turns, in whole pages."""
    rng, drift, sizes = random.Random(seed), 0.0, []
    for turn in range(turns):
        drift = 0.9 * drift + rng.gauss(0, 20_000)
        sizes.append((5e7 + slope * turn + drift) // 4096 * 4096)
    part = Part(role="subject", series={"turn": [float(turn) for turn in range(turns)], "anonymous_bytes": sizes})
    return synthetic.record(synthetic.spec("memory", "baseline"), part)


@pytest.mark.parametrize("slope", [0.0, 500.0])
def test_the_interval_of_the_growth_covers_the_truth_in_19_runs_of_20(slope):
    runs = [grown(slope, seed) for seed in range(200)]
    covered = sum(
        anonymous_growth.growth_interval(run, -1) <= slope <= anonymous_growth.growth_interval(run, 1) for run in runs
    )
    assert 0.89 <= covered / len(runs) <= 1.0


def test_what_a_cache_costs_is_read_from_what_it_noted():
    part = Part(
        role="subject", values={"accesses": 100.0, "hits": 60.0, "wrong": 6.0, "replay_s": 0.002, "held_bytes": 9.0}
    )
    record = synthetic.record(synthetic.spec("memory", "lru"), part)
    assert cache_cost.miss_time(record) == pytest.approx(4.0)
    assert cache_cost.operation_time(record) == pytest.approx(2e-5)
    assert cache_cost.wrong_hit_share(record) == pytest.approx(0.1)
    assert cache_cost.held_bytes(record) == 9.0
