from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from experiments.studies.live_agents.search import Largest, largest


@pytest.mark.parametrize("number", range(70))
@pytest.mark.parametrize("first", [1, 2, 5, 40])
def test_the_largest_number_is_found_and_none_is_tried_twice(number, first):
    tried = Counter()

    def holds(agents):
        tried[agents] += 1
        return agents <= number

    found = largest(holds, first, first, 64)
    assert found == (Largest(number, settled=True) if number < 64 else Largest(64, settled=False))
    assert set(tried.values()) == {1}
    assert max(tried) <= min(64, max(2 * number, first))


@given(
    number=some.integers(0, 300),
    first=some.integers(1, 300),
    stride=some.integers(1, 40),
    within=some.sampled_from([0, 1 / 16, 1 / 8]),
    expected=some.integers(0, 300),
)
@example(number=256, first=229, stride=40, within=1 / 8, expected=0)
def test_a_search_from_a_guess_ends_within_its_share(number, first, stride, within, expected):
    tried = []
    found = largest(
        lambda agents: tried.append(agents) or agents <= number, first, stride, 256, within, lambda: expected
    )
    assert len(tried) == len(set(tried))
    assert all(1 <= agents <= 256 for agents in tried)
    assert found.settled == (number < 256)
    assert found.number <= number
    if found.settled:
        failed = min(agents for agents in tried if agents > number)
        assert failed - found.number <= max(1, within * found.number)


def test_who_begins_near_tries_few():
    tried = []
    largest(lambda agents: tried.append(agents) or agents <= 62, 60, 7, 256, 1 / 8)
    assert tried == [60, 67]


def test_who_begins_near_is_not_led_past():
    tried = []
    largest(lambda agents: tried.append(agents) or agents <= 9, 8, 1, 64)
    assert tried == [8, 9, 10]


@pytest.mark.parametrize(
    ("number", "tries"), [(5, [4, 6, 5]), (10, [4, 10, 11]), (9, [4, 9, 10]), (4, [4, 5]), (3, [4, 3])]
)
def test_what_the_first_number_lets_be_expected_is_tried_next(number, tries):
    tried = []
    expected = {5: 6, 10: 10, 9: 9, 4: 4, 3: 3}[number]
    largest(lambda agents: tried.append(agents) or agents <= number, 4, 1, 64, expected=lambda: expected)
    assert tried == tries


def test_where_nothing_holds_it_is_none():
    assert largest(lambda _: False, 2, 2, 64) == Largest(0, settled=True)
