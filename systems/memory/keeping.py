"""What a person may do with what is kept of their conversations: look through it, take things out, correct them.

These are functions of one connection. What looks takes as long as there are turns, so that for a running agent it
is done beside the store's own (`FullTextStore.beside`); what changes is done on that (`FullTextStore.take_out`).
"""

from __future__ import annotations

import re
import sqlite3
import struct
import unicodedata
from collections.abc import Iterable
from typing import Any

from systems.errors import BadInput
from systems.interface import KeptConversation, KeptTurn
from systems.memory.importance import is_important
from systems.memory.schema import INSERT, SavedTurn

PAGE = 50
"""How many turns are told at once."""

_ID = re.compile(r"([0-9]{1,18})-([0-9a-f]{16})")

_TITLE = 80  # characters
_LIKE = 1_000  # characters that SQLite is asked for by itself

_CONVERSATIONS = (
    # Beside the only minimum of a group SQLite gives the other columns of its row.
    "SELECT conversation, question, first.created, latest, turns FROM "
    "(SELECT conversation, question, min(created) AS created FROM memories WHERE session = ? GROUP BY conversation) "
    "AS first JOIN (SELECT conversation, max(created) AS latest, max(id) AS newest, count(*) AS turns "
    "FROM memories WHERE session = ? GROUP BY conversation) USING (conversation) ORDER BY latest DESC, newest DESC"
)
_TURN = "SELECT id, conversation, created, question, answer FROM memories WHERE session = ? "
_OF = "AND conversation = ? "
_SAYS = "AND (question LIKE ? ESCAPE '\\' OR answer LIKE ? ESCAPE '\\') "
_SAYS_TOO = "AND (has_text(question) OR has_text(answer)) "
_ANSWERED = "AND answer <> '' "
_BEFORE = "AND (created, id) < (?, ?) "  # as they are ordered
_SINCE = "AND (created, id) >= (SELECT created, id FROM memories WHERE session = ? AND created = ? AND id = ?) "
_NEWEST = "ORDER BY created DESC, id DESC LIMIT ?"


def conversations(connection: sqlite3.Connection, session: str) -> list[KeptConversation]:
    """Return the conversations of ``session``, the latest first."""
    return [
        KeptConversation(id=name, title=_title(question), created=created, latest=latest, turns=turns)
        for name, question, created, latest, turns in connection.execute(_CONVERSATIONS, (session, session))
    ]


def turns(
    connection: sqlite3.Connection,
    session: str,
    conversation: str | None = None,
    containing: str = "",
    before: str | None = None,
    most: int = PAGE,
    *,
    answered: bool = False,
) -> list[KeptTurn]:
    """Return the newest ``most`` turns, oldest first: of a conversation, with a text in any case, before a turn.

    With ``answered`` those without an answer, which were corrected, are left out.
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
    if answered:
        query += _ANSWERED
    if before is not None:
        query += _BEFORE
        wanted += _place(before)
    found = connection.execute(query + _NEWEST, (*wanted, most)).fetchall()
    return [
        KeptTurn(id=_id(number, created), conversation=name, created=created, question=question, answer=answer)
        for number, name, created, question, answer in reversed(found)
    ]


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
    query = _TURN + _OF
    given: list[Any] = [session, conversation]
    if turn is not None:
        query, given = _TURN + "AND created = ? AND id = ?", [session, *_place(turn)]
    if since is not None and turn is None:
        query += _SINCE
        given += [session, *_place(since)]
    found = connection.execute(query, given).fetchall()
    if not found:
        raise BadInput(f"There is no such {'turn' if turn is not None or since is not None else 'conversation'}.")
    return [
        KeptTurn(id=_id(number, created), conversation=name, created=created, question=question, answer=answer)
        for number, name, created, question, answer in found
    ]


def delete(connection: sqlite3.Connection, turns: Iterable[KeptTurn]) -> None:
    """Delete these ``turns``; what they said may be read in the file until it is written anew."""
    with connection:
        connection.executemany("DELETE FROM memories WHERE created = ? AND id = ?", [_place(turn.id) for turn in turns])


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
        connection.execute("DELETE FROM memories WHERE created = ? AND id = ?", _place(turn.id))
        number = connection.execute(INSERT, saved.row(cut=True)).lastrowid
    assert number is not None
    return KeptTurn(
        id=_id(number, turn.created),
        conversation=turn.conversation,
        created=turn.created,
        question=question,
        answer=saved.answer,
    )


def _id(number: int, created: float) -> str:
    """Return what names a turn for good: SQLite gives the number of a deleted row to another one."""
    return f"{number}-{struct.pack('>d', created).hex()}"


def _place(turn: str) -> tuple[float, int]:
    """Return when the ``turn`` of this id was saved, and its number. Raises `BadInput` if it is no turn's."""
    found = _ID.fullmatch(turn)
    if found is None:
        raise BadInput("There is no such turn.")
    created: float = struct.unpack(">d", bytes.fromhex(found[2]))[0]
    return created, int(found[1])


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _title(question: str) -> str:
    line = next((line.strip() for line in question.splitlines() if line.strip()), "")
    return line if len(line) <= _TITLE else f"{line[: _TITLE - 1]}…"


def _escaped(text: str) -> str:
    for character in "\\%_":
        text = text.replace(character, f"\\{character}")
    return text
