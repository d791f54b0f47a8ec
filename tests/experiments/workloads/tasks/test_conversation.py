"""Conversations with tasks: one right answer each, told before; the two splits share no value, no question."""

import itertools
import random

import pytest

from experiments.workloads.tasks import code, research, support
from experiments.workloads.tasks.conversation import (
    KINDS,
    LATE_TURNS,
    MIXED,
    PERIOD,
    SOON,
    SOON_TURNS,
    asks,
    kinds,
    talk,
)
from systems.engines.simulated import beginning
from systems.errors import UnknownName

TURNS = 500
TELLERS = {"support": support.told, "research": research.told, "code": code.told}


def taken(kind, seed=1, split="reporting", number=0, turns=TURNS):
    return list(itertools.islice(talk(kind, seed, number, split), turns))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_what_is_asked_for_was_told_once_as_many_turns_before_as_the_check_says(kind, seed):
    turns = taken(kind, seed)
    for place, turn in enumerate(turns):
        assert (turn.check is not None) == asks(place)
        if turn.check is None:
            continue
        told = turns[place - turn.check.turns_ago].turn
        teller = told.text if turn.check.teller == "user" else told.reply
        assert turn.check.evidence in teller
        assert turn.check.answer in turn.check.evidence
        assert turn.check.answer not in turn.turn.text
        before = [said for each in turns[:place] for said in (each.turn.text, each.turn.reply)]
        assert sum(turn.check.evidence in said for said in before) == 1
        if place % PERIOD == SOON:
            assert turn.check.turns_ago == SOON_TURNS
        elif place > 2 * LATE_TURNS:
            assert turn.check.turns_ago >= LATE_TURNS


@pytest.mark.parametrize("kind", KINDS)
def test_no_turn_is_said_twice_and_no_wrong_value_is_the_right_one(kind):
    turns = taken(kind)
    assert len({turn.turn.text for turn in turns}) == TURNS
    checks = [turn.check for turn in turns if turn.check]
    assert all(check.answer not in check.others for check in checks)
    assert {check.teller for check in checks} == {"user", "agent"}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_told_is_no_question_and_a_reply_says_its_value_within_the_tokens_that_are_generated(kind):
    for turn in taken(kind):
        assert turn.turn.text.endswith("?") == (turn.check is not None)
        if turn.check is not None:
            assert "[" not in turn.check.evidence  # a note would change it
        assert len(beginning(turn.turn.reply, 32)) < len(turn.turn.reply)
    rng = random.Random(0)
    for place in range(200):
        told = TELLERS[kind](rng, "reporting", place)
        if told.fact.teller == "agent":
            assert told.fact.evidence in beginning(told.reply, 32)


@pytest.mark.parametrize("kind", KINDS)
def test_the_splits_share_no_value_and_no_question(kind):
    def said(split):
        checks = [turn for seed in range(4) for turn in taken(kind, seed, split) if turn.check]
        return {turn.check.answer for turn in checks}, {turn.turn.text for turn in checks}

    for one, other in zip(said("settling"), said("reporting"), strict=True):
        assert one
        assert not one & other


@pytest.mark.parametrize("kind", KINDS)
def test_equal_seeds_say_the_same_and_other_seeds_and_numbers_something_else(kind):
    assert taken(kind, turns=30) == taken(kind, turns=30)
    assert taken(kind, turns=30) != taken(kind, 2, turns=30)
    assert taken(kind, turns=30) != taken(kind, number=1, turns=30)


def test_many_at_once_are_of_all_kinds_and_a_workload_that_is_not_there_is_refused():
    assert set(kinds(MIXED, 5)) == set(KINDS)
    assert kinds("code", 2) == ["code", "code"]
    with pytest.raises(UnknownName, match="workload of tasks"):
        kinds("cod", 1)
