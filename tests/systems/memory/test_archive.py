"""Taking something out of a memory file beside others who use it, and reading one that cannot be written."""

import asyncio
import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import unicodedata
from contextlib import closing, contextmanager

import pytest

from systems.asynchronous.agent import Asynchronous
from systems.asynchronous.settings import AsynchronousSettings
from systems.baseline.agent import Baseline
from systems.baseline.settings import BaselineSettings
from systems.errors import BadInput, ExitCode, StillReadable, StoreBusy, StoreError
from systems.interface import Request
from systems.memory import archive, holding, keeping
from systems.memory.fulltext import FullTextStore
from systems.memory.like import LikeStore
from systems.memory.schema import SavedTurn
from systems.server.hosting import host
from tests.systems.conversing import simulated
from tests.systems.memory.test_memory_files import VERSION_1, VERSION_2, VERSION_3, VERSION_5, VERSION_6

SECRET = "beekeeping"
ENDINGS = ("", "-wal", "-shm", "-journal")


def turn(text, session="s", **fields):
    return SavedTurn(session=session, question=text, answer="yes", keywords=("k",), **fields)


def like(path, *turns):
    store = LikeStore(path)
    store.open()
    store.save(turns)


async def fulltext(path, *turns):
    store = FullTextStore(path)
    await store.open()
    await store.save(turns)
    await store.close()


def exported(path, session=None):
    out = io.BytesIO()
    archive.export(path, out, session)
    return out.getvalue()


def names(path):
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute("SELECT session FROM memories ORDER BY id")]


def readable(path, text):
    files = [path.with_name(path.name + ending) for ending in ENDINGS]
    return text.encode() in b"".join(file.read_bytes() for file in files if file.exists())


@pytest.fixture
def path(tmp_path):
    return tmp_path / "memory.sqlite"


# Beside a reader


async def test_beside_a_reader_forgetting_says_that_it_is_still_readable_and_is_finished_later(path, impatient):
    await fulltext(path, *(turn(f"I am fond of {SECRET} {n}", "anna") for n in range(50)), turn("Hello", "bo"))
    with closing(sqlite3.connect(path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM memories").fetchone()
        with pytest.raises(StillReadable, match=r"^50 turns deleted, but .* can still be read .* until") as raised:
            archive.forget(path, "anna")
        assert raised.value.exit_code == ExitCode.STILL_READABLE
        assert readable(path, SECRET)
        assert exported(path).count(b"\n") == 2
        with pytest.raises(StillReadable):
            archive.compact(path)
        reader.rollback()
        # What is left is taken away by asking again, though nothing of the session is in the table any more.
        with pytest.raises(BadInput, match="There is no session 'anna'"):
            archive.forget(path, "anna")
        assert not readable(path, SECRET)


def test_the_process_that_still_reads_is_named(path, impatient):
    asyncio.run(fulltext(path, turn(f"I am fond of {SECRET}", "anna")))
    reads = (
        "import sqlite3, sys\nreader = sqlite3.connect(sys.argv[1])\nreader.execute('BEGIN')\n"
        "reader.execute('SELECT count(*) FROM memories').fetchone()\nprint(flush=True)\nsys.stdin.read()"
    )
    command = [sys.executable, "-c", reads, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
        reader.stdout.readline()
        with pytest.raises(StillReadable, match=rf"\(process {reader.pid}\)"):
            archive.forget(path, "anna")


def test_beside_a_reader_of_a_file_without_a_log_nothing_is_deleted(path, impatient):
    like(path, turn("Hello", "anna"))
    with closing(sqlite3.connect(path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM memories").fetchone()
        with pytest.raises(StoreBusy):
            archive.forget(path, "anna")
    assert names(path) == ["anna"]
    assert archive.forget(path, "anna") == 1


async def test_of_many_forgotten_turns_no_text_is_left_beside_an_idle_connection(path):
    long = f"I am fond of {SECRET} " + "x" * 9000
    await fulltext(path, *(turn(f"{long} {n}", "anna") for n in range(40)), turn("Hello", "bo"))
    with closing(sqlite3.connect(path)) as idle:
        idle.execute("SELECT count(*) FROM memories").fetchone()
        assert archive.forget(path, "anna") == 40
        assert not readable(path, SECRET)
        assert not readable(path, "anna")


def test_deleted_turns_are_zeros_where_the_file_cannot_be_written_anew(path, monkeypatch):
    like(path, turn(f"I am fond of {SECRET}", "anna"), *(turn("x" * 900, "bo") for _ in range(9)))
    connect = sqlite3.connect

    class Full(sqlite3.Connection):
        def execute(self, statement, *values):
            if statement == "VACUUM":
                raise sqlite3.OperationalError("database or disk is full")
            return super().execute(statement, *values)

    monkeypatch.setattr(sqlite3, "connect", lambda *given, **named: connect(*given, **named, factory=Full))
    with pytest.raises(StillReadable, match="could not be written anew: database or disk is full"):
        archive.forget(path, "anna")
    assert not readable(path, SECRET)


# Beside an agent


def agents(folder):
    return [
        Asynchronous(AsynchronousSettings(), simulated(), folder),
        Asynchronous(AsynchronousSettings(full_text=False), simulated(), folder),
        Baseline(BaselineSettings(), simulated(), folder),
    ]


@pytest.mark.parametrize("which", range(3))
async def test_beside_a_running_agent_nothing_is_forgotten_and_nothing_comes_back_after_it(path, impatient, which):
    await fulltext(path, turn(f"I am fond of {SECRET}", "anna"))
    async with host(agents(path.parent)[which]) as agent, host(agents(path.parent)[0]):
        await agent.answer(Request(id="1", session="anna", text=f"What is {SECRET}?", max_tokens=2))
        for take_out in (lambda: archive.forget(path, "anna"), lambda: archive.compact(path, 1)):
            with pytest.raises(StoreBusy, match=r"is in use by .*Nothing was changed"):
                take_out()
    assert names(path) == ["anna", "anna"]
    assert archive.forget(path, "anna") == 2
    assert not readable(path, SECRET)
    assert [file.name for file in path.parent.iterdir() if file.name.endswith("-held")] == []


async def test_a_background_save_that_waits_does_not_bring_back_what_was_forgotten(path, impatient):
    await fulltext(path, turn("Hello", "anna"))
    agent = Asynchronous(AsynchronousSettings(), simulated(), path.parent)
    await agent.start()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        await agent.answer(Request(id="1", session="anna", text=f"I like {SECRET}", max_tokens=2))
        other.execute("ROLLBACK")
        with pytest.raises(StoreBusy):
            archive.forget(path, "anna")
    await agent.close()
    archive.forget(path, "anna")
    assert names(path) == []


def test_an_agent_that_was_killed_holds_nothing(path):
    like(path, turn("Hello", "anna"))
    holds = (
        "import sys\nfrom pathlib import Path\nfrom systems.memory.holding import Hold\n"
        "hold = Hold(Path(sys.argv[1]))\nhold.take()\nprint(flush=True)\nsys.stdin.read()"
    )
    command = [sys.executable, "-c", holds, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as agent:
        agent.stdout.readline()
        with pytest.raises(StoreBusy, match=rf"\(process {agent.pid}\)"):
            archive.forget(path, "anna")
        agent.kill()
        agent.wait()
        assert archive.forget(path, "anna") == 1


def test_while_something_is_taken_out_no_agent_starts_and_nobody_else_takes_out(path):
    like(path, turn("Hello", "anna"))
    link = path.with_name("link.sqlite")
    link.symlink_to(path)
    with holding.alone(link):
        with pytest.raises(StoreBusy, match="start the agent when that is done"):
            Baseline(BaselineSettings(), simulated(), path.parent).start()
        with pytest.raises(StoreBusy):
            archive.forget(path, "anna")
    assert archive.forget(path, "anna") == 1


def test_an_agent_that_fails_to_start_holds_nothing(path):
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError):
        Baseline(BaselineSettings(), simulated(), path.parent).start()
    with holding.alone(path):
        pass


def test_holding_and_letting_go_in_many_threads_never_lets_two_in(path):
    inside, most, failures = 0, 0, []

    def take_out():
        nonlocal inside, most
        for _ in range(200):
            try:
                with holding.alone(path):
                    inside += 1
                    most = max(most, inside)
                    inside -= 1
            except StoreBusy:
                continue
            except Exception as error:  # noqa: BLE001 - none may be raised
                failures.append(error)

    threads = [threading.Thread(target=take_out) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert most == 1


# Names


@pytest.mark.parametrize("stored", ["NFC", "NFD"])
@pytest.mark.parametrize("typed", ["NFC", "NFD"])
def test_a_name_means_its_session_however_its_letters_are_encoded(path, stored, typed):
    name = unicodedata.normalize(stored, "Zoë 가")
    like(path, turn("Hello", name), turn("Hello", "Zoe"))
    given = unicodedata.normalize(typed, "Zoë 가")
    assert name.encode() in exported(path, given)
    assert archive.forget(path, given) == 1
    assert names(path) == ["Zoe"]


@pytest.mark.parametrize("use", [archive.forget, exported])
def test_a_session_that_is_not_there_is_named_with_those_that_are_near(path, use):
    like(path, turn("Hello", "anna"), turn("Hello", "bo"))
    with pytest.raises(BadInput, match=r"There is no session 'ana' in memory.sqlite; did you mean 'anna'\?"):
        use(path, "ana")
    assert names(path) == ["anna", "bo"]


# A file that cannot be written


@contextmanager
def read_only(folder):
    """Let a folder, and what is in it, be only read: by its mode, or, for root, which asks no mode, by a mount."""
    if os.geteuid() != 0:
        for file in (*folder.iterdir(), folder):
            file.chmod(file.stat().st_mode & ~0o222)
        yield
        folder.chmod(0o755)
        return
    for how in (["--bind", folder, folder], ["-o", "remount,ro,bind", folder]):
        mounted = subprocess.run(["mount", *how], capture_output=True)
        if mounted.returncode != 0:
            pytest.skip(f"mounting a folder so that it is only read failed: {mounted.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


async def test_a_file_in_a_folder_that_is_only_read_is_exported(tmp_path):
    folder = tmp_path / "backup"
    folder.mkdir()
    path = folder / "a ? memory%.sqlite"
    await fulltext(path, turn("Hello", "anna"))
    with read_only(folder):
        assert archive.sessions(path) == ["anna"]
        assert b"Hello" in exported(path)
        assert [file.name for file in folder.iterdir()] == [path.name]


async def copied_with_its_log(tmp_path, folder):
    """Return a file as it is copied, or left by a killed agent: what was said last is in the log alone."""
    folder.mkdir()
    store = FullTextStore(tmp_path / "memory.sqlite")
    await store.open()
    await store.save([turn("Only in the log", "anna")])
    for ending in ("", "-wal"):
        shutil.copy(tmp_path / f"memory.sqlite{ending}", folder)
    await store.close()
    return folder / "memory.sqlite"


async def test_what_is_in_the_log_alone_is_exported_too(tmp_path):
    path = await copied_with_its_log(tmp_path, tmp_path / "backup")
    with read_only(path.parent):
        assert b"Only in the log" in exported(path)


def test_a_file_that_changes_while_it_is_read_unguarded_is_not_taken_for_whole(tmp_path):
    path = asyncio.run(copied_with_its_log(tmp_path, tmp_path / "backup"))

    class Out(io.BytesIO):
        def write(self, data):
            os.utime(tmp_path / "seen" / "memory.sqlite", (1, 1))
            return super().write(data)

    (tmp_path / "seen").mkdir()
    if os.geteuid() != 0:
        pytest.skip("seeing one folder in two places needs root")
    mounted = subprocess.run(["mount", "--bind", path.parent, tmp_path / "seen"], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip(f"mounting a folder failed: {mounted.stderr.decode().strip()}")
    try:
        with read_only(path.parent), pytest.raises(StoreBusy, match="was changed while it was read"):
            archive.export(path, Out())
    finally:
        subprocess.run(["umount", "-l", tmp_path / "seen"], check=True)


@pytest.mark.parametrize("statements", [VERSION_1, VERSION_2, VERSION_3, VERSION_5, VERSION_6])
def test_a_file_of_an_older_version_is_exported_as_it_is(path, tmp_path, statements):
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)
    before = path.read_bytes()
    lines = exported(path)
    assert archive.sessions(path) == ["s"]
    assert path.read_bytes() == before
    assert b'"important":true' in lines
    archive.load(tmp_path / "copy.sqlite", io.BytesIO(lines))
    assert exported(tmp_path / "copy.sqlite") == lines


def test_what_a_history_was_emptied_of_is_carried(path, tmp_path):
    store = LikeStore(path)
    store.open()
    store.save([SavedTurn(session="s", question="Before.", answer="Yes.", conversation="one")])
    with closing(sqlite3.connect(path)) as connection:
        keeping.empty_history(connection, "s", "one")
    store.save([SavedTurn(session="s", question="After.", answer="Yes.", conversation="one")])
    store.save([SavedTurn(session="t", question="Another's.", answer="Yes.", conversation="one")])
    archive.load(tmp_path / "new.sqlite", io.BytesIO(exported(path)))
    with closing(sqlite3.connect(tmp_path / "new.sqlite")) as connection:
        assert [turn.question for turn in keeping.turns(connection, "s")] == ["Before.", "After."]
        assert [turn.question for turn in keeping.turns(connection, "s", of_history=True)] == ["After."]


def test_an_export_says_a_newer_version_only_where_a_program_of_before_could_not_read_it(path):
    store = LikeStore(path)
    store.open()
    for session in ("s", "t"):
        store.save([SavedTurn(session=session, question="Before.", answer="Yes.", conversation="one")])

    def header(session=None):
        out = io.BytesIO()
        archive.export(path, out, session)
        assert (b"in_history" in out.getvalue()) == (b'"version":2' in out.getvalue())
        return json.loads(out.getvalue().splitlines()[0])

    assert header()["version"] == 1
    with closing(sqlite3.connect(path)) as connection:
        keeping.empty_history(connection, "s", "one")
    assert [header(session)["version"] for session in (None, "s", "t")] == [2, 2, 1]


def test_the_conversation_of_a_turn_is_carried_and_forgetting_a_session_takes_all_of_them(path, tmp_path):
    store = LikeStore(path)
    store.open()
    store.save([SavedTurn(session="s", question=name, answer="", conversation=name) for name in ("", "one", "two")])
    archive.load(tmp_path / "copy.sqlite", io.BytesIO(exported(path)))
    with closing(sqlite3.connect(tmp_path / "copy.sqlite")) as connection:
        assert [turn.conversation for turn in keeping.turns(connection, "s")] == ["", "one", "two"]
    assert archive.forget(path, "s") == 3


def test_a_file_of_a_newer_version_or_of_none_is_refused(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version=99")
    with pytest.raises(StoreError, match="schema 99"):
        exported(path)
    path.write_bytes(b"")
    with pytest.raises(StoreError, match="no memory file"):
        exported(path)


# What is carried

ODD = [
    "\0",
    "\ufeff",
    "\ufffe\uffff",
    "e\u0301 é",
    "\u202e\u2028\x85\x1b[31m",
    "\U0010ffff",
    '\r\n\\"',
    "字" * 200_000,
    "",
]


def test_odd_and_long_texts_are_carried_byte_for_byte(path, tmp_path):
    like(path, *(turn(text, f"s{text[:9]}", created=n / 7) for n, text in enumerate(ODD)))
    lines = exported(path)
    archive.load(tmp_path / "copy.sqlite", io.BytesIO(lines))
    assert exported(tmp_path / "copy.sqlite") == lines
    with closing(sqlite3.connect(tmp_path / "copy.sqlite")) as connection:
        assert [row[0] for row in connection.execute("SELECT question FROM memories ORDER BY id")] == ODD


def test_half_a_character_is_refused_by_the_store(path):
    with pytest.raises(StoreError):
        like(path, turn("\ud83d"))


def test_a_time_that_is_no_number_is_refused(path):
    header = b'{"format":"fourgig-memories","version":1}\n'
    line = header + b'{"session":"s","question":"","answer":"","keywords":[],"created":%s}\n'
    for time in (b"1e999", b"-1e999", b"NaN", b"null"):
        with pytest.raises(BadInput, match="Line 2 is no turn"):
            archive.load(path, io.BytesIO(line % time))


def test_a_turn_that_was_said_in_the_future_is_refused(path):
    lines = b'{"format":"fourgig-memories","version":1}\n{"session":"s","question":"","answer":"","created":4e9}\n'
    with pytest.raises(BadInput, match="Line 2 was said in the future"):
        archive.load(path, io.BytesIO(lines))
