"""States keep within their bounds, and what is given back is what was taken."""

from __future__ import annotations

import tempfile

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from systems.engines.batched.states import State, States


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3000), st.booleans()), max_size=40), st.booleans())
def test_states_keep_within_their_bounds_and_give_back_what_they_took(steps, disk):
    states: States[int] = States(8_000, 5_000 if disk else 0, lambda tokens: 1.0)
    latest: dict[int, State] = {}
    for key, size, putting in steps:
        if putting:
            latest[key] = State(np.arange(size // 100, dtype=np.int32), np.full(size, key, np.uint8))
            states.put(key, latest[key])
        else:
            found = states.take(key)
            if found is not None:
                assert (found.data == latest[key].data).all()
                assert (found.tokens == latest[key].tokens).all()
            assert states.take(key) is None
        assert states.bytes <= 8_000
        assert states.bytes_on_disk <= 5_000
    states.close()
    assert states.bytes == states.bytes_on_disk == 0


def test_without_a_folder_to_spill_to_states_are_dropped(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    states: States[int] = States(100, 10**6, lambda tokens: 1.0)
    states.put(1, State(np.arange(9, dtype=np.int32), np.zeros(400, np.uint8)))
    assert states.take(1) is None
    assert (states.dropped, states.spilled) == (1, 0)
    states.close()
