"""The traditional store while another program holds the file."""

import sqlite3
from contextlib import closing

import pytest

from systems.errors import StoreBusy, StoreError
from systems.memory import like
from systems.memory.like import LikeStore
from systems.memory.schema import SavedTurn


@pytest.mark.parametrize("operation", ["find", "save"])
def test_a_locked_database_is_a_transient_error_and_a_broken_one_is_not(tmp_path, monkeypatch, operation):
    monkeypatch.setattr(like, "BUSY_S", 0.01)
    store = LikeStore(tmp_path / "memory.sqlite")
    store.open()
    saved = SavedTurn(session="s", question="q", answer="a", keywords=())
    call = {"find": lambda: store.find("s", ["word"], 3), "save": lambda: store.save([saved])}[operation]
    with closing(sqlite3.connect(tmp_path / "memory.sqlite")) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreBusy) as caught:
            call()
        assert caught.value.transient
    call()
    with closing(sqlite3.connect(tmp_path / "memory.sqlite")) as other:
        other.execute("DROP TABLE memories")
    with pytest.raises(StoreError) as caught:
        call()
    assert not caught.value.transient
