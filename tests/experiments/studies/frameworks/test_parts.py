"""The parts of the study `frameworks`: their grids, their trials on systems in other processes, and their figures."""

from __future__ import annotations

import gc
import json
from pathlib import Path

import msgspec
import pytest

from experiments import metrics
from experiments.measuring.probes.processes import Inside
from experiments.measuring.records import EngineSpec
from experiments.measuring.study import BLOCKS, GRADED
from experiments.studies.frameworks import (
    Frameworks,
    _overflow,
    _recall,
    _start,
    kills,
    overflow,
    recall,
    start,
    turns,
    users,
)
from experiments.studies.frameworks._kills import in_prompt
from experiments.studies.frameworks._overflow import TurnSeen, outcome_of
from experiments.studies.frameworks._running import Running
from experiments.studies.frameworks._turns import looked_at
from experiments.studies.load import users as asking
from experiments.workloads.endpoint.asked import Prompt
from experiments.workloads.framework_levels import LOOKED, WINDOW, begins, ends
from experiments.workloads.remembering.conversation import converse
from systems.engines.interface import Message
from systems.engines.simulated import count
from systems.errors import SystemClosed
from systems.frameworks import folders
from tests.experiments.analysis import synthetic
from tests.experiments.studies.alone import value
from tests.experiments.studies.frameworks.in_process import NOTEBOOK, planned, tried

PARTS = (turns, users, start, kills, overflow, recall)


@pytest.fixture(autouse=True, scope="module")
def _importable_elsewhere():
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYTHONPATH", str(Path(__file__).parent))
        yield


def cell(part, system=NOTEBOOK, *, engine="simulated", **condition):
    """Return a cell of a part for one system, with these levels; those that choose none of its cells are its own."""
    choosing = {name: condition[name] for name in ("window", "sessions", "end", "endpoint") if name in condition}
    found = next(
        each
        for each in planned(part, "standard", system, engine=engine)
        if each.system == system and not each.twin and choosing.items() <= each.condition.items()
    )
    return msgspec.structs.replace(found, condition={**found.condition, **condition})


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.PART)
def test_the_grid_is_whole(part):
    for preset in BLOCKS:
        cells = planned(part, preset, engine="llama")
        assert cells
        assert len({(str(each.condition), each.subject, each.twin) for each in cells}) == len(cells)
        assert all(0 < each.estimate_s < each.timeout_s and json.dumps(each.condition) for each in cells)
        assert all(each.part == part.PART == each.condition["part"] for each in cells)
        assert all(each.labels for each in cells)
        if preset not in GRADED:
            assert not any(each.twin for each in cells)
    assert all(metrics.get(name) for name in part.MEASURES)


@pytest.mark.parametrize(("preset", "most_s"), [("smoke", 3.0), ("quick", 12.0)])
@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.PART)
def test_a_small_preset_of_a_part_takes_seconds(part, preset, most_s):
    assert sum(each.estimate_s for each in planned(part, preset, engine="llama")) < most_s


def test_standard_ends_within_an_hour_and_a_half():
    cells = [each for part in PARTS for each in planned(part, "standard", engine="llama")]
    blocks = BLOCKS["standard"]
    assert sum(each.estimate_s * min(each.blocks or blocks, blocks) for each in cells) < 85 * 60


def test_a_system_without_a_window_is_tried_as_it_comes_and_in_no_other_condition():
    elsewhere = "tests.experiments.elsewhere_description:DESCRIPTION"
    cells = [each for each in planned(turns, "standard", elsewhere) if each.system == elsewhere]
    assert {each.condition["window"]: bool(each.impossible) for each in cells} == {WINDOW: True, 0: False}


def test_every_framework_that_comes_with_the_lab_is_compared():
    subjects = {each.system for each in planned(turns, "standard")}
    assert subjects == {*folders.built_in(), "baseline", "asynchronous"}


def test_who_names_systems_gets_these_and_the_reference():
    assert {each.subject for each in planned(start, "standard", NOTEBOOK)} - {"bare"} == {NOTEBOOK}


@pytest.fixture(scope="module")
def sessions(tmp_path_factory):
    folder = tmp_path_factory.mktemp("turns")
    return {
        (window, block): tried(turns, cell(turns, window=window, turns=12), folder, block)
        for window in (WINDOW, 0)
        for block in range(1 if window else 2)
    }


def test_a_long_session_shows_what_a_turn_costs_and_what_its_prompt_holds(sessions):
    one_window, comes = sessions[WINDOW, 0], sessions[0, 0]
    assert value("prompt_messages_last", one_window) == WINDOW + 1
    assert value("prompt_messages_last", comes) == 2 * 11 + 1
    assert value("prompt_messages_first", comes) == 1
    assert value("prompt_tokens_last", comes) > value("prompt_tokens_last", one_window)
    for record in (one_window, comes):
        assert value("success_rate", record) == value("turn_calls", record) == 1
        assert value("session_disk", record) > 0
        assert value("turn_cpu", record) >= 0
        assert min(value(name, record) for name in ("system_memory", "descriptors", "threads")) > 0
        assert record.part().counters["engine_calls"] == 12
        assert [*record.outside.looks] == [name for mark in LOOKED for name in (ends(mark), begins(mark))][:-1]


def test_what_is_read_between_two_stretches_of_turns_is_none_of_theirs():
    at = {"first": (1.0, 5.0), "quarter": (6.0, 9.0), "three-quarters": (11.0, 20.0), "last": (23.0, 23.0)}
    looks = {
        name: synthetic.looked(seconds)
        for mark, both in at.items()
        for name, seconds in zip((ends(mark), begins(mark)), both, strict=True)
    }
    spec = synthetic.spec(Frameworks.name, NOTEBOOK, condition={"part": "turns", "sessions": 1, "turns": 9})
    part = synthetic.Part(role="subject", values={"turns": 9.0})
    record = synthetic.record(spec, part, outside=synthetic.outside(looks=looks))
    assert value("turn_cpu", record) == (1 + 2 + 3) / 8
    assert value("turn_cpu_growth", record) == (3 / 3) / (1 / 1)


def test_what_asks_for_a_title_is_counted_and_is_no_prompt_of_a_turn(tmp_path):
    record = tried(turns, cell(turns, window=0, turns=9), tmp_path, titles=True)
    assert value("prompt_messages_last", record) == 2 * 8 + 1
    assert record.part().series["prompt_messages"] == [2 * turn + 1 for turn in range(9)]
    assert (value("turn_calls", record), value("turn_other_calls", record)) == (2, 1)


def test_one_that_dies_in_a_session_ends_its_trial_with_a_reason(tmp_path):
    with pytest.raises(SystemClosed, match="has ended"):
        tried(turns, cell(turns, window=0, turns=9), tmp_path, dies_at=4)


def test_the_labs_own_agents_run_behind_the_same_pipe_and_send_one_window(tmp_path):
    # Without its dictionary, which takes a second to read and changes no prompt of one window.
    for system, settings in (("baseline", {"dictionary": False}), ("asynchronous", {})):
        record = tried(turns, cell(turns, system, window=WINDOW, turns=9), tmp_path, **settings)
        assert value("success_rate", record) == 1
        assert value("prompt_messages_last", record) == WINDOW + 2  # what the system says, and the question
        assert value("turn_calls", record) == 1


def test_a_short_session_has_no_quarters():
    assert looked_at(1) == {}
    assert [*looked_at(200)] == [1, 50, 150, 200]


def test_many_sessions_are_counted_together(tmp_path):
    record = tried(turns, cell(turns, sessions=turns.MANY), tmp_path)
    assert value("threads", record) > 0
    assert record.part().values["turns"] == turns.MANY


def test_users_are_answered_at_once_from_outside(tmp_path, monkeypatch):
    left_alone, talk = [], asking.talk
    monkeypatch.setattr(asking, "talk", lambda *given: (left_alone.append(gc.get_freeze_count()), talk(*given))[1])
    record = tried(users, cell(users, users=3, turns=2), tmp_path)
    assert min(left_alone) > 0  # no collection of what was made before makes the client late
    assert len(record.part("client").requests) == 6
    assert value("success_rate", record) == 1
    assert value("throughput", record) > 0
    assert record.part().counters["engine_calls"] == 6


def test_a_start_is_from_the_process_to_the_reply_and_what_the_lab_makes_is_made_before(tmp_path, monkeypatch):
    happened, make, clock = [], _start.made, _start.Stopwatch
    monkeypatch.setattr(_start, "made", lambda *given: (happened.append("made"), make(*given))[1])
    monkeypatch.setattr(_start, "Stopwatch", lambda: (happened.append("clock"), clock())[1])
    record = tried(start, cell(start), tmp_path)
    assert happened == ["made", "clock"] * 2
    assert 0 < value("system_ready", record) < value("system_start", record)
    assert value("system_idle_memory", record) > 0


@pytest.mark.parametrize(
    ("end", "settings", "kept"),
    [("killed", {}, 1), ("killed", {"lazy": True}, 0), ("closed", {"lazy": True, "titles": True}, 1)],
    ids=str,
)
def test_what_a_kill_leaves_is_what_was_saved_before(tmp_path, end, settings, kept):
    record = tried(kills, cell(kills, end=end, window=WINDOW), tmp_path, **settings)
    assert value("turns_kept", record) == value("questions_kept", record) == kept
    assert value("goes_on", record) == 1


def test_a_session_whose_file_was_left_torn_does_not_go_on(tmp_path):
    record = tried(kills, cell(kills, end="killed", window=WINDOW), tmp_path, torn=True)
    assert (value("goes_on", record), value("turns_kept", record)) == (0, 0)


def test_what_has_left_its_parent_is_still_of_the_system(tmp_path):
    (tmp_path / "members").write_text("1\n2\n3\n")
    assert Running(None, Inside(str(tmp_path / "members")), frozenset({1, 3})).pids() == [2]


def test_a_text_counts_that_stands_in_a_prompt_word_for_word():
    prompt = [Message("system", "Be brief."), Message("user", "I said: the bees are well. So?")]
    assert in_prompt(["the bees are well. ", "the bees"], prompt) == [True, True]
    assert in_prompt(["the bees were well"], prompt) == [False]


FITS, CUT, REFUSED = Prompt(3, 900, 2), Prompt(9, 2300, 2, dropped=4), Prompt(9, 2300, 2, refused=True)


@pytest.mark.parametrize(
    ("seen", "outcome"),
    [
        ([TurnSeen(True, [FITS]), TurnSeen(True, [CUT])], "growth"),
        ([TurnSeen(True, [FITS]), TurnSeen(True, [FITS])], "truncated"),
        ([TurnSeen(True, [FITS]), TurnSeen(True, [REFUSED, FITS])], "truncated"),
        ([TurnSeen(True, [FITS]), TurnSeen(False, [REFUSED])], "refused"),
        ([TurnSeen(True, [FITS]), TurnSeen(True, [REFUSED])], "refused"),
        ([TurnSeen(True, [FITS]), TurnSeen(False, [FITS])], "error"),
        ([TurnSeen(False, []), TurnSeen(False, [REFUSED])], "error"),
    ],
)
def test_a_conversation_that_does_not_fit_has_one_outcome(seen, outcome):
    assert outcome_of(seen) == outcome


@pytest.mark.parametrize(
    ("endpoint", "window", "outcome", "answered"),
    [("trims", 0, "growth", 1), ("refuses", 0, "refused", 0), ("refuses", 2, "truncated", 1)],
)
def test_a_full_context_is_refused_cut_or_outgrown(tmp_path, endpoint, window, outcome, answered):
    chosen = cell(overflow, endpoint=endpoint, window=0, turns=7)
    record = tried(overflow, chosen, tmp_path, window=window)
    assert value(f"overflow_{outcome}", record) == 1
    assert value("overflow_answered", record) == answered
    assert (value("overflow_sent", record) > 1) is (outcome != "truncated")


def test_one_that_dies_of_a_full_context_is_an_error_and_not_without_an_outcome(tmp_path):
    record = tried(overflow, cell(overflow, endpoint="trims", window=0, turns=6), tmp_path, dies_at=8)
    assert value("overflow_error", record) == 1
    assert value("overflow_answered", record) == 0


def test_its_questions_are_long():
    found = [*_overflow.long_turns(5, 3, 400)]
    assert len({turn.text for turn in found}) == 3
    assert all(400 <= count(turn.text) < 500 for turn in found)


def test_what_is_remembered_is_graded_from_the_prompts_that_are_sent(tmp_path):
    asked = {"engine": "llama", "window": 0, "turns": 12, "questions": 3}
    whole = tried(recall, cell(recall, **asked), tmp_path, titles=True)
    assert isinstance(whole.spec.engine, EngineSpec)
    assert value("evidence_in_prompt", whole) == 1
    assert value("right_answers", whole) < 1  # words without a model


def test_some_questions_are_answered_by_the_script_and_one_at_least_is_graded():
    for asked in (4, 9):
        told = converse(3, 30, asked, languages=("en",))
        made = _recall.practised(told)
        scripted = made.turns[30:]
        assert 0 < len(scripted) <= _recall.PRACTISED
        assert len(made.questions) == len(told.questions) - len(scripted) > 0
        answers = {question.text: question.answer for question in told.questions}
        assert all(answers[turn.text] == turn.reply for turn in scripted)
