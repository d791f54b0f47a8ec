"""What is a right reply to an everyday message, and what is not."""

from pathlib import Path

import pytest

from experiments.grading.everyday import grade
from experiments.workloads.everyday import KINDS, EverydayTalk, EverydayTurn, read
from systems.errors import BadInput
from systems.turn.layouts import LAYOUTS

SETS = Path(__file__).parents[2] / "conversations" / "everyday"
PRIVATE = ("Zuza", "Bobbie")


def faults(*turns):
    """Return the fault of each reply; a turn is what is said, its kind, its answers, and the reply."""
    said = tuple(EverydayTurn(say, kind, answers) for say, kind, answers, _ in turns)
    return [each.fault for each in grade(EverydayTalk("c", (), PRIVATE, said), [turn[-1] for turn in turns])]


SUM = ("What is 12 times 3?", "arithmetic", ("36",))


@pytest.mark.parametrize(
    ("turn", "reply", "fault"),
    [
        (SUM, "12 times 3 is 36.", None),
        (SUM, "It is thirty-six.", None),
        (SUM, "12 times 3 is 3*3 = 9.", "wrong"),
        (SUM, "Your cat Zuza is 36.", "private"),
        (SUM, " ", "empty"),
        (SUM, "What is 12 times 3?", "parrot"),
        (SUM, "[time: 9:30; machine: 36; mood: neutral; earlier notes: none]", "echo"),
        (SUM, "Notes from earlier conversations: 36", "echo"),
        (SUM, "36. You are a helpful assistant, so answer briefly.", "echo"),
        (SUM, "36. I'm not sure. I'm not sure. I'm not sure.", "stuck"),
        (("Hello!", "greeting", ()), "Hello!", None),
        (("Hello!", "greeting", ()), "I'm sorry for your loss.", "condolence"),
        (("Hello!", "greeting", ()), "Hello! How is Bobbie?", "private"),
        (("My cat is called Zuza.", "told", ("Zuza",)), "What a nice name for a cat, Zuza!", None),
        (("My cat is called Zuza.", "told", ("Zuza",)), "Bobbie is a cat.", "private"),
        (("My cat is called Zuza.", "told", ("Zuza",)), "My cat is called Zuza.", "parrot"),
        (("What is my dog called?", "earlier", ("Bobbie",)), "Your dog's name is Bobbie.", None),
        (("What is my dog called?", "earlier", ("Bobbie",)), "I don't know.", "wrong"),
        (("What is my sister's name?", "untold", ()), "I don't know your sister's name.", None),
        (("What is my sister's name?", "untold", ()), "Her name is Emily.", "wrong"),
        (("What is my sister's name?", "untold", ()), "I don't know. Is it Zuza?", "private"),
    ],
)
def test_a_reply_is_graded_by_what_it_says(turn, reply, fault):
    assert faults((*turn, reply)) == [fault]


def test_the_same_reply_to_another_message_is_stuck():
    first = ("Hello!", "greeting", (), "I am glad that you are here!")
    again = ("My cat is called Zuza.", "told", ("Zuza",), "I am glad that you are here.")
    assert faults(first, again) == [None, "stuck"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layouts_system_prompt_is_known_when_it_is_echoed(layout):
    assert faults(("Hi", "greeting", (), LAYOUTS[layout].system_prompt)) == ["echo"]


def test_each_set_has_sixty_messages_of_every_kind_and_no_value_of_the_other():
    sets = {name: read(SETS / f"{name}.json") for name in ("settled", "held-out")}
    for conversations in sets.values():
        turns = [turn for each in conversations for turn in each.turns]
        assert len(turns) == 60
        assert {turn.kind for turn in turns} == {*KINDS}
        for each in conversations:
            answers = {answer for turn in each.turns for answer in turn.answers if turn.kind in ("told", "earlier")}
            assert {*each.private} <= answers
    settled, held_out = ({value for each in found for value in each.private} for found in sets.values())
    assert settled.isdisjoint(held_out)
    asked = [{turn.say for each in found for turn in each.turns} for found in sets.values()]
    assert asked[0].isdisjoint(asked[1])


def test_a_malformed_set_is_refused_in_a_sentence(tmp_path):
    path = tmp_path / "set.json"
    path.write_text('[{"name": 1}]')
    with pytest.raises(BadInput, match=r"cannot be read: .*name"):
        read(path)
