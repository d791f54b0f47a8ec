"""The two stores on real SQLite files, and the keywords they are asked with."""

import asyncio
import sqlite3
import threading
import time
from contextlib import closing, suppress
from functools import partial

import aiosqlite
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from systems.errors import StoreError
from systems.memory import index, keeping, retrieval
from systems.memory.fulltext import FullTextStore
from systems.memory.like import LikeStore
from systems.memory.recent import Recent, Remembered
from systems.memory.relevance import ASKED as ASKED_AT_MOST
from systems.memory.schema import BY_SESSION, INSERT, SavedTurn, prepare


class Like:
    """The traditional store behind the same asynchronous face."""

    def __init__(self, path):
        self._store = LikeStore(path)

    async def open(self):
        self._store.open()

    async def find(self, session, question, limit):
        return self._store.find(session, question.lower().split(), limit)

    async def save(self, turns):
        self._store.save(turns)

    async def close(self):
        pass


STORES = pytest.mark.parametrize(
    "kind",
    [
        Like,
        FullTextStore,
        pytest.param(partial(FullTextStore, how="bm25"), id="bm25"),
        pytest.param(partial(FullTextStore, how="blended"), id="blended"),
        pytest.param(partial(FullTextStore, context=False), id="without context"),
    ],
)


def saved(keywords, session, text):
    return SavedTurn(
        session=session,
        question=text,
        answer="yes",
        keywords=tuple(keywords.extract(text)),
    )


@STORES
async def test_what_was_saved_is_found_by_its_words_in_both_languages(tmp_path, kind, loaded_keywords):
    store = kind(tmp_path / "memory.sqlite")
    await store.open()
    texts = ["My sister Vera keeps bees in Lisbon", "我的同事王芳搬到了杭州", "The clock is broken again"]
    await store.save([saved(loaded_keywords, "s", text) for text in texts])
    assert (await store.find("s", "bees Lisbon", 3))[0] == texts[0]
    assert (await store.find("s", "王芳 杭州", 3))[0] == texts[1]
    assert await store.find("s", "", 3) == []
    assert await store.find("s", "bees", 0) == []
    await store.close()


@STORES
async def test_no_session_finds_anothers_turns(tmp_path, kind, loaded_keywords):
    store = kind(tmp_path / "memory.sqlite")
    await store.open()
    sessions = ["a", "A", "á", "a b", 'a" OR scope:"', "a' OR '1'='1", "%", "爱", ""]
    await store.save([saved(loaded_keywords, session, f"Lisbon secret of <{session}>") for session in sessions])
    for session in sessions:
        assert await store.find(session, "lisbon", 99) == [f"Lisbon secret of <{session}>"]
    assert await store.find("nobody", "lisbon", 99) == []
    await store.close()


@STORES
async def test_text_that_looks_like_a_query_is_only_text(tmp_path, kind, loaded_keywords):
    store = kind(tmp_path / "memory.sqlite")
    await store.open()
    hostile = "'; DROP TABLE memories; --"
    await store.save([saved(loaded_keywords, "s", hostile), saved(loaded_keywords, "s", "ordinary words")])
    for keyword in (hostile, '"', "'", "*", "NEAR(a b)", "a OR b", "-", "(", "words:", "%", "_", "\\", "\0", "😀"):
        await store.find("s", keyword, 3)
    assert await store.find("s", "%", 3) == []
    assert (await store.find("s", "ordinary", 3))[0] == "ordinary words"
    await store.close()


@STORES
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=4))
async def test_any_text_can_be_saved_and_asked_for(tmp_path, kind, words):
    store = kind(tmp_path / "any.sqlite")
    await store.open()
    text = " ".join(words)
    await store.save([SavedTurn(session="s", question=text, answer=text, keywords=tuple(words))])
    await store.find("s", text, 3)
    await store.close()


@STORES
async def test_a_file_that_is_no_memory_is_refused_with_a_sentence(tmp_path, kind):
    path = tmp_path / "memory.sqlite"
    path.write_bytes(b"this is not a database" * 100)
    with pytest.raises(StoreError, match=r"memory\.sqlite cannot be opened"):
        await kind(path).open()


@STORES
async def test_a_file_of_another_schema_is_refused(tmp_path, kind):
    path = tmp_path / "memory.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version=99")
    with pytest.raises(StoreError, match="schema 99"):
        await kind(path).open()


async def test_saves_at_the_same_time_do_not_undo_each_other(tmp_path):
    store = FullTextStore(tmp_path / "memory.sqlite")
    await store.open()
    # Half a character cannot be stored: every fourth save fails, and only those.
    texts = ["broken \ud800" if number % 4 == 0 else f"common {number}" for number in range(40)]
    turns = [SavedTurn(session="s", question=text, answer="") for text in texts]
    results = await asyncio.gather(*(store.save([turn]) for turn in turns), return_exceptions=True)
    assert [type(result) for result in results] == [StoreError if "broken" in text else type(None) for text in texts]
    assert set(await store.find("s", "common", 99)) == {text for text in texts if "broken" not in text}
    cancelled = asyncio.create_task(store.save([turns[1]]))
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.wait([cancelled])
    await store.save([turns[2]])
    # Whether a cancelled save was saved its caller does not know; the next one is not disturbed.
    assert len(await store.find("s", "common", 99)) == 30
    await store.close()
    with closing(sqlite3.connect(tmp_path / "memory.sqlite")) as connection:
        assert connection.execute("SELECT count(*) FROM memories").fetchone()[0] in (31, 32)
    await store.close()


async def test_a_deleted_turn_is_really_gone_from_the_index(tmp_path, loaded_keywords):
    path = tmp_path / "memory.sqlite"
    store = FullTextStore(path)
    await store.open()
    await store.save([saved(loaded_keywords, "s", "bees in Lisbon"), saved(loaded_keywords, "s", "bees in Oslo")])
    await store.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM memories WHERE question LIKE '%Lisbon%'")
        connection.execute("INSERT INTO memory_index (memory_index) VALUES ('integrity-check')")
    store = FullTextStore(path)
    await store.open()
    assert await store.find("s", "bees", 9) == ["bees in Oslo"]
    await store.close()


async def said(path, turns, **settings):
    store = FullTextStore(path, **settings)
    await store.open()
    await store.save(
        [SavedTurn(session=session, question=text, answer="", **fields) for session, text, fields in turns]
    )
    return store


async def test_turns_with_more_of_the_words_come_first_then_the_rarer_then_the_newer(tmp_path):
    texts = ["vera bees", "vera lisbon bees", "lisbon bees", "vera lisbon", "bees", "vera", "vera oslo"]
    store = await said(tmp_path / "memory.sqlite", [("s", text, {}) for text in texts], context=False)
    # Lisbon is in three turns, bees in four, vera in five.
    expected = ["vera lisbon bees", "lisbon bees", "vera lisbon", "vera bees", "bees", "vera oslo", "vera"]
    assert await store.find("s", "vera lisbon bees", 9) == expected
    for limit in range(1, 5):
        assert await store.find("s", "vera lisbon bees", limit) == expected[:limit]
    await store.close()


async def test_what_was_told_comes_before_what_was_only_asked(tmp_path):
    told = ["Vera keeps bees in Lisbon.", "Who keeps bees in Lisbon, and for how many years?"]
    store = await said(tmp_path / "memory.sqlite", [("s", text, {}) for text in told], context=False)
    assert await store.find("s", "Who keeps bees in Lisbon?", 9) == told
    await store.close()


async def test_the_question_and_its_earlier_askings_are_never_its_answer(tmp_path):
    told = ["Where does Vera keep her bees?", "Vera keeps her bees in Lisbon.", "where did vera keep bees"]
    store = await said(tmp_path / "memory.sqlite", [("s", text, {}) for text in told])
    assert await store.find("s", "Where does Vera keep her bees?", 9) == [told[1]]
    await store.close()


async def test_texts_that_say_the_same_take_one_place_and_others_keep_theirs(tmp_path):
    same = ["Vera keeps bees.", "vera keeps bees!", "Vera keeps bees"]
    other = ["Vera does not keep bees.", "Vera keeps 12 bees.", "Vera keeps 21 bees.", "My sister keeps bees, as Vera."]
    store = await said(tmp_path / "memory.sqlite", [("s", text, {}) for text in (*same, *other)])
    found = await store.find("s", "Vera keeps bees", 9)
    assert sorted(found) == sorted([same[-1], *other])
    await store.close()


async def test_the_newer_of_two_facts_comes_first_by_when_it_was_said_and_not_by_when_it_was_saved(tmp_path):
    turns = [("s", "Vera lives in Lisbon.", {"created": 9e8}), ("s", "Vera lives in Oslo.", {"created": 1e8})]
    path = tmp_path / "memory.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        prepare(connection)
        connection.executemany(
            INSERT, [SavedTurn(session=of, question=text, answer="", **at).row(cut=True) for of, text, at in turns]
        )
    store = FullTextStore(path)
    await store.open()
    assert await store.find("s", "Where does Vera live?", 2) == ["Vera lives in Lisbon.", "Vera lives in Oslo."]
    await store.close()


async def test_an_old_turn_is_found_by_what_it_alone_has_together(tmp_path):
    crowd = [("s", f"{text} {n}", {}) for n in range(600) for text in ("vera bees", "vera lisbon", "lisbon bees")]
    store = await said(tmp_path / "memory.sqlite", [("s", "vera lisbon bees old", {}), *crowd])
    assert (await store.find("s", "vera lisbon bees", 3))[0] == "vera lisbon bees old"
    await store.close()


MINUTE = 60.0


def conversation(*texts, start=1e9, session="s"):
    return [(session, text, {"created": start + MINUTE * number}) for number, text in enumerate(texts)]


async def test_a_short_answer_is_found_by_the_question_before_it(tmp_path):
    asked, answered = "Did Marela finally find a flat in Delft?", "Yes, she moved in March."
    crowd = conversation(*[f"The weather was nice on day {day}." for day in range(40)])
    turns = [*crowd[:20], *conversation(asked, answered, start=1e9 + 21 * MINUTE), *crowd[25:]]
    for context in (True, False):
        store = await said(tmp_path / f"{context}.sqlite", turns, context=context)
        assert (answered in await store.find("s", "When did Marela get her flat in Delft?", 2)) is context
        await store.close()


async def test_neighbours_are_of_one_session_and_one_sitting(tmp_path):
    asked, answered = "Did Marela finally find a flat in Delft?", "Yes, she moved in March."
    turns = [
        *conversation(asked, start=1e9),
        *conversation(answered, session="another", start=1e9 + MINUTE),
        *conversation("No, she did not.", start=1e9 + 86_400),
    ]
    store = await said(tmp_path / "memory.sqlite", turns)
    assert await store.find("s", "Has Marela a flat in Delft by now?", 9) == [asked]
    await store.close()


async def test_a_long_turn_that_stands_for_itself_is_not_found_by_its_neighbours(tmp_path):
    long = " ".join(f"word{number}" for number in range(80))
    store = await said(tmp_path / "memory.sqlite", conversation("Marela has a flat in Delft.", long))
    assert await store.find("s", "Where is Marela's flat?", 9) == ["Marela has a flat in Delft."]
    await store.close()


def indexed(path):
    """How many of the turns in the file the index does not have, and the number of its segments."""
    with closing(sqlite3.connect(path)) as connection:
        lacks = "SELECT max(id) - (SELECT up_to FROM memory_indexed) FROM memories"
        segments = "SELECT count(DISTINCT segid) FROM memory_index_idx"
        return connection.execute(lacks).fetchone()[0], connection.execute(segments).fetchone()[0]


def plain(count):
    return [
        SavedTurn(session="s", question=f"word{number} " + " ".join("abcdefghijklmnop"), answer="", keywords=("x",))
        for number in range(count)
    ]


async def test_a_file_within_its_bound_is_not_indexed_more_often_for_having_one(tmp_path):
    store = FullTextStore(tmp_path / "memory.sqlite", most_bytes=2**30)
    await store.open()
    for _ in range(4):
        await store.save(plain(70))
    assert indexed(tmp_path / "memory.sqlite")[0] == 280
    await store.close()


async def test_large_texts_do_not_wait_in_memory_to_be_indexed(tmp_path, monkeypatch):
    monkeypatch.setattr("systems.memory.fulltext._UNINDEXED_CHARACTERS", 1_000)
    store = FullTextStore(tmp_path / "memory.sqlite")
    await store.open()
    await store.save([SavedTurn(session="s", question="short", answer="")])
    assert indexed(tmp_path / "memory.sqlite")[0] == 1
    await store.save([SavedTurn(session="s", question="long " * 300, answer="")])
    assert indexed(tmp_path / "memory.sqlite")[0] == 0
    await store.close()


async def test_many_turns_at_once_leave_one_segment_for_lookups_to_read(tmp_path):
    store = FullTextStore(tmp_path / "memory.sqlite")
    await store.open()
    await store.save(plain(12_000))
    assert indexed(tmp_path / "memory.sqlite") == (0, 1)
    await store.close()


WORDS = st.sets(st.sampled_from(["lisbon", "vera", "radio", "oslo"]), min_size=1)
ASKED = st.lists(st.sampled_from(["lisbon", "vera", "radio", "snow"]), min_size=1, max_size=3, unique=True)


def having(turns, asked):
    """The texts of the ``turns``, words by number, that have a word of those ``asked``."""
    return sorted(text(number, words) for number, words in turns.items() if words & set(asked))


def text(number, words):
    return " ".join([f"n{number}", *sorted(words)])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.lists(WORDS, max_size=20), ASKED, st.integers(1, 4), st.integers(0, 20))
def test_what_is_found_does_not_depend_on_what_the_index_has_already(turns, asked, limit, indexed):
    found = []
    for up_to in (indexed, len(turns)):
        with closing(sqlite3.connect(":memory:")) as connection:
            prepare(connection)
            connection.execute(BY_SESSION)
            index.make(connection, lengths=False)
            recent = Recent()
            for number, words in enumerate(turns, 1):
                turn = SavedTurn(session="s", question=text(number, words), answer="", created=MINUTE * number)
                row = turn.row(cut=True)
                connection.execute(INSERT, row)
                if number <= up_to:
                    index.catch_up(connection)
                else:
                    recent.add([Remembered(number, "s", MINUTE * number, turn.question, row[5], 0)])
            best = retrieval.find(connection, recent, None, "s", asked, limit, "relevance", context=True)
            found.append([turn.text for turn in best])
            others = retrieval.find(connection, recent, None, "s", asked, 99, "relevance", context=False)
            everything = [turn.text for turn in others]
            assert sorted(everything) == having(dict(enumerate(turns, 1)), asked)
    assert found[0] == found[1]


class Elsewhere:
    """Another program that uses the file at the same time."""

    def __init__(self, path):
        self._path = path

    def save(self, turn):
        self._do(INSERT, turn.row(cut=False))

    def delete(self, question):
        self._do("DELETE FROM memories WHERE question = ?", (question,))

    def _do(self, *statement):
        with closing(sqlite3.connect(self._path)) as connection, connection:
            connection.execute(*statement)


@pytest.mark.parametrize("how", ["relevance", "bm25"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.sampled_from(["save", "saved elsewhere"]), WORDS),
            st.tuples(st.sampled_from(["delete the newest", "delete the oldest", "open again"]), st.none()),
            st.tuples(st.just("find"), ASKED),
        ),
        max_size=25,
    )
)
async def test_turns_are_found_from_their_save_to_their_deletion_by_whomever(tmp_path, monkeypatch, how, steps):
    monkeypatch.setattr("systems.memory.fulltext._UNINDEXED", 3)
    path = tmp_path / "memory.sqlite"
    path.unlink(missing_ok=True)
    store, elsewhere, turns = FullTextStore(path, how=how, context=False), Elsewhere(path), {}
    await store.open()
    for number, (step, words) in enumerate([*steps, ("find", ["lisbon", "vera", "radio"])]):
        turn = SavedTurn(session="s", question=text(number, words or ()), answer="")
        match step:
            case "find":
                assert sorted(await store.find("s", " ".join(words), 99)) == having(turns, words)
            case "save" | "saved elsewhere":
                await store.save([turn]) if step == "save" else elsewhere.save(turn)
                turns[number] = words
            case "open again":
                await store.close()
                store = FullTextStore(path, how=how, context=False)
                await store.open()
            case _ if turns:
                least = (max if step == "delete the newest" else min)(turns)
                elsewhere.delete(text(least, turns[least]))
                del turns[least]
    await store.close()
    await store.open()  # what the index lacks it gets now
    await store.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO memory_index (memory_index, rank) VALUES ('integrity-check', 1)")


async def test_a_save_whose_tidying_fails_is_a_save_all_the_same(tmp_path, monkeypatch, caplog):
    store = FullTextStore(tmp_path / "memory.sqlite", most_bytes=1)
    await store.open()

    def fails(*_):
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patched:
        patched.setattr("systems.memory.retention.shrink", fails)
        await store.save([SavedTurn(session="s", question=f"{n}", answer="", keywords=("x",)) for n in range(64)])
    assert "disk I/O error" in caplog.text
    await store.close()
    with closing(sqlite3.connect(tmp_path / "memory.sqlite")) as connection:
        assert connection.execute("SELECT count(*) FROM memories").fetchone() == (64,)


@pytest.mark.parametrize("how", ["relevance", "bm25", "blended"])
async def test_english_words_are_found_in_other_forms(tmp_path, how):
    store = await said(tmp_path / "memory.sqlite", [("s", "my sisters were keeping bees", {})], how=how)
    assert await store.find("s", "sister keeps bee", 3) == ["my sisters were keeping bees"]
    await store.close()


async def test_blended_retrieval_lets_importance_and_age_decide_between_similar_turns(tmp_path):
    day = 86_400.0
    turns = [
        ("s", "veras bees were in lisbon", {"created": 1 * day, "important": True}),
        ("s", "where are veras bees", {"created": 40 * day}),
        ("s", "veras bees are in oslo", {"created": 40 * day, "important": True}),
    ]
    store = await said(tmp_path / "memory.sqlite", turns, how="blended")
    found = await store.find("s", "Which town are Veras bees in?", 3)
    assert found == ["veras bees are in oslo", "veras bees were in lisbon"]
    await store.close()


@STORES
async def test_a_clock_that_is_set_does_not_change_which_turns_are_the_newest(tmp_path, kind):
    store = kind(tmp_path / "memory.sqlite")
    await store.open()
    noon, hour = 1_000_000_000.0, 3_600.0
    clock = [noon, noon + hour, noon + 2.0, noon - hour, noon + 4.0]
    for number, created in enumerate(clock):
        turn = SavedTurn(session="s", question=f"bees {number}", answer="", keywords=("bees",), created=created)
        await store.save([turn])
    assert (await store.find("s", "bees", 3))[:3] == ["bees 4", "bees 3", "bees 2"]
    await store.close()


async def test_a_file_can_be_opened_to_be_ranked_otherwise(tmp_path):
    for how in ("relevance", "bm25", "blended"):
        store = await said(tmp_path / "memory.sqlite", [("s", f"bees {how}", {})], how=how)
        assert f"bees {how}" in await store.find("s", "bees", 9)
        await store.close()


@STORES
async def test_what_no_text_should_be_is_kept_as_it_is_or_refused_with_a_type(tmp_path, kind):
    store = kind(tmp_path / "memory.sqlite")
    await store.open()
    kept = [
        "",
        "\0",
        "a\0b lisbon",
        "😀 lisbon",
        "лисбон 里斯本 lisbon لشبونة",
        "lisbon " * 150_000,
        "x" * 10**6,
        "'\"`",
    ]
    await store.save(
        [
            SavedTurn(session="s", question=text, answer=text, keywords=("lisbon",) if "lisbon" in text else ())
            for text in kept
        ]
    )
    assert set(await store.find("s", "lisbon", 9)) >= {text for text in kept if "lisbon" in text}
    with pytest.raises(StoreError):
        await store.save([SavedTurn(session="s", question="half \ud83d", answer="", keywords=())])
    with suppress(StoreError):  # nobody can have saved anything under that name
        assert await store.find("s\ud83d", "lisbon", 9) == []
    await store.close()
    # Another program may have left what is no text at all.
    with closing(sqlite3.connect(tmp_path / "memory.sqlite")) as connection, connection:
        connection.execute("UPDATE memories SET question = CAST(x'ff' AS TEXT) WHERE question = '😀 lisbon'")
    await store.open()
    with pytest.raises(StoreError):
        await store.find("s", "lisbon", 9)
    await store.close()


async def test_many_writers_of_one_file_wait_for_each_other(tmp_path):
    path = tmp_path / "memory.sqlite"
    stores = [FullTextStore(path), FullTextStore(path), Like(path)]
    for store in stores:
        await store.open()

    async def write(store, number):
        await store.save([SavedTurn(session="s", question=f"bees {number}", answer="", keywords=("bees",))])
        assert await store.find("s", "bees", 3)

    # The traditional store waits with the loop's own thread: it gets one of its own here.
    like = asyncio.to_thread(lambda: [asyncio.run(write(stores[2], f"like {n}")) for n in range(30)])
    await asyncio.gather(like, *(write(store, f"{store} {n}") for store in stores[:2] for n in range(60)))
    assert len(await stores[0].find("s", "bees", 999)) == 150
    for store in stores:
        await store.close()


def test_keywords_are_few_distinct_and_stable(loaded_keywords):
    text = "Please remember that Vera and VERA keep bees, bees and more bees in Lisbon 里斯本"
    words = loaded_keywords.extract(text)
    assert words == loaded_keywords.extract(text)
    assert len(words) == len(set(words)) == 3
    assert words == [word.lower() for word in words]


@pytest.mark.parametrize("how", ["closed", "cannot be opened", "left while it opens"])
async def test_a_store_that_is_given_up_has_ended_its_thread(tmp_path, monkeypatch, how):
    # What aiosqlite does after it has told the result is all its thread still does: here that takes a while.
    monkeypatch.setattr(aiosqlite.core.LOG, "debug", lambda *_: time.sleep(0.02))
    before = set(threading.enumerate())
    store = FullTextStore(tmp_path / ("missing/memory.sqlite" if how == "cannot be opened" else "memory.sqlite"))
    opening = asyncio.create_task(store.open())
    if how == "left while it opens":
        await asyncio.sleep(0)
        opening.cancel()
    await asyncio.wait([opening])
    if how == "cannot be opened":
        assert isinstance(opening.exception(), StoreError)
    await store.close()
    assert set(threading.enumerate()) <= before


@STORES
async def test_a_long_text_can_be_asked_and_is_found_by_its_rarest_words(tmp_path, kind):
    store = kind(tmp_path / "memory.sqlite")
    await store.open()
    pasted = " ".join(f"word{number}" for number in range(20_000))
    told = "My sister's hobby is beekeeping."
    await store.save([SavedTurn(session="s", question=told, answer="", keywords=("beekeeping",))])
    for _ in range(3):
        await store.save([SavedTurn(session="s", question=f"{pasted} and more", answer="", keywords=("word1",))])
    asked = "beekeeping" if kind is Like else f"{pasted} beekeeping"
    found = await store.find("s", asked, 9)
    assert told in found
    await store.close()


async def test_of_a_pasted_text_bm25_too_is_asked_for_its_rarest_words_alone(tmp_path):
    store = FullTextStore(tmp_path / "memory.sqlite", how="bm25")
    await store.open()
    pasted = " ".join(f"word{number}" for number in range(3 * ASKED_AT_MOST))
    told = "My sister's hobby is beekeeping."
    await store.save([SavedTurn(session="s", question=text, answer="") for text in (told, pasted, pasted)])
    statements = []
    await store.with_connection(lambda connection: connection.set_trace_callback(statements.append))
    assert (await store.find("s", f"{pasted} beekeeping", 3))[0] == told
    assert await store.find("somebody else", pasted, 3) == []
    [ranked] = [statement for statement in statements if "bm25(" in statement]
    assert ranked.count('" OR "') + 1 == ASKED_AT_MOST
    await store.close()


async def test_an_answer_is_that_of_the_turn_that_was_found_and_of_no_other_with_its_number(tmp_path):
    store = FullTextStore(tmp_path / "memory.sqlite")
    await store.open()
    said = SavedTurn(session="s", question="My order 17 is broken.", answer="Its ticket is TK-4.", keywords=())
    await store.save([said])
    [found] = await store.find_turns("s", "order 17", 3)
    for session, turn, answer in (
        ("s", found, "Its ticket"),
        ("t", found, ""),
        ("s", found._replace(text="My order 18 is broken."), ""),
        ("s", found._replace(number=found.number + 1), ""),
    ):
        assert await store.with_connection(partial(keeping.answers, session=session, turns=[turn], characters=10)) == [
            answer
        ]
    await store.close()
