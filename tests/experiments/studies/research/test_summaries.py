"""The part `summaries`: what is planned, what is said, which messages count as covered, and trials without a model."""

import asyncio

import pytest

from experiments import metrics
from experiments.analysis import claims
from experiments.measuring import records
from experiments.measuring.records import EngineSpec, Outcome, Part
from experiments.measuring.study import BLOCKS, GRADED, GridRequest
from experiments.metrics.interface import Missing
from experiments.studies.research import summaries
from experiments.studies.research._facts import fact_turns
from experiments.studies.research._histories import Coverage, history
from systems.engines.interface import Message
from tests.experiments.analysis import synthetic


def planned(preset, **engine):
    fields = {"name": "llama", "model": "smollm2", **engine}
    return summaries.cells(GridRequest(preset=preset, systems=(), engine=EngineSpec(**fields)))


@pytest.mark.parametrize("preset", BLOCKS)
def test_every_cell_is_one_trial(preset):
    cells = planned(preset)
    assert len({(str(cell.condition), cell.subject, cell.twin) for cell in cells}) == len(cells)
    assert any(cell.twin for cell in cells) == (preset in GRADED)
    assert {cell.subject for cell in cells if cell.condition["work"] == summaries.UNTIMED} == set(summaries.SUBJECTS)


def test_the_standard_preset_takes_no_more_than_seven_minutes():
    assert sum(cell.estimate_s for cell in planned("standard")) * BLOCKS["standard"] < 420


def test_without_a_model_nothing_is_said_in_its_own_words():
    assert {cell.condition["work"] for cell in planned("standard", name="simulated", model=None)} == {
        "no model",
        "timed",
    }
    spoken = [cell for cell in planned("standard", words_are_meaningless=True) if cell.condition["work"] == "own words"]
    assert spoken
    assert all(cell.impossible == summaries.WORDLESS for cell in spoken)


def test_the_claim_is_tested_in_conditions_that_are_planned():
    for test in claims.get("S3-tokens").tests:
        assert any(test.fits(cell.condition) and cell.subject == test.subject for cell in planned("standard"))


def test_a_conversation_says_no_value_and_no_person_twice():
    turns = fact_turns(3, 200)
    assert turns == fact_turns(3, 200)
    assert len({turn.text for turn in turns}) == len({turn.question for turn in turns}) == 200
    assert len({each[:60] for turn in turns for each in (turn.text, turn.reply)}) == 400
    for turn in turns:
        assert turn.answer in turn.text
        assert turn.answer not in turn.others


# Who is in neither


def said(number):
    return Message("user", f"{number:03} " + "x" * 100)


def test_a_message_is_covered_by_what_was_made_of_it_or_of_its_summary():
    coverage = Coverage()
    coverage.say([said(number) for number in range(6)])
    assert coverage.neither("", []) == 6
    coverage.made("first", f"{said(0).content}\n{said(1).content[:70]}")
    assert coverage.neither("first", [said(5)]) == 3
    coverage.made("second", f"first\n{said(2).content}")
    assert coverage.neither("second", [said(2), said(5)]) == 2
    coverage.made("", f"{said(4).content}")
    assert coverage.neither("", [said(5)]) == 5


@pytest.mark.parametrize(("subject", "lost"), [("none", False), ("last-n", True), ("rolling", False), ("listed", True)])
def test_which_histories_leave_messages_in_neither(subject, lost):
    async def hold():
        coverage, worst = Coverage(), 0

        async def summarise(text, max_tokens):
            summary = f"summary {len(coverage._covered)}"
            coverage.made(summary, text)
            return summary

        kept = history(subject, summarise, 150)
        for number in range(0, 80, 2):
            await kept.settled()
            await kept.make_way()
            worst = max(worst, coverage.neither(*kept.context()))
            kept.add([said(number), said(number + 1)])
            coverage.say([said(number), said(number + 1)])
            kept.begin()
        return worst

    assert (asyncio.run(hold()) > 0) == lost


# Trials


@pytest.mark.long
def test_trials_without_a_model(fourgig, enforcement, tmp_path):
    out = tmp_path / "run"
    arguments = ("--part", "summaries", "--engine", "simulated", "--preset", "smoke")
    done = fourgig("run", "research", *arguments, "--out", out, *enforcement)
    assert done.returncode == 0, done.stderr
    found = records.read(out / "trials.jsonl")
    assert {record.outcome for record in found} == {Outcome.OK}, [record.reason for record in found]
    assert {record.spec.condition["work"] for record in found} == {"no model", "timed"}
    for record in found:
        turns, part = record.spec.condition["turns"], record.part()
        assert len(part.requests) == len(part.series["prompt_tokens"]) == len(part.series["in_neither"]) == turns
        assert all(row.generated_tokens == part.requests[0].generated_tokens for row in part.requests)  # equal work
        if record.spec.subject in ("none", "rolling"):
            assert metrics.get("messages_in_neither_most").of(record) == 0


@pytest.mark.long
def test_a_real_model_sums_up_and_is_asked(fourgig, enforcement, tmp_path, tiny_model):
    """Its words mean nothing: what is shown is that everything is asked and graded."""
    out = tmp_path / "run"
    arguments = ("--part", "summaries", "--only", "work=own words", "--model", tiny_model, "--preset", "smoke")
    done = fourgig("run", "research", *arguments, "--out", out, *enforcement)
    found = records.read(out / "trials.jsonl") if (out / "trials.jsonl").exists() else []
    if not found:  # a model that is known to have no words is skipped, and the run says so
        assert "words mean something" in done.stdout + done.stderr
        return
    [record] = found
    assert record.outcome is Outcome.OK, record.reason
    part = record.part()
    assert part.series["age"] and len(part.series["age"]) == len(part.series["right"]) == len(part.series["held"])


# The measures


def over_turns(tokens, neither=None, **series):
    part = Part(
        role="subject",
        series={
            "turn": [float(at) for at in range(len(tokens))],
            "prompt_tokens": tokens,
            "in_neither": neither or [0.0] * len(tokens),
            **series,
        },
    )
    spec = synthetic.spec("research", "rolling", condition={"part": "summaries"})
    return synthetic.record(spec, part)


def test_the_slope_of_a_prompt_and_its_interval():
    grows = over_turns([10.0 + 3 * turn for turn in range(90)])
    assert metrics.get("prompt_tokens_slope").of(grows) == pytest.approx(3)
    assert metrics.get("prompt_tokens_slope_low").of(grows) == pytest.approx(3, abs=1e-3)
    bounded = over_turns([100.0 + 10 * (turn % 3) + (turn * 7919) % 5 for turn in range(90)])
    ends = [metrics.get(f"prompt_tokens_slope_{end}").of(bounded) for end in ("low", "high")]
    assert ends[0] <= 0 <= ends[1]
    assert isinstance(metrics.get("prompt_tokens_slope_low").of(over_turns([1.0] * 20)), Missing)
    assert metrics.get("prompt_tokens_late").of(over_turns([1.0, 1.0, 4.0])) == 4.0


def test_messages_in_neither_and_facts_by_age():
    record = over_turns(
        [1.0] * 4, [0.0, 0.0, 2.0, 6.0], age=[1.0, 5.0, 9.0, 15.0], right=[1, 1, 0, 0], held=[1, 1, 1, 0]
    )
    wanted = {
        "messages_in_neither": 2.0,
        "messages_in_neither_most": 6.0,
        "summary_right": 0.5,
        "summary_right_recent": 1.0,
        "summary_right_old": 0.0,
        "summary_held": 0.75,
        "summary_held_old": 0.5,
    }
    assert {name: metrics.get(name).of(record) for name in wanted} == wanted
    assert isinstance(metrics.get("summary_right_old").of(over_turns([1.0], age=[1.0], right=[1.0])), Missing)
