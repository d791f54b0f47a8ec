"""Tasks are graded by what was read and by what was replied; neither may pass for right by accident."""

import pytest

from experiments.grading import tasks
from experiments.workloads.tasks.interface import Check
from systems.engines.interface import Call, Message
from systems.engines.simulated import SimulatedEngine, SimulatedSettings

SIGNATURE = "merge_rows(left, right, limit=41)"


def check(answer="8017", evidence="In passage 3 the peak load of cork was 8017 newtons.", others=("5241",), ago=3):
    return Check(answer=answer, evidence=evidence, others=others, teller="user", turns_ago=ago)


@pytest.mark.parametrize(
    ("reply", "answer", "right"),
    [
        ("It was 8017 newtons.", "8017", True),
        ("8017", "8017", True),
        ("It was 18017 newtons.", "8017", False),
        ("It was 80175 newtons.", "8017", False),
        ("Passage 1 8017", "8017", True),
        ("It was 1.8017 newtons.", "8017", False),
        ("It was 8017, not 5241.", "8017", False),
        ("The ticket is tk-9297.", "TK-9297", True),
        ("The ticket is TK-92971.", "TK-9297", False),
        ("The ticket is 9297.", "TK-9297", False),
        ("`def merge_rows(left,right, limit=41)`", SIGNATURE, True),
        ("merge_rows(left, right)", SIGNATURE, False),
        ("merge_rows(right, left, limit=41)", SIGNATURE, False),
        ("", "8017", False),
    ],
)
def test_a_reply_is_right_if_it_says_the_value_whole_and_no_other(reply, answer, right):
    assert tasks.says(reply, check(answer)) is right


def test_a_note_of_what_was_said_over_several_lines_holds_it_too():
    held = Message("user", "notes:\n- In passage 3 the peak\n  load of cork was 8017 newtons.")
    assert tasks.holds([held], check())
    assert not tasks.holds([Message("user", "the peak load was 8017")], check())


def asked(context_tokens=None):
    engine = tasks.heard(SimulatedEngine(SimulatedSettings()), context_tokens=context_tokens)
    engine.load()
    question = "What was the peak load of cork in passage 3?"
    history = [Message("user", check().evidence), Message("assistant", "Noted. " * 40)] * 3
    engine.listen([question])
    engine.generate(Call(messages=[Message("system", "Help."), *history, Message("user", question)], max_tokens=16))
    return engine, question


def test_what_the_context_had_no_room_for_was_not_read():
    engine, question = asked()
    assert engine.held(question, check()) is True
    engine, question = asked(context_tokens=90)
    assert engine.held(question, check()) is False
    assert engine.context_tokens == 90


def test_what_no_engine_was_asked_for_is_graded_by_the_reply():
    engine, question = asked()
    engine.listen([question])
    read = engine.held(question, check())
    assert read is None
    assert tasks.graded(check(), read, "It was 8017.", spoken=False).in_prompt
    assert not tasks.graded(check(), read, "It was 5241.", spoken=False).in_prompt


def test_shares_are_of_the_tasks_that_they_can_be_asked_of():
    grades = [
        tasks.graded(check(ago=3), True, "8017", spoken=True),
        tasks.graded(check(ago=30), False, "no idea", spoken=True),
    ]
    found = tasks.summary(grades)
    assert found["tasks"] == 2
    assert (found["in_prompt"], found["in_prompt/soon"], found["in_prompt/late"]) == (0.5, 1.0, 0.0)
    assert (found["right"], found["right/user"]) == (0.5, 0.5)
    assert "in_prompt/agent" not in found
    assert "right" not in tasks.summary([tasks.graded(check(), True, "8017", spoken=False)])
