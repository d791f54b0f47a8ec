"""The map of decisions and the advice say what is true of invented runs whose truth is known, and of nothing else."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
import pytest

from experiments import load_run, metrics
from experiments.analysis.run import Run
from experiments.measuring.records import EngineSpec, Part, Record, Scalar
from experiments.measuring.runs import read_info
from experiments.measuring.study import studies
from experiments.report import advice, decisions, figures
from experiments.report.advice import Advice
from experiments.report.decisions import AskedCondition, Decision, DecisionMap, DecisionTest, DeclaredMap
from experiments.report.effects import Effect
from experiments.report.key_comparisons import measured, measured_together
from experiments.report.selecting import Grids, WantedTrials
from systems.errors import BadInput
from tests.experiments.analysis import synthetic

FEW, MANY = "few", "many"
USERS = {FEW: 1, MANY: 50}
# How many times the throughput of "plain" each decision has: the truth.
TRUTH: dict[str, dict[str, float]] = {
    "faster": {FEW: 1.0, MANY: 2.0},
    "slower": {FEW: 0.5, MANY: 0.5},
    "alike": {FEW: 1.0, MANY: 1.0},
}
WOBBLES = (1.004, 0.996, 1.003, 0.997, 1.002, 0.998)
"""A little that blocks differ by, around 1."""


def asked(*names: str, shows: str = "speed") -> DeclaredMap:
    conditions = tuple(
        AskedCondition(name=name, title=name, advice=f"For {name}", about="invented", counts=("speed",))
        for name in USERS
    )
    made = tuple(
        Decision(
            name=name,
            title=f"the {name} design",
            instead="the plain one",
            why="It is invented.",
            tests=tuple(
                DecisionTest(
                    condition=condition, shows=shows, study="load", metric="throughput",
                    reference="plain", subject=name, factors={"users": users},
                )
                for condition, users in USERS.items()
            ),
        )
        for name in names
    )  # fmt: skip
    return DeclaredMap(conditions=conditions, decisions=made)


def trials(gains: Mapping[str, Mapping[str, float]], engine: EngineSpec = synthetic.ENGINE) -> Iterator[Record]:
    """Yield trials whose throughput is as many times that of "plain"."""
    for subject, of in {"plain": dict.fromkeys(USERS, 1.0), **gains}.items():
        for condition, gain in of.items():
            for block, wobble in enumerate(WOBBLES):
                seconds = (1.0 if subject == "plain" else wobble) / gain
                factors: dict[str, Scalar] = {"users": USERS[condition]}
                spec = synthetic.spec("load", subject, block, condition=factors, engine=engine)
                yield synthetic.record(spec, Part(role="client", requests=[synthetic.row(seconds)]))


def run_of(folder: Path, made: Iterator[Record]) -> Run:
    return load_run(synthetic.write(folder, synthetic.armed(made), blocks=6, studies=("load",)))


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> DecisionMap:
    run = run_of(tmp_path_factory.mktemp("run"), trials(TRUTH))
    return decisions.answered(run, asked("faster", "slower", "alike", "untried"))


@pytest.fixture(scope="module")
def advised(answers: DecisionMap) -> dict[str, Advice]:
    return {one.condition.name: one for one in advice.advice(answers)}


def known(answers: DecisionMap) -> dict[tuple[str, str], Effect]:
    return {(mark.decision.name, mark.condition.name): mark.effect for row in answers.rows for mark in row.marks}


def test_the_map_says_what_helps_what_hurts_and_what_does_not_matter(answers: DecisionMap) -> None:
    assert known(answers) == {
        ("faster", FEW): Effect.SAME,
        ("faster", MANY): Effect.HELPS,
        ("slower", FEW): Effect.HURTS,
        ("slower", MANY): Effect.HURTS,
        ("alike", FEW): Effect.SAME,
        ("alike", MANY): Effect.SAME,
    }
    [much] = [mark.much for mark in answers.rows[0].cells[MANY]]
    assert much.startswith("2.00 times better (") and much.endswith(") in throughput")


def test_the_map_and_the_key_comparisons_are_one_family(tmp_path: Path) -> None:
    made = synthetic.armed(synthetic.isolation(6, random.Random(7)))
    run = load_run(synthetic.write(tmp_path, made, blocks=6, studies=("isolation",)))
    shown = next(one for one in measured(run) if one.comparison is not None)
    few = asked("faster").conditions[0]
    same = DecisionTest(
        condition=few.name, shows="speed", study=shown.key.study, metric=shown.key.metric,
        reference=shown.key.reference, subject=shown.key.subject, factors=shown.key.factors, without=shown.key.without,
    )  # fmt: skip
    decision = msgspec.structs.replace(asked("faster").decisions[0], tests=(same,))
    rows, answers = decisions.judged(run, DeclaredMap(conditions=(few,), decisions=(decision,)))
    [mark] = answers.rows[0].marks
    # What stands in both is one comparison, and counts once among those that may be chance.
    assert any(row.comparison is mark.measured.comparison for row in rows)
    assert mark.measured.comparison is not None and shown.comparison is not None
    assert mark.measured.comparison.false_share == shown.comparison.false_share
    [first], [again] = measured_together(run, [shown.key], [shown.key])
    assert first.comparison is again.comparison


def test_what_has_no_records_is_not_on_the_map_but_named(answers: DecisionMap) -> None:
    assert [decision.name for decision in answers.unmeasured] == ["untried"]


def test_too_few_blocks_are_not_known(tmp_path: Path) -> None:
    made = [one for one in trials(TRUTH) if one.spec.block < 3]
    run = load_run(synthetic.write(tmp_path, made, studies=("load",)))
    answers = decisions.answered(run, asked("faster"))
    assert set(known(answers).values()) == {Effect.UNKNOWN}
    assert "indicative" in answers.rows[0].cells[MANY][0].much


def test_advice_takes_what_helps_and_says_where_it_does_not_hold(advised: dict[str, Advice]) -> None:
    [take] = advised[MANY].take
    assert take.decision.name == "faster"
    assert take.gains.startswith("2.00 times better (")
    assert take.word == "take"
    assert [(one.condition.name, one.told) for one in take.elsewhere] == [(FEW, True)]
    assert advised[MANY].first == ""


def test_a_gain_in_what_does_not_count_first_is_weighed_and_not_taken(tmp_path: Path) -> None:
    declared = asked("faster")
    [few, many] = declared.conditions
    counted = msgspec.structs.replace(many, counts=("memory",))
    run = run_of(tmp_path, trials({"faster": TRUTH["faster"]}))
    answers = decisions.answered(run, msgspec.structs.replace(declared, conditions=(few, counted)))
    [weigh] = advice.advice(answers)[1].take
    assert weigh.word == "weigh"


def test_where_nobody_can_tell_is_not_where_it_does_not_hold(tmp_path: Path) -> None:
    # Under few users there are too few blocks.
    made = (
        one for one in trials({"faster": TRUTH["faster"]}) if one.spec.condition["users"] == 50 or one.spec.block < 3
    )
    [take] = advice.advice(decisions.answered(run_of(tmp_path, made), asked("faster")))[1].take
    assert [one.told for one in take.elsewhere] == [False]


def test_a_word_that_stands_for_another_measure_elsewhere_says_nothing_of_the_gain(tmp_path: Path) -> None:
    declared = asked("faster")
    few, many = declared.decisions[0].tests
    other = msgspec.structs.replace(few, metric="latency_p50")
    decision = msgspec.structs.replace(declared.decisions[0], tests=(other, many))
    run = run_of(tmp_path, trials({"faster": TRUTH["faster"]}))
    [take] = advice.advice(decisions.answered(run, msgspec.structs.replace(declared, decisions=(decision,))))[1].take
    assert take.alone and take.elsewhere == []


def test_advice_leaves_what_hurts_and_names_what_does_not_matter(advised: dict[str, Advice]) -> None:
    for condition in (FEW, MANY):
        [leave] = advised[condition].leave
        assert leave.decision.name == "slower"
        assert "times worse" in leave.costs
    assert any("the alike design" in words for words in advised[MANY].indifferent)
    assert advised[FEW].take == []
    assert "nothing that was tried was better" in advised[FEW].first


def test_each_line_of_the_advice_names_the_run_and_the_study_that_it_rests_on(
    advised: dict[str, Advice], answers: DecisionMap
) -> None:
    runs = {mark.measured.run for row in answers.rows for mark in row.marks}
    lines = [line for one in advised.values() for line in (*one.take, *one.leave)]
    assert lines
    assert {line.evidence for line in lines} == {(run, "load") for run in runs}


def test_a_gain_that_costs_something_else_is_taken_with_its_cost_named(tmp_path: Path) -> None:
    declared = asked("faster")
    costly = msgspec.structs.replace(declared.decisions[0].tests[1], metric="latency_p50", shows="memory")
    both = msgspec.structs.replace(declared.decisions[0], tests=(*declared.decisions[0].tests, costly))
    # Twice the throughput, with replies that come at the same time as many others: latency is worse.
    made = []
    for one in trials({"faster": TRUTH["faster"]}):
        rows = [synthetic.row(one.parts[0].requests[0].finished_s)]
        if one.spec.subject == "faster" and one.spec.condition["users"] == 50:
            rows = [synthetic.row(5 * rows[0].finished_s)] * 10
        made.append(synthetic.record(one.spec, Part(role="client", requests=rows)))
    run = run_of(tmp_path, iter(made))
    told = advice.advice(decisions.answered(run, msgspec.structs.replace(declared, decisions=(both,))))
    [take] = told[1].take
    assert "throughput" in take.gains
    assert "latency" in take.costs and "worse" in take.costs
    assert take.word == "take"


def test_a_gain_without_a_real_model_is_told_from_one_with_it(tmp_path: Path) -> None:
    declared = asked("faster")
    few, many = declared.decisions[0].tests
    under_many = msgspec.structs.replace(few, condition=MANY)
    decision = msgspec.structs.replace(declared.decisions[0], tests=(under_many, many))
    made = list(trials({"faster": {FEW: 2.0, MANY: 2.0}}))
    real = synthetic.of_a_real_model(one for one in made if one.spec.condition["users"] == 50)
    random_weights = [one for one in made if one.spec.condition["users"] == 1]
    run = run_of(tmp_path, iter([*real, *random_weights]))
    [take] = advice.advice(decisions.answered(run, msgspec.structs.replace(declared, decisions=(decision,))))[1].take
    with_one, without = sorted(take.gains.split("; "), key=len)
    assert take.modelled
    assert with_one.endswith(") in throughput")
    assert without.endswith(") in throughput (without a real model)")


def test_without_records_everything_is_said_to_be_not_known(tmp_path: Path) -> None:
    run = load_run(synthetic.write(tmp_path, [], studies=("load",)), unfinished=True)
    answers = decisions.answered(run)
    assert answers.rows == []
    assert [one.name for one in answers.unmeasured] == [one.name for one in decisions.load().decisions]
    assert {one.first for one in advice.advice(answers)} == {"Not measured."}
    assert figures.decision_map.draw(answers) == []


def test_what_ran_no_model_stands_apart_and_last(tmp_path: Path) -> None:
    sleeps = run_of(tmp_path / "a", trials({"faster": TRUTH["faster"]}, synthetic.SIMULATED))
    answers = decisions.answered(sleeps, asked("faster"))
    assert not answers.rows[0].modelled
    [line] = [one for one in advice.advice(answers) if one.take]
    assert not line.take[0].modelled
    [drawn] = figures.decision_map.draw(answers)
    assert {row[-1] for row in drawn.data[1:]} == {"none ran"}


def test_the_picture_says_in_words_and_in_a_table_what_it_shows(answers: DecisionMap) -> None:
    [drawn] = figures.decision_map.draw(answers)
    assert "For many: helps: the faster design (speed), hurts: the slower design (speed)" in drawn.alt
    assert len(drawn.data) == 1 + len(known(answers))
    assert {row[4] for row in drawn.data[1:]} == {"▲ helps", "▼ hurts", "= does not matter"}


def test_every_test_that_is_declared_can_be_planned_and_read(tmp_path: Path) -> None:
    declared = decisions.load()
    info = msgspec.structs.replace(
        read_info(synthetic.write(tmp_path, [])),
        engine=EngineSpec(name="llama", model="tiny", model_shape="tiny"),
        systems=("baseline", "asynchronous", "tiered", "pooled"),
    )
    grids: dict[str, Grids] = {}
    unplanned = []
    for decision in declared.decisions:
        for test in decision.tests:
            assert metrics.get(test.metric).better != "neither"
            assert studies.get(test.study).name == test.study
            grid = grids.setdefault(test.study, Grids(info, test.study))
            subjects = frozenset((test.subject, test.reference))
            wanted = WantedTrials(title=test.shows, fits=test.fits, subjects=subjects)
            if not any(grid.of(preset).wanted(wanted) for preset in ("standard", "wide")):
                unplanned.append((decision.name, test.condition, test.shows))
    assert unplanned == []


@pytest.mark.parametrize(
    "text",
    [
        "not toml [",
        '[[conditions]]\nname="a"\ntitle="a"\nadvice="a"\nabout="a"\ncounts=[]\n' * 2 + "decisions = []",
        'conditions = []\n[[decisions]]\nname="a"\ntitle="a"\ninstead="b"\nwhy="c"\n'
        'tests=[{condition="x",shows="s",study="load",metric="throughput",reference="r",subject="s",factors={}}]',
    ],
)
def test_malformed_decisions_are_one_clear_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "decisions.toml"
    path.write_text(text)
    with pytest.raises(BadInput, match="The decisions"):
        decisions.load(path)
