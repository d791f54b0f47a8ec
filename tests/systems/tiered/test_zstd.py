"""zstd: what comes back is what went in, and what cannot be read says so."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systems.errors import BadInput, DamagedState
from systems.tiered.states import zstd

WORDS = "the order of user asked for a refund today because parcel never came and support answers now".split()


def _states(seed: int, count: int) -> list[bytes]:
    chance = random.Random(seed)
    return [
        " ".join([f'{{"user": "{chance.randrange(10**6)}"', *chance.choices(WORDS, k=40), "}"]).encode()
        for _ in range(count)
    ]


@pytest.fixture(scope="module")
def dictionary() -> zstd.Dictionary:
    return zstd.trained(_states(1, 600))


@given(st.binary(max_size=3000), st.binary(max_size=3000))
def test_every_state_comes_back(state: bytes, previous: bytes) -> None:
    assert zstd.decompressed(zstd.compressed(state)) == state
    assert zstd.applied(zstd.difference(state, previous), previous) == state


@given(state=st.binary(max_size=3000))
def test_every_state_comes_back_by_its_dictionary(dictionary: zstd.Dictionary, state: bytes) -> None:
    frame = zstd.compressed(state, dictionary)
    assert zstd.decompressed(frame, zstd.Dictionary(dictionary.content)) == state


def test_a_dictionary_makes_unseen_states_smaller(dictionary: zstd.Dictionary) -> None:
    state = _states(2, 1)[0]
    assert len(zstd.compressed(state, dictionary)) < 0.7 * len(zstd.compressed(state))


def test_a_difference_is_small_however_far_back_the_like_lies() -> None:
    previous = random.Random(3).randbytes(5 << 20)
    state = previous + b"one turn more"
    frame = zstd.difference(state, previous)
    assert len(frame) < len(state) / 500
    assert zstd.applied(frame, previous) == state


def test_a_frame_without_its_dictionary_is_an_error_that_names_it(dictionary: zstd.Dictionary) -> None:
    frame = zstd.compressed(_states(4, 1)[0], dictionary)
    other = zstd.trained(_states(5, 600), 2048)
    for given_ in (None, other):
        with pytest.raises(DamagedState, match=str(dictionary.number)):
            zstd.decompressed(frame, given_)


def test_a_difference_applied_to_another_state_is_an_error_not_a_wrong_state() -> None:
    previous, state = b"the order is 1107 " * 50, b"the order is 1107 " * 51
    frame = zstd.difference(state, previous)
    with pytest.raises(DamagedState):
        zstd.applied(frame, previous.replace(b"1107", b"1108"))


def test_a_cut_changed_or_foreign_frame_is_an_error() -> None:
    frame = zstd.compressed(_states(6, 1)[0])
    changed = bytearray(frame)
    changed[len(frame) // 2] ^= 1
    for bad in (b"", b"hello", frame[:-1], bytes(changed), frame + b"x"):
        with pytest.raises(DamagedState):
            zstd.decompressed(bad)


def test_a_frame_that_unpacks_to_too_much_is_an_error() -> None:
    frame = zstd.compressed(bytes(1 << 20))
    with pytest.raises(DamagedState, match="more than 1000 bytes"):
        zstd.decompressed(frame, most_bytes=1000)


def test_too_few_samples_train_no_dictionary() -> None:
    for samples in ([], _states(7, 4), [b"x"] * 100):
        with pytest.raises(BadInput):
            zstd.trained(samples)


def test_what_is_no_dictionary_is_refused() -> None:
    with pytest.raises(DamagedState):
        zstd.Dictionary(b"no dictionary at all")
