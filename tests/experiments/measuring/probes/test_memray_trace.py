"""A flame graph of stacks loses no byte that can be seen, and a function never holds more than its caller."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from experiments.measuring.probes.memray_trace import LEAST_SHARE, flames
from experiments.measuring.records import Frame

STACKS = st.dictionaries(
    st.lists(st.sampled_from("abc"), min_size=1, max_size=5).map(tuple), st.integers(1, 10_000), min_size=1
)


def each(frame: Frame) -> Iterator[Frame]:
    yield frame
    for called in frame.calls:
        yield from each(called)


@given(STACKS)
def test_callers_hold_what_they_call_and_what_cannot_be_seen_is_left_out(stacks: dict[tuple[str, ...], int]) -> None:
    whole = flames(stacks)
    assert whole.size_bytes == sum(stacks.values())
    for frame in each(whole):
        assert sum(called.size_bytes for called in frame.calls) <= frame.size_bytes
        assert frame.size_bytes >= LEAST_SHARE * whole.size_bytes
        assert len({called.place for called in frame.calls}) == len(frame.calls)
    for outermost in {stack[0] for stack in stacks}:
        held = sum(size for stack, size in stacks.items() if stack[0] == outermost)
        if held >= LEAST_SHARE * whole.size_bytes:
            assert held in [called.size_bytes for called in whole.calls if called.place == outermost]
