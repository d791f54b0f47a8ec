"""The users: what each asks and when, and how an answer is waited for and noted. They run outside the limits."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from experiments.measuring.probes.loop_delay import LoopDelay
from experiments.measuring.records import RequestRow, Scalar
from experiments.measuring.role import Role
from experiments.measuring.workload import Turn, Workload, workloads
from experiments.studies.planning import post
from experiments.studies.subjects import REPLY_TOKENS, Stopwatch, planned
from experiments.workloads import arrivals
from experiments.workloads.conversations import conversations, repeated
from systems.engines.scripted import Script
from systems.server.messages import Ask, Error, FromServer, ReplyMessage, Token
from systems.server.settings import MAX_FRAME_BYTES

PATIENCE_S = 120.0
"""How long a user waits for an answer before giving up on it, the same for every system."""

ZIPF = 1.0
"""The exponent by which repeated questions prefer the first of a session's pool."""

_from_server = msgspec.json.Decoder(FromServer)


class DueQuestion(msgspec.Struct, frozen=True):
    """A turn and when it is due: at ``at_s`` on the trial's clock, or if None ``pause_s`` after the last answer."""

    turn: Turn
    at_s: float | None = None
    pause_s: float = 0.0


def asked(condition: Mapping[str, Scalar], seed: int, workload: Workload = conversations) -> list[list[DueQuestion]]:
    """Return what each session asks, in order; ``workload`` says it.

    ``arrivals`` "closed": the next question is due when the last one is answered; "thinking": after an exponential
    pause; "poisson" and "bursts": at instants of their own, the sessions taking turns.
    """
    kind, users = condition["arrivals"], int(condition["users"] or 0)
    if kind in ("poisson", "bursts"):
        rate, requests = float(condition["rate"] or 0), int(condition["requests"] or 0)
        instants = (
            arrivals.bursts(seed, rate, int(condition["burst"] or 0), requests)
            if kind == "bursts"
            else arrivals.poisson(seed, rate, requests)
        )
        drawn = workload(seed, users, -(-requests // users))
        made: list[list[DueQuestion]] = [[] for _ in range(users)]
        for number, at in enumerate(instants):
            made[number % users].append(DueQuestion(drawn[number % users][number // users], at_s=at))
        return made
    turns = int(condition["turns"] or 0)
    drawn = (
        repeated(workload(seed, users, int(condition["pool"] or 0)), seed, turns, ZIPF)
        if "pool" in condition
        else workload(seed, users, turns)
    )
    if kind == "closed":
        return [[DueQuestion(turn) for turn in turns_of] for turns_of in drawn]
    pauses = arrivals.pauses(seed, float(condition["think_s"] or 0), users, turns)
    return [
        [DueQuestion(turn, pause_s=pause) for turn, pause in zip(turns_of, thought, strict=True)]
        for turns_of, thought in zip(drawn, pauses, strict=True)
    ]


def session_of(user: int) -> str:
    """Return the name under which a user's turns are asked."""
    return f"user-{user}"


def plan(asked: Sequence[Sequence[DueQuestion]], first_user: int = 0) -> list[Script]:
    """Return what the model is made to say to users who ask ``asked``, the first of whom is ``first_user``."""
    turns = enumerate(asked, first_user)
    return planned({session_of(user): [question.turn for question in questions] for user, questions in turns})


async def connected(address: str) -> ClientConnection:
    """Return a connection that never gives up on a server slow to answer pings: waiting is what is measured."""
    return await connect(address, compression=None, max_size=MAX_FRAME_BYTES, ping_interval=None, open_timeout=60)


@contextmanager
def old_objects_left_alone() -> Iterator[None]:
    """Keep what was made so far out of Python's collections while the context is open.

    One that goes through all of it takes some 20 ms: a client would be late by that, in the middle of a short trial.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


async def all_ask(role: Role, planned_at: str) -> None:
    """Be all users of a trial, each over a connection of its own, and note what came of their requests.

    What is to be answered is planned first, at the address ``planned_at``.
    """
    mine = asked(role.spec.condition, role.spec.seed, workloads.get(role.spec.workload))
    await asyncio.to_thread(post, planned_at, plan(mine))
    connections = [await connected(role.address) for _ in mine]
    try:
        with old_objects_left_alone():
            async with LoopDelay() as lag:
                clock = Stopwatch()
                rows = await asyncio.gather(
                    *(
                        talk(connection, user, questions, clock)
                        for user, (connection, questions) in enumerate(zip(connections, mine, strict=True))
                    )
                )
        role.part.loop_delay_s = lag.delays_s
        role.part.requests = [row for user_rows in rows for row in user_rows]
    finally:
        await asyncio.gather(*(connection.close() for connection in connections))


async def talk(
    connection: ClientConnection,
    user: int,
    questions: Sequence[DueQuestion],
    clock: Stopwatch,
    *,
    patience_s: float = PATIENCE_S,
    note: Callable[[RequestRow], None] = lambda _: None,
) -> list[RequestRow]:
    """Be one session and return what was seen of each of its requests, each noted at once; an error is a row, no raise.

    A session waits for its answer before it asks again. A question that is due meanwhile keeps its intended start, so
    the wait is charged to the system that caused it.
    """
    rows: list[RequestRow] = []
    answered = 0.0
    for number, question in enumerate(questions):
        due = answered + question.pause_s if question.at_s is None else question.at_s
        if (early := due - clock()) > 0:
            await asyncio.sleep(early)
        rows.append(await _ask(connection, question.turn, clock, due, user, number, patience_s))
        note(rows[-1])
        answered = rows[-1].finished_s
    return rows


async def _ask(
    connection: ClientConnection, turn: Turn, clock: Stopwatch, due: float, user: int, number: int, patience_s: float
) -> RequestRow:
    session = session_of(user)
    ask = Ask(
        id=f"{session}-{number}",
        session=session,
        text=turn.text,
        max_tokens=REPLY_TOKENS,
        deadline_s=patience_s,
        observed=turn.observed,
    )
    started, first = clock(), None
    outcome, answer = "ok", None
    try:
        await connection.send(msgspec.json.encode(ask), text=True)
        # A server that honours the deadline says so itself; the second of grace lets its word arrive.
        async with asyncio.timeout(patience_s + 1):
            # Text is decoded once, by the decoder: the client's own work must stay small beside what it measures.
            while True:
                message = _from_server.decode(await connection.recv(decode=False))
                if message.id == ask.id:
                    if not isinstance(message, Token):
                        break
                    first = clock() if first is None else first
        if isinstance(message, ReplyMessage):
            answer = message
        else:
            outcome = message.kind if isinstance(message, Error) else "Refused"
    except ConnectionClosed:
        outcome = "ConnectionClosed"
    except TimeoutError:
        outcome = "GaveUp"
    return RequestRow(
        intended_s=due,
        started_s=started,
        first_token_s=first,
        finished_s=clock(),
        outcome=outcome,
        source=answer.source if answer else "",
        prompt_tokens=answer.prompt_tokens if answer else 0,
        generated_tokens=answer.generated_tokens if answer else 0,
        user=user,
        turn=number,
    )
