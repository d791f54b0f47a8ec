"""What a person may do with what is kept of their conversations: look through it, take things out, correct them.

These are functions of one connection. What looks takes as long as there are turns, so that for a running agent it
is done beside the store's own (`FullTextStore.beside`); what changes is done on that (`FullTextStore.take_out`).
"""

from __future__ import annotations

import re
import sqlite3
import struct
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import starmap
from typing import Any

from systems.errors import BadInput
from systems.interface import KeptConversation, KeptTurn
from systems.memory.found import FoundTurn
from systems.memory.importance import is_important
from systems.memory.schema import INSERT, SavedTurn

PAGE = 50
"""How many turns are told at once."""

_TITLE = 80  # characters
_LIKE = 1_000  # characters that SQLite is asked for by itself

_CONVERSATIONS = (
    # Beside the only minimum of a group SQLite gives the other columns of its row.
    "SELECT conversation, question, first.created, latest, turns, newest FROM "
    "(SELECT conversation, question, min(created) AS created FROM memories WHERE session = ? GROUP BY conversation) "
    "AS first JOIN (SELECT conversation, max(created) AS latest, max(id) AS newest, count(*) AS turns "
    "FROM memories WHERE session = ? GROUP BY conversation) USING (conversation) "
)
_AFTER = "WHERE (latest, newest) < (?, ?) "
_LATEST = "ORDER BY latest DESC, newest DESC LIMIT ?"
_TURN = "SELECT id, conversation, created, question, answer FROM memories WHERE session = ? "
_OF = "AND conversation = ? "
_SAYS = "AND (question LIKE ? ESCAPE '\\' OR answer LIKE ? ESCAPE '\\') "
_SAYS_TOO = "AND (has_text(question) OR has_text(answer)) "
_OF_HISTORY = "AND in_history AND answer <> '' "
# A turn may have been forgotten meanwhile, and its number given to another.
_ANSWER = "SELECT substr(answer, 1, ?) FROM memories WHERE id = ? AND session = ? AND question = ?"
_BEFORE = "AND (created, id) < (?, ?) "  # as they are ordered
_SINCE = "AND (created, id) >= (?, ?) "
_IS = "AND created = ? AND id = ?"
_ID = re.compile(r"([0-9]{1,18})-([0-9a-f]{16})")
_NEWEST = "ORDER BY created DESC, id DESC LIMIT ?"


def conversations(
    connection: sqlite3.Connection, session: str, most: int | None = None, after: str | None = None
) -> list[KeptConversation]:
    """Return the conversations of ``session``, the latest first: ``most`` of them at most, those after a place.

    Raises `BadInput` if ``after`` is no place of a conversation (`KeptConversation.place`).
    """
    query = _CONVERSATIONS
    wanted: list[Any] = [session, session]
    if after is not None:
        number, created = _row(after, "place")
        query += _AFTER
        wanted += [created, number]
    found = connection.execute(query + _LATEST, (*wanted, -1 if most is None else most))
    return [
        KeptConversation(
            id=name, title=_title(question), created=created, latest=latest, turns=turns, place=_named(newest, latest)
        )
        for name, question, created, latest, turns, newest in found
    ]


def turns(
    connection: sqlite3.Connection,
    session: str,
    conversation: str | None = None,
    containing: str = "",
    before: str | None = None,
    most: int = PAGE,
    *,
    of_history: bool = False,
) -> list[KeptTurn]:
    """Return the newest ``most`` turns, oldest first: of a conversation, with a text in any case, before a turn.

    With ``of_history`` those are left out that its history was emptied of, and those without an answer, which were
    corrected.
    """
    query = _TURN
    wanted: list[Any] = [session]
    if conversation is not None:
        query += _OF
        wanted.append(conversation)
    if containing and (len(containing) > _LIKE or not containing.isascii()):
        # SQLite's own way takes short texts alone, and of letters with accents does not know the small ones.
        text = _plain(containing)
        connection.create_function("has_text", 1, lambda said: text in _plain(said), deterministic=True)
        query += _SAYS_TOO
    elif containing:
        query += _SAYS
        wanted += 2 * [f"%{_escaped(containing)}%"]
    if of_history:
        query += _OF_HISTORY
    if before is not None:
        query += _BEFORE
        number, created = _row(before)
        wanted += [created, number]
    found = connection.execute(query + _NEWEST, (*wanted, most)).fetchall()
    return list(starmap(_turn, reversed(found)))


def answers(connection: sqlite3.Connection, session: str, turns: Sequence[FoundTurn], characters: int) -> list[str]:
    """Return how the answer of each of these turns begins; nothing for one that has none, or is gone."""
    wanted = [(characters, turn.number, session, turn.text) for turn in turns]
    rows = [connection.execute(_ANSWER, each).fetchone() for each in wanted]
    return [row[0] if row is not None else "" for row in rows]


def concerned(
    connection: sqlite3.Connection,
    session: str,
    turn: str | None = None,
    conversation: str | None = None,
    since: str | None = None,
) -> list[KeptTurn]:
    """Return what is meant: one ``turn``, a ``conversation``, or of it the turns ``since`` one.

    Raises `BadInput` if nothing is named, or there is no such turn or conversation.
    """
    if (turn is None) == (conversation is None):
        raise BadInput("Name a turn or a conversation, and not both.")
    one = since if turn is None else turn
    if one is not None:
        number, created = _row(one)
        there = connection.execute(_TURN + _IS, (session, created, number)).fetchall()
        if turn is not None:
            return _some(there, "turn")
        if [each.conversation for each in _some(there, "turn")] != [conversation]:
            raise BadInput("There is no such turn in this conversation.")
    query = _TURN + _OF
    given: list[Any] = [session, conversation]
    if since is not None:
        query += _SINCE
        given += [created, number]
    return _some(connection.execute(query, given).fetchall(), "conversation")


def _some(found: list[Any], what: str) -> list[KeptTurn]:
    if not found:
        raise BadInput(f"There is no such {what}.")
    return list(starmap(_turn, found))


def empty_history(connection: sqlite3.Connection, session: str, conversation: str) -> None:
    """Have what was said in ``conversation`` so far be no part of its history any more; long-term memory keeps it."""
    with connection:
        connection.execute(
            "UPDATE memories SET in_history = 0 WHERE session = ? AND conversation = ? AND in_history",
            (session, conversation),
        )


def delete(connection: sqlite3.Connection, turns: Iterable[KeptTurn]) -> None:
    """Delete ``turns``; what they said may be read in the file until it is written anew."""
    with connection:
        connection.executemany("DELETE FROM memories WHERE id = ?", [_row(turn.id)[:1] for turn in turns])


def replace(connection: sqlite3.Connection, session: str, turn: KeptTurn, question: str) -> KeptTurn:
    """Have ``turn`` say ``question``, at the time and in the place where it stood. Its answer, which was to something
    else and may repeat it, goes.
    """
    saved = SavedTurn(
        session=session,
        question=question,
        answer="",
        important=is_important(question),
        created=turn.created,
        conversation=turn.conversation,
    )
    with connection:
        number = connection.execute(INSERT, saved.row(cut=True)).lastrowid  # before the other leaves its number
        connection.execute("DELETE FROM memories WHERE id = ?", _row(turn.id)[:1])
    assert number is not None
    return _turn(number, turn.conversation, turn.created, question, saved.answer)


def _turn(number: int, conversation: str, created: float, question: str, answer: str) -> KeptTurn:
    """Return a row as it is told.

    Numbers of rows are used again, once the highest is deleted; but not with the same time, which belongs to the id.
    """
    return KeptTurn(
        id=_named(number, created), conversation=conversation, created=created, question=question, answer=answer
    )


def _named(number: int, created: float) -> str:
    return f"{number}-{struct.pack('>d', created).hex()}"


def _row(name: str, what: str = "turn") -> tuple[int, float]:
    """Return the number and the time that are told as ``name``. Raises `BadInput` if none could be."""
    found = _ID.fullmatch(name)
    if found is None:
        raise BadInput(f"There is no such {what}.")
    return int(found[1]), struct.unpack(">d", bytes.fromhex(found[2]))[0]


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _title(question: str) -> str:
    line = next((line.strip() for line in question.splitlines() if line.strip()), "")
    return line if len(line) <= _TITLE else f"{line[: _TITLE - 1]}…"


def _escaped(text: str) -> str:
    for character in "\\%_":
        text = text.replace(character, f"\\{character}")
    return text
