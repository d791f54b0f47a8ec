"""A run stops where nothing that it does can count, and for no less."""

import msgspec
import pytest

from experiments.measuring.records import Outcome
from experiments.measuring.void_blocks import FEWEST, VoidBlocks
from tests.experiments.measuring.test_interruption import record

VOID, OK, LOST = Outcome.INVALID, Outcome.OK, Outcome.TIMED_OUT


def trials(outcomes, reason="host noise"):
    """Return a record for each outcome of each block."""
    made = []
    for block, ends in enumerate(outcomes):
        for end in ends:
            one = record(len(made))
            one.spec = msgspec.structs.replace(one.spec, block=block)
            one.outcome, one.reason = end, reason if end is VOID else ""
            made.append(one)
    return made


def stopped_after(outcomes, before=()):
    """Return how many trials were run before the rule would stop; None where it never would."""
    made = trials(outcomes)
    looking = VoidBlocks([one.spec for one in made], before)
    said = [looking.after(one) for one in made]
    return next((number for number, words in enumerate(said, 1) if words), None)


@pytest.mark.parametrize(
    ("outcomes", "stops"),
    [
        ([[VOID] * 6, [VOID] * 6], 6),
        ([[VOID] * 5 + [OK], [VOID] * 6], 12),
        ([[VOID] * 5 + [LOST], [OK] + [VOID] * 5], None),
        ([[OK] * 6, [VOID] * 6, [OK] * 6], 12),
        ([[VOID]] * 6, FEWEST),
        ([[VOID]] * 3, None),
        ([[VOID], [OK], [VOID], [VOID], [VOID], [OK]], None),
        ([[VOID, VOID], [VOID, VOID], [OK, OK]], 4),
        ([[VOID, OK], [VOID, VOID]], None),
    ],
)
def test_it_stops_after_a_whole_block_that_was_void_and_four_in_a_row(outcomes, stops):
    assert stopped_after(outcomes) == stops


def test_what_was_measured_of_a_block_before_keeps_it_from_being_wholly_void():
    assert stopped_after([[VOID] * 5], before=trials([[OK]])) is None
    assert stopped_after([[VOID] * 5], before=trials([[VOID]])) == 5


def test_it_says_the_most_frequent_reason():
    made = [*trials([[VOID] * 3], reason="a busy machine."), *trials([[VOID]], reason="another")]
    looking = VoidBlocks([one.spec for one in made], [])
    said = [looking.after(one) for one in made][-1]
    assert said == ("Of block 1 all 4 trials were void, so nothing of it can count: 3 of them for this: a busy machine")
