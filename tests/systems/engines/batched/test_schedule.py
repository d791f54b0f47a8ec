"""What a step computes, and where."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from systems.engines.batched.schedule import place, shares


@given(
    st.dictionaries(st.integers(0, 31), st.integers(0, 3000), max_size=16),
    st.integers(16, 600),
    st.integers(1, 600),
)
def test_a_step_serves_every_running_reply_and_never_more_than_fits(left, batch, chunk):
    found = shares(left, batch, chunk)
    running = [sequence for sequence, tokens in left.items() if not tokens]
    assert all(found[sequence] == 1 for sequence in running)
    assert sum(found.values()) <= batch
    prompts = {sequence: share for sequence, share in found.items() if left[sequence]}
    assert all(0 < share <= left[sequence] for sequence, share in prompts.items())
    assert sum(prompts.values()) <= (min(chunk, batch) if running else batch)
    if left:
        assert found, "a step that computes nothing would be tried for ever"


@given(st.integers(1, 16).flatmap(lambda slots: st.tuples(st.just(slots), st.sets(st.integers(0, slots - 1)))))
def test_a_place_is_free_beside_the_active_ones_and_found_whenever_one_is_free(given):
    slots, active = given
    found = place(active, slots)
    assert not active.intersection(found)
    assert bool(found) == (len(active) < slots)
    if active and found:
        assert all(min(active) - 1 <= slot <= max(active) + 1 for slot in found)
