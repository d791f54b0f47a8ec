"""The figures of saving and of summaries: each says what its records say."""

import random

import pytest

from experiments import load_run
from experiments.measuring.records import Part
from experiments.report import drawing
from experiments.report.figures.research import saving, summaries
from experiments.report.scene import scene
from experiments.studies.research import Researching
from tests.experiments.analysis import synthetic

BLOCKS = 6


def saved(block, noise):
    for rate in (1, 20, 200):
        condition = {"part": "saving", "turns_per_s": rate, "turns": 2 * rate}
        for subject, delay, lost in (
            ("in-loop", 0.02, 0),
            ("thread", 0.004, 0),
            ("thread-listed", 0.006, rate // 10),
            ("queued", 0.003, 0),
        ):
            values = {"lost_at_exit": float(lost), "lost_at_kill": 2.0 * lost}
            part = Part(
                role="subject",
                requests=[synthetic.row(0.01)],
                loop_delay_s=[0.001, delay * noise.uniform(0.9, 1.1)],
                values=values,
            )
            yield synthetic.record(synthetic.spec("research", subject, block, condition=condition, engine=None), part)
    for subject, kept in (("in-loop", 100.0), ("thread-listed", 0.0), ("queued", 100.0)):
        values = {"messages_said": 120.0, "messages_saved": 20 + kept, "said_after_summary": 100.0}
        values |= {"saved_after_summary": kept, "holes": 0.0, "doubled_after_restart": 0.0 if kept else 6.0}
        spec = synthetic.spec(
            "research", subject, block, condition={"part": "saving", "case": "summary", "turns": 60}, engine=None
        )
        yield synthetic.record(spec, Part(role="subject", values=values))


def summed_up(block, noise):
    simulated = synthetic.SIMULATED
    for subject, slope in (("none", 40.0), ("last-n", 0.0), ("rolling", 0.0), ("listed", 0.0)):
        tokens = [200 + slope * turn + noise.uniform(0, 30) for turn in range(200)]
        neither = [0.0 if subject in ("none", "rolling") else float(turn % 7) for turn in range(200)]
        series = {"turn": [float(turn) for turn in range(200)], "prompt_tokens": tokens, "in_neither": neither}
        condition = {"part": "summaries", "work": "no model", "turns": 200, "summary_tokens": 150}
        spec = synthetic.spec("research", subject, block, condition=condition, engine=simulated)
        yield synthetic.record(spec, Part(role="subject", series=series))
        for think_s in (0, 5):
            condition = {"part": "summaries", "work": "timed", "turns": 18, "think_s": think_s, "shortened": 100}
            rows = [synthetic.row(0.013 * noise.uniform(1, 2)) for _ in range(18)]
            spec = synthetic.spec("research", subject, block, condition=condition, engine=simulated)
            yield synthetic.record(spec, Part(role="subject", requests=rows))
        ages = [float(age) for age in range(1, 17, 2)]
        right = [float(age < 5 or noise.random() < 0.3) for age in ages]
        series = {"age": ages, "held": [1.0] * len(ages), "right": right}
        condition = {"part": "summaries", "work": "own words", "turns": 16, "summary_tokens": 80}
        yield synthetic.record(
            synthetic.spec("research", subject, block, condition=condition), Part(role="subject", series=series)
        )


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    noise = random.Random(5)
    made = [record for block in range(BLOCKS) for each in (saved, summed_up) for record in each(block, noise)]
    run = synthetic.write(tmp_path_factory.mktemp("research"), made, blocks=BLOCKS, studies=("research",))
    return scene(load_run(run), "research", Researching())


def test_saving_shows_stalls_and_losses_and_what_a_summary_does_to_the_file(shown):
    with drawing.style():
        rates, summary = saving.draw(shown)
    assert "As listed, a trial loses" in rates.title
    assert "loses none" in rates.title
    assert ("200", "on threads, as listed", "20.0", "40.0") in [(*row[:2], *row[3:]) for row in rates.data]
    assert "none (on threads, as listed)" in summary.title
    assert ("on threads, as listed", "0", "0", "6") in [
        tuple(cell.split(".")[0] for cell in row) for row in summary.data
    ]


def test_summaries_show_growth_waits_and_what_is_known(shown):
    with drawing.style():
        growth, waits, known = summaries.draw(shown)
    assert "No model ran" in growth.title
    assert "with the full text" in growth.title
    assert "pauses for 0 s" in waits.title
    ages = ("1 to 2", "3 to 5", "6 to 9", "10 to 16")
    assert known.data[0][2:] == tuple(f"told {age} turns before" for age in ages)


def test_without_records_nothing_is_drawn(tmp_path):
    run = synthetic.write(tmp_path / "run", [synthetic.record(synthetic.spec("research", "x"))], studies=("research",))
    nothing = scene(load_run(run), "research", Researching())
    assert saving.draw(nothing) == []
    assert summaries.draw(nothing) == []
