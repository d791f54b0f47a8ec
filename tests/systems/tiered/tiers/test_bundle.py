"""A bundle stands alone: its turns can be had without the tiers, and nothing else is taken for one."""

import io
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systems.errors import Damaged
from systems.interface import talk
from systems.memory import archive
from systems.tiered.tiers import bundle
from tests.systems.tiered.tiers.placing import cold, exchanges, turns

if sys.version_info >= (3, 14):
    from compression import zstd  # as another program would read it
else:
    from backports import zstd

STATES = [("anna", exchanges("anna")), (talk("anna", "trip"), exchanges("trip"))]
SAID = turns("anna")
WRITTEN = bundle.written("anna", SAID, STATES)


def test_what_was_written_is_read():
    said = turns("anna") + turns("anna", "trip")
    assert bundle.read(bundle.written("anna", said, STATES), "anna") == (said, STATES)
    assert bundle.read(bundle.written("anna", [], []), "anna") == ([], [])


async def test_a_frozen_session_can_be_imported_into_another_memory_file(place):
    async with place.opened() as tiers:
        await tiers.store.save(turns("anna") + turns("anna", "trip"))
        await cold(tiers, "anna")
        assert await tiers.freeze("anna")
    [name] = place.bundles()
    lines = zstd.decompress((place.folder / "bundles" / name).read_bytes())
    other = place.folder / "other.sqlite"
    assert archive.load(other, io.BytesIO(lines)) == 6
    assert archive.sessions(other) == ["anna"]


def test_the_bundle_of_another_session_is_refused():
    with pytest.raises(Damaged, match="another"):
        bundle.read(bundle.written("bob", turns("bob"), []), "anna")


@given(st.binary(max_size=200))
def test_what_is_no_bundle_is_damaged(data):
    with pytest.raises(Damaged):
        bundle.read(data, "anna")


@given(st.integers(0, len(WRITTEN) - 1), st.integers(1, 255))
def test_a_bundle_in_which_a_byte_changed_is_damaged_or_says_the_same(at, change):
    changed = bytearray(WRITTEN)
    changed[at] ^= change
    try:
        found = bundle.read(bytes(changed), "anna")
    except Damaged:
        return
    assert found == (SAID, STATES)
