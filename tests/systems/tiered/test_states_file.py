"""The file of states: damage is an error that says what is missing, and a kill loses nothing that was appended."""

from __future__ import annotations

import pickle
import random
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from systems.errors import BaseMissing, DamagedState, StoreBusy, StoreError
from systems.tiered.states import file as files
from systems.tiered.states.file import StateFile, States
from systems.tiered.states.ways import Differences

_APPENDING = """
import sys
from pathlib import Path
from systems.tiered.states.file import StateFile, States
from systems.tiered.states.ways import Differences

states = States(StateFile(Path(sys.argv[1])), "session", Differences(longest=4))
text = b"what was said before " * 20
while True:
    states.append(text + b"step %d" % (states.steps + 1))
    print(states.steps, flush=True)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "states.sqlite"


@pytest.fixture
def file(path: Path) -> Iterator[StateFile]:
    opened = StateFile(path)
    yield opened
    opened.close()


def _filled(file: StateFile, session: str = "session", count: int = 7, longest: int = 9) -> States:
    states = States(file, session, Differences(longest=longest))
    for step in range(count):
        states.append(_state(session, step + 1))
    return states


def _state(session: str, step: int) -> bytes:
    return f"{session}: ".encode() + b"what was said before " * 20 + b"step %d" % step


def _change(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


def test_a_difference_whose_base_is_missing_is_an_error_that_names_it(file: StateFile, path: Path) -> None:
    states = _filled(file)
    _change(path, "DELETE FROM states WHERE place & 0xffff = 4")
    assert states.restore(3) == _state("session", 3)
    for step in (5, 6, 7):
        with pytest.raises(BaseMissing, match=r"State 5 .* differs from state 4, which is missing") as caught:
            states.restore(step)
        assert pickle.loads(pickle.dumps(caught.value)).base == 4
    with pytest.raises(DamagedState, match="no state 4"):
        states.restore(4)


def test_after_damage_the_next_state_is_whole(file: StateFile, path: Path) -> None:
    _filled(file)
    _change(path, "DELETE FROM states WHERE place & 0xffff = 4")
    states = States(file, "session", Differences())
    states.append(_state("session", 8))
    assert states.restore() == _state("session", 8)


def test_any_changed_byte_is_an_error_and_never_another_state(file: StateFile, path: Path) -> None:
    states = _filled(file)
    chance = random.Random(1)
    rows = file.run(lambda connection: connection.execute("SELECT place, frame FROM states").fetchall())
    for place, frame in rows:
        for _ in range(20):
            changed = bytearray(frame)
            changed[chance.randrange(len(frame))] ^= 1 << chance.randrange(8)
            with closing(sqlite3.connect(path)) as connection, connection:
                connection.execute("UPDATE states SET frame = ? WHERE place = ?", (bytes(changed), place))
            with suppress(DamagedState):
                assert states.restore() == _state("session", 7)
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE states SET frame = ? WHERE place = ?", (frame, place))
    assert states.restore() == _state("session", 7)


def test_sessions_do_not_see_each_other(file: StateFile) -> None:
    names = ["a", "A", "", "a\x00", "\ud800", "x" * 100_000, "a'; DROP TABLE states; --"]
    kept = {name: _filled(file, name, 3) if name != "\ud800" else None for name in names}
    half = States(file, "\ud800", Differences())
    half.append(b"half a character")
    for name, states in kept.items():
        if states is not None:
            assert [states.restore(step) for step in (1, 2, 3)] == [_state(name, step) for step in (1, 2, 3)]
    assert half.restore() == b"half a character"
    states = kept["a"]
    assert states is not None
    states.forget()
    with pytest.raises(DamagedState):
        states.restore()
    states.append(b"anew")
    assert states.restore(1) == b"anew"
    assert half.restore(1) == b"half a character"


def test_a_chain_is_no_longer_than_it_may_be(file: StateFile) -> None:
    _filled(file, count=25, longest=4)
    whole = file.run(lambda connection: connection.execute("SELECT count(*) FROM states WHERE base IS NULL").fetchone())
    assert whole == (5,)


def test_a_kill_loses_no_state_that_was_appended(path: Path) -> None:
    acknowledged = 0
    for count in (1, 2, 7, 30, 100):
        with subprocess.Popen([sys.executable, "-c", _APPENDING, path], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _ in range(count):
                acknowledged = int(process.stdout.readline())
            process.kill()
        file = StateFile(path)
        states = States(file, "session", Differences(longest=4))
        assert states.steps >= acknowledged
        for step in range(1, states.steps + 1):
            assert states.restore(step).endswith(b"step %d" % step)
        file.close()


def test_no_states_no_step_and_no_learned_thing_are_errors(file: StateFile) -> None:
    states = States(file, "session", Differences())
    for step in (None, 0, -1, 1, 2**40):
        with pytest.raises(DamagedState, match="no state"):
            states.restore(step)
    with pytest.raises(DamagedState, match="dictionary"):
        file.kept("dictionary")
    file.keep("dictionary", b"words")
    assert file.kept("dictionary") == b"words"


def test_a_file_that_cannot_be_used_is_an_error(path: Path, tmp_path: Path) -> None:
    path.write_bytes(b"no database " * 1000)
    with pytest.raises(StoreError):
        StateFile(path)
    newer = tmp_path / "newer.sqlite"
    _change(newer, "PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="99"):
        StateFile(newer)


def test_a_locked_file_is_busy_and_then_takes_the_same_state(
    file: StateFile, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "BUSY_S", 0.01)
    opened = StateFile(path)
    states = States(opened, "session", Differences())
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy):
            states.append(b"a state")
        other.execute("COMMIT")
    states.append(b"a state")
    assert states.steps == 1
    assert states.restore() == b"a state"
    opened.close()
