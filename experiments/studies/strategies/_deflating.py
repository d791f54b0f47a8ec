"""What a trial of the part ``deflate`` does: a WebSocket server with or without permessage-deflate, and its clients.

Nothing but replies goes on while it is counted: no pings, no closing.
"""

from __future__ import annotations

import asyncio
import gc
import random
import time
from collections.abc import Mapping

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory

from experiments.measuring.records import Scalar, TrialSpec
from experiments.measuring.role import Role
from experiments.workloads.states import successive
from systems.errors import SystemFailed
from systems.server.messages import ReplyMessage, Token

_CONVERSATIONS = 8
"""How many different conversations there are; the connections share them in turn."""

_EARLIER_STEPS = 20  # of an agent before its states are sent: its window of messages is full

_STREAMED = '{"type":"token"'
_BEFORE, _OPENED, _SERVED = "before", "opened", "served"
_PATIENCE_S = 60.0


def run(role: Role) -> None:
    """Serve on loopback."""
    asyncio.run(_serve(role))


async def _serve(role: Role) -> None:
    spoken = _spoken(role.spec)

    async def converse(connection: ServerConnection) -> None:
        async for asked in connection:
            word, _, number = str(asked).partition(" ")
            if not number:
                _note(role, word)
                await connection.send(word)
                continue
            for frame in spoken[int(word) % _CONVERSATIONS][int(number)]:
                await connection.send(frame)

    offered = _server_extensions(role.spec.settings)
    async with serve(converse, "127.0.0.1", 0, compression=None, extensions=offered, ping_interval=None) as server:
        [listener] = server.sockets
        await asyncio.to_thread(role.listening, f"ws://127.0.0.1:{listener.getsockname()[1]}")
    await asyncio.to_thread(role.outside_look)


def _note(role: Role, moment: str) -> None:
    """Note what the server holds and has computed; what is only garbage is let go of first, and costs nothing."""
    computed_s = time.process_time()
    gc.collect()
    role.part.values |= {
        f"{moment}_bytes": float(role.processes.anonymous_bytes() or 0),
        f"{moment}_cpu_s": round(computed_s, 6),
    }


def run_client(role: Role) -> None:
    """Read every reply on every connection."""
    asyncio.run(_read_all(role))


async def _read_all(role: Role) -> None:
    condition = role.spec.condition
    count, replies = int(condition["connections"] or 0), int(condition["replies"] or 0)
    aside = await _connected(role)
    # What the first connection and the first reply load and build is no part of what another one takes.
    await _reply(aside, 0, 0)
    await _tell(aside, _BEFORE)
    connections = [await _connected(role) for _ in range(count)]
    await _tell(aside, _OPENED)
    opened_bytes = sum(connection.received_bytes for connection in connections)

    async def read(number: int) -> int:
        return sum([await _reply(connections[number], number, reply) for reply in range(replies)])

    said = await asyncio.gather(*map(read, range(count)))
    received_bytes = sum(connection.received_bytes for connection in connections) - opened_bytes
    await _tell(aside, _SERVED)
    role.part.values |= {
        "connections": float(count),
        "replies": float(count * replies),
        "wire_bytes": float(received_bytes),
        "said_characters": float(sum(said)),
    }
    await asyncio.gather(*(connection.close() for connection in (aside, *connections)))


class _Counted(ClientConnection):
    """A connection that counts the bytes which TCP brings it."""

    received_bytes = 0

    def data_received(self, data: bytes) -> None:
        """Count, and go on as ever."""
        self.received_bytes += len(data)
        super().data_received(data)


async def _connected(role: Role) -> _Counted:
    connection = await connect(
        role.address,
        compression=None,
        extensions=_client_extensions(role.spec.settings),
        create_connection=_Counted,
        ping_interval=None,
        open_timeout=_PATIENCE_S,
    )
    assert isinstance(connection, _Counted)
    if bool(connection.protocol.extensions) is not bool(role.spec.settings["deflate"]):
        raise SystemFailed("The two sides did not agree on the compression of this trial.")
    return connection


async def _reply(connection: ClientConnection, conversation: int, number: int) -> int:
    """Ask for a reply and read it; return its characters, those of all frames."""
    await connection.send(f"{conversation} {number}")
    characters = 0
    while True:
        frame = await connection.recv(decode=True)
        characters += len(frame)
        if not frame.startswith(_STREAMED):
            return characters


async def _tell(connection: ClientConnection, moment: str) -> None:
    await connection.send(moment)
    await connection.recv()


def _server_extensions(settings: Mapping[str, Scalar]) -> list[ServerPerMessageDeflateFactory]:
    if not settings["deflate"]:
        return []
    bits, dropped = int(settings["window_bits"] or 0), not settings["context"]
    return [
        ServerPerMessageDeflateFactory(
            server_no_context_takeover=dropped,
            client_no_context_takeover=dropped,
            server_max_window_bits=bits,
            client_max_window_bits=bits,
            compress_settings={"memLevel": int(settings["memory_level"] or 0)},
        )
    ]


def _client_extensions(settings: Mapping[str, Scalar]) -> list[ClientPerMessageDeflateFactory]:
    if not settings["deflate"]:
        return []
    return [ClientPerMessageDeflateFactory(compress_settings={"memLevel": int(settings["memory_level"] or 0)})]


def _spoken(spec: TrialSpec) -> list[list[list[str]]]:
    """Return the frames of every reply of every conversation."""
    frames, replies = str(spec.condition["frames"]), int(spec.condition["replies"] or 0)
    return [_conversation(f"{spec.seed} {number}", frames, replies) for number in range(_CONVERSATIONS)]


def _conversation(seed: str, frames: str, replies: int) -> list[list[str]]:
    if frames == "states":
        states = list(successive(seed, "window", _EARLIER_STEPS + replies))
        return [[state.decode()] for state in states[_EARLIER_STEPS:]]
    *_, last = successive(seed, "conversation", replies)
    messages = msgspec.json.decode(last)["messages"]
    ids = random.Random(f"ids {seed}")
    return [
        _answer(f"{ids.getrandbits(128):032x}", message["content"], in_tokens=frames == "tokens")
        for message in messages
        if message["role"] == "assistant"
    ]


def _answer(name: str, said: str, *, in_tokens: bool) -> list[str]:
    """Return the messages in which the lab's own server says something."""
    first, *rest = said.split(" ")
    tokens = [first, *(f" {word}" for word in rest)]
    reply = ReplyMessage(
        id=name,
        text=said,
        source="model",
        memories=(),
        prompt_tokens=10 * len(tokens),
        generated_tokens=len(tokens),
        first_token_s=0.25,
        total_s=0.02 * len(tokens),
    )
    messages = [*(Token(id=name, text=token) for token in tokens if in_tokens), reply]
    return [msgspec.json.encode(message).decode() for message in messages]
