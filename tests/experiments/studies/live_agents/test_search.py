from collections import Counter

import pytest

from experiments.studies.live_agents.search import Largest, largest


@pytest.mark.parametrize("number", range(70))
@pytest.mark.parametrize("first", [1, 2, 5])
def test_the_largest_number_is_found_and_none_is_tried_twice(number, first):
    tried = Counter()

    def holds(agents):
        tried[agents] += 1
        return agents <= number

    found = largest(holds, first, 64)
    assert found == (Largest(number, settled=True) if number < 64 else Largest(64, settled=False))
    assert set(tried.values()) == {1}
    assert max(tried) <= min(64, max(2 * number, first))


def test_where_nothing_holds_it_is_none():
    assert largest(lambda _: False, 2, 64) == Largest(0, settled=True)
