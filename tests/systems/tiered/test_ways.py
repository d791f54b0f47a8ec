"""Ways to keep successive states: each gives back every state as it was, and the small ones are small."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from systems.errors import BadInput, DamagedState
from systems.tiered.states import zstd
from systems.tiered.states.file import StateFile, States
from systems.tiered.states.interface import Plain, Way
from systems.tiered.states.learned import ByteModel, learned
from systems.tiered.states.rows import Rows
from systems.tiered.states.sparse import Sparse
from systems.tiered.states.ways import Compressed, Differences, Snapshots

WORDS = "refund parcel order seven thousand customer asked again whether the shop would send another one today".split()


def _grown(seed: int, steps: int) -> list[bytes]:
    """Return states of a conversation, of which the oldest messages leave after a while."""
    chance = random.Random(seed)
    messages: list[dict[str, str]] = []
    states = []
    for step in range(steps):
        messages += [
            {"role": role, "content": " ".join(chance.choices(WORDS, k=20))}
            for role in ("user", "assistant")
        ]  # fmt: skip
        fields = {"name": "support", "messages": messages[-30:], "counters": {"turns": step, "cost": step / 7}}
        states.append(msgspec.json.encode(fields))
    return states


DICTIONARY = zstd.trained(_grown(1, 60))
MODEL = learned(_grown(1, 60))
WAYS: dict[str, Callable[[], Way]] = {
    "full": lambda: Snapshots(Plain()),
    "zstd": lambda: Snapshots(Compressed()),
    "dictionary": lambda: Snapshots(Compressed(DICTIONARY)),
    "learned": lambda: Snapshots(MODEL),
    "sparse": lambda: Snapshots(Sparse(Compressed())),
    "rows": lambda: Rows(Plain()),
    "rows-dictionary": lambda: Rows(Compressed(DICTIONARY)),
    "difference": lambda: Differences(Compressed(DICTIONARY), longest=8),
}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    return WAYS[request.param]()


def test_every_state_comes_back_as_it_was(way: Way, tmp_path: Path) -> None:
    file = StateFile(tmp_path / "states.sqlite")
    states = States(file, "session", way)
    appended = _grown(2, 40)
    for state in appended:
        states.append(state)
        assert states.restore() == state
    assert [states.restore(step) for step in range(1, 41)] == appended
    file.close()


def test_states_go_on_where_another_process_left_them(way: Way, tmp_path: Path) -> None:
    appended = _grown(3, 12)
    for state in appended:
        file = StateFile(tmp_path / "states.sqlite")
        States(file, "session", way).append(state)
        file.close()
    file = StateFile(tmp_path / "states.sqlite")
    states = States(file, "session", way)
    assert states.steps == 12
    assert [states.restore(step) for step in range(1, 13)] == appended
    file.close()


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda part: st.lists(part, max_size=4) | st.dictionaries(st.text(max_size=4), part, max_size=4),
    max_leaves=20,
)
_STATE = (
    st.binary(max_size=60)
    | st.fixed_dictionaries({"messages": st.lists(_JSON, max_size=5), "counters": _JSON}).map(msgspec.json.encode)
    | _JSON.map(lambda value: msgspec.json.format(msgspec.json.encode(value)))
)


@given(st.lists(_STATE, min_size=1, max_size=6))
def test_whatever_is_appended_comes_back(appended: list[bytes]) -> None:
    for make in WAYS.values():
        way = make()
        file = StateFile(Path(":memory:"))
        states = States(file, "\ud800 any name\x00", way)
        for state in appended:
            states.append(state)
        assert [states.restore(step + 1) for step in range(len(appended))] == appended
        file.close()


def test_what_is_equal_in_python_and_not_in_text_is_told_apart() -> None:
    rows = Rows(Plain())
    before, after = b'{"a":[1,true],"b":1}', b'{"a":[1.0,1],"b":true}'
    frame = rows.after(after, before)
    assert frame is not None
    assert rows.read([before, frame]) == after


def test_rows_and_differences_take_a_fraction_of_the_snapshots(tmp_path: Path) -> None:
    sizes = {}
    for name, make in WAYS.items():
        file = StateFile(tmp_path / f"{name}.sqlite")
        states = States(file, "session", make())
        for state in _grown(4, 60):
            states.append(state)
        file.vacuum()
        file.close()
        sizes[name] = (tmp_path / f"{name}.sqlite").stat().st_size
    assert sizes["difference"] < sizes["full"] / 4
    assert sizes["rows"] < sizes["full"] / 4
    assert sizes["zstd"] < sizes["full"]


def test_a_mostly_empty_table_is_coded_by_what_is_in_it() -> None:
    rows = [dict.fromkeys(("parcel", "delay", "note"), 0) for _ in range(50)]
    rows[7]["delay"] = 3
    state = msgspec.json.encode({"output": rows, "grid": [[None] * 9 for _ in range(9)]})
    packed = Sparse().pack(state)
    assert len(packed) < len(state) / 10
    assert Sparse().unpack(packed) == state


@given(st.binary(max_size=200))
def test_whatever_is_packed_is_unpacked(data: bytes) -> None:
    for codec in (Sparse(), MODEL, Compressed(DICTIONARY), ByteModel(MODEL.content)):
        assert codec.unpack(codec.pack(data)) == data


@given(st.binary(max_size=200))
def test_what_was_never_packed_is_an_error_or_bytes(data: bytes) -> None:
    for codec in (Sparse(), MODEL, Compressed()):
        with suppress(DamagedState):
            assert isinstance(codec.unpack(data), bytes)


def test_a_learned_state_that_was_cut_is_an_error() -> None:
    packed = MODEL.pack(_grown(5, 1)[0])
    for cut in (0, 5, len(packed) - 2):
        with pytest.raises(DamagedState):
            MODEL.unpack(packed[:cut])


def test_nothing_is_learned_of_nothing() -> None:
    with pytest.raises(BadInput):
        learned([b""])
    for content in (b"", b"no model", zstd.compressed(b"no model"), zstd.compressed(bytes(32))):
        with pytest.raises(DamagedState):
            ByteModel(content)
