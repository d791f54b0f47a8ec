"""How do the agents serve many users at once, over a socket, from a client outside the limits?

Closed loop: every user asks the next question when the last one is answered, and gives up after two minutes. No
question repeats, so no cache can hit: the hit rate shown is a check, not a result. With real inference, and beside it
the published simulation, in which a generation is a sleep that any number of threads overlap: no model runs there.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from experiments.probes.loop_delay import LoopDelay
from experiments.records import EngineSpec, RequestRow, TrialSpec
from experiments.role import Role
from experiments.studies.interface import Cell, GridRequest, Preset, Study
from experiments.studies.subjects import REPLY_TOKENS, Stopwatch, counted, hosted, warm
from experiments.workloads.conversations import Turn, conversations
from systems import registry
from systems.server.messages import MAX_FRAME_BYTES, Answer, Ask, FromServer, Refusal, Token
from systems.server.websocket import ServerSettings, WebSocketServer

_USERS: dict[Preset, tuple[int, ...]] = {"smoke": (2,), "quick": (1, 50)}
_TURNS: dict[Preset, int] = {"smoke": 1, "quick": 2}
# One user alone asks more often, so that a quantile has something to stand on.
_TURNS_ALONE = 6

# The published simulation sent two requests a user, each a sleep without a stated length; ours is this long.
_SIMULATED_S = 0.1
_SIMULATED_SLOTS = 64

# How long a user waits for an answer before giving up on it, the same for every system.
PATIENCE_S = 120.0

_from_server = msgspec.json.Decoder(FromServer)


class Load(Study):
    """Users in a closed loop over WebSocket, with inference and with the published sleep."""

    name = "load"
    question = "How do the agents serve many users at once, over a socket, from a client outside the limits?"
    references = ("baseline",)
    measures = (
        "success_rate",
        "throughput",
        "time_to_first_token_p50",
        "time_to_first_token_p95",
        "latency_p50",
        "latency_p95",
        "latency_p99",
        "hit_rate",
        "cpu_per_request",
        "group_peak_memory",
        "client_lag_p99",
    )

    def grid(self, request: GridRequest) -> Sequence[Cell]:
        """Return every number of users with real inference, and the largest with the simulation."""
        users = _USERS[request.preset]
        simulated = EngineSpec(
            name="simulated",
            settings={"first_token_s": _SIMULATED_S, "token_s": 0.0, "slots": _SIMULATED_SLOTS},
        )
        label = f"simulated engine: a sleep of {_SIMULATED_S * 1000:.0f} ms a reply, no model ran, nothing can fail"
        works: list[tuple[str, int, EngineSpec, tuple[str, ...]]] = [
            *(("inference", count, request.engine, ()) for count in users),
            ("simulation", max(users), simulated, (label,)),
        ]
        cells = []
        for work, count, engine, labels in works:
            turns = _TURNS_ALONE if count == 1 and request.preset != "smoke" else _TURNS[request.preset]
            each = 0.7 if work == "inference" else _SIMULATED_S
            cells += [
                Cell(
                    condition={"work": work, "users": count, "turns": turns, "arrivals": "closed"},
                    subject=system,
                    system=system,
                    hosting="alone" if registry.systems.get(system).blocks else None,
                    engine=engine,
                    labels=labels,
                    estimate_s=5 + count * turns * each,
                    timeout_s=60 + 2 * turns * PATIENCE_S,
                )
                for system in request.systems
            ]
        return cells

    def has_client(self, spec: TrialSpec) -> bool:  # noqa: ARG002 - every trial of this study has one
        """Return true: users are outside the limits."""
        return True

    def run_subject(self, role: Role) -> None:
        """Serve until the client has finished."""
        asyncio.run(self._serve(role))

    def run_client(self, role: Role) -> None:
        """Be all the users."""
        asyncio.run(self._use(role))

    async def _serve(self, role: Role) -> None:
        users = int(role.spec.condition["users"] or 0)
        [[first]] = conversations(role.spec.seed + 1, 1, 1)
        async with hosted(role) as system:
            await warm(system, [first])
            server = WebSocketServer(system, ServerSettings(connections=users + 1, experiment=True))
            async with server.listening() as address:
                before = time.process_time()
                await asyncio.to_thread(role.listening, address)
                role.part.values["cpu_s"] = time.process_time() - before
                role.part.counters = counted(system.counters())
                await asyncio.to_thread(role.outside_look)

    async def _use(self, role: Role) -> None:
        users, turns = int(role.spec.condition["users"] or 0), int(role.spec.condition["turns"] or 0)
        planned = conversations(role.spec.seed, users, turns)
        connections = [await _connected(role.address) for _ in range(users)]
        try:
            async with LoopDelay() as lag:
                clock = Stopwatch()
                rows = await asyncio.gather(
                    *(
                        _talk(connection, user, script, clock)
                        for user, (connection, script) in enumerate(zip(connections, planned, strict=True))
                    )
                )
            role.part.loop_delay_s = lag.delays_s
            role.part.requests = [row for user_rows in rows for row in user_rows]
        finally:
            await asyncio.gather(*(connection.close() for connection in connections))


async def _connected(address: str) -> ClientConnection:
    # The client never gives up on a server that is slow to answer pings: waiting is what is measured.
    return await connect(address, compression=None, max_size=MAX_FRAME_BYTES, ping_interval=None, open_timeout=60)


async def _talk(connection: ClientConnection, user: int, script: Sequence[Turn], clock: Stopwatch) -> list[RequestRow]:
    """Be one user: the next question is due the moment the last answer came."""
    rows: list[RequestRow] = []
    due = 0.0
    for number, turn in enumerate(script):
        rows.append(await _ask(connection, turn, f"user-{user}", clock, due, user, number))
        due = rows[-1].finished_s
    return rows


async def _ask(
    connection: ClientConnection, turn: Turn, session: str, clock: Stopwatch, due: float, user: int, number: int
) -> RequestRow:
    ask = Ask(
        id=f"{session}-{number}",
        session=session,
        text=turn.text,
        max_tokens=REPLY_TOKENS,
        deadline_s=PATIENCE_S,
        scripted_reply=turn.reply,
        observed=turn.observed,
    )
    started, first = clock(), None
    outcome, answer = "ok", None
    try:
        await connection.send(msgspec.json.encode(ask), text=True)
        # A server that honours the deadline says so itself; the second of grace lets its word arrive.
        async with asyncio.timeout(PATIENCE_S + 1):
            while isinstance(message := _from_server.decode(await connection.recv()), Token) or message.id != ask.id:
                first = clock() if first is None and message.id == ask.id else first
        if isinstance(message, Answer):
            answer = message
        else:
            outcome = "Refused" if isinstance(message, Refusal) else message.kind
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
