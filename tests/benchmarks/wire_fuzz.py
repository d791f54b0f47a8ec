"""Whether every request gets one response, and no body is ever read as a request: 120,000 requests as bytes.

    python -m tests.benchmarks.wire_fuzz [--requests 120000] [--seed 1] [--minutes 20]

A real server on loopback gets them over connections of up to a dozen requests, sent ahead of the answers, cut into
pieces anywhere, byte by byte, or around the ends of lines. Bodies look like requests; heads offer upgrades, and are
spelt in all ways that mean the same; chunks have extensions and trailers; a part can be read in two ways, and must be
refused. Each request that can be answered carries a mark which its answer names: so the answers are told apart, and
their order is seen. Whatever is answered after a request that ended its connection, or names what only stands in a
body, was smuggled.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import string
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from experiments.measuring import code
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.server.direct import EngineHost
from systems.server.service import ServedSystem
from systems.server.settings import ServerSettings
from systems.server.wire.listening import listening
from tests.systems.server.wire import AMBIGUOUS, LAST, OFFERS, SMUGGLED, responses, said_to

CONNECTIONS, MOST_REQUESTS = 8, 12
"""How many connections are open at once, and the most requests on one: fewer than the server lets wait."""


class Sent(NamedTuple):
    """One request: its bytes, what its answer names, and what becomes of the connection."""

    kind: str
    data: bytes
    statuses: tuple[int, ...]
    mark: str = ""
    method: str = "GET"
    ends: bool = False
    may_end: bool = False


class Seen(NamedTuple):
    """What a run saw: requests sent, by kind those answered, and the first of what should not have been."""

    sent: int
    pieces: int
    answered: Counter[str]
    unread: int
    wrong: list[str]


async def fuzz(requests: int, seed: int, seconds: float = 1200.0) -> Seen:
    """Send as many requests to a server of its own, or as many as go into ``seconds``; at the first wrong one, stop."""
    seen: Counter[str] = Counter()
    sent = pieces = unread = 0
    wrong: list[str] = []
    numbers = iter(range(10**9))
    until = time.monotonic() + seconds

    async def connect(address: str) -> None:
        nonlocal sent, pieces, unread
        while sent < requests and not wrong and time.monotonic() < until:
            number = next(numbers)
            maker = _Maker(random.Random(f"{seed}/{number}"), f"{seed}-{number}")  # any connection can be had again
            batch = maker.batch()
            cut = maker.cut(b"".join(each.data for each in batch))
            sent += len(batch)
            pieces += len(cut)
            said = await said_to(address, *cut)
            try:
                answers = _checked(batch, said)
            except AssertionError as error:
                wrong.append(f"connection {seed}/{number}: {error}")
                return
            seen.update(each.kind for each in batch[:answers])
            unread += len(batch) - answers

    settings = ServerSettings(port=0)
    engine = EngineHost(SimulatedEngine(SimulatedSettings(slots=CONNECTIONS)), settings.deadline_s)
    async with engine, listening(ServedSystem(engine, settings, "test")) as address, asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(connect(address))
    return Seen(sent, pieces, seen, unread, wrong)


def _checked(batch: list[Sent], said: bytes) -> int:
    """Return how many were answered. Raises `AssertionError` for anything but one right answer each, in order."""
    assert b"smuggled" not in said, f"a body was read as a request: {said!r}"
    answers = responses(said, [each.method for each in batch])
    assert len(answers) <= len(batch), f"{len(answers)} answers to {len(batch)} requests"
    for place, (one, answer) in enumerate(zip(batch, answers, strict=False)):
        told = f"request {place} ({one.kind}), {one.data!r}: {answer}"
        assert answer.status in one.statuses, told
        assert one.method == "HEAD" or one.mark in answer.body.decode(), told
        if answer.headers.get("connection") == "close":
            assert one.ends or one.may_end, f"ended the connection: {told}"
            assert len(answers) == place + 1, f"answered after the end: {answers[place + 1 :]}"
            return place + 1
        assert not one.ends, f"did not end the connection: {told}"
    raise AssertionError(f"{len(answers)} answers to {len(batch)} requests, the next is {batch[len(answers)]}")


class _Maker:
    """Makes the requests of one connection."""

    def __init__(self, chance: random.Random, name: str) -> None:
        self._chance = chance
        self._name = name
        self._count = 0

    def batch(self) -> list[Sent]:
        """Return requests of which the last ends the connection."""
        kinds: list[Callable[[], Sent]] = [self._chat, self._chat, self._looks_alike, self._nowhere, self._expecting]
        kinds += [self._answered, self._plain]
        made = [self._chance.choice(kinds)() for _ in range(self._chance.randint(0, MOST_REQUESTS - 2))]
        if self._chance.random() < 0.4:
            made.append(self._ambiguous())
            made.append(Sent("behind a refused one", SMUGGLED, ()))
        else:
            made.append(Sent("the last", LAST, (200,), "ok", ends=True))
        return made

    def cut(self, data: bytes) -> list[bytes]:
        """Return ``data`` in pieces."""
        chance = self._chance
        match chance.randrange(4):
            case 0:
                places = []
            case 1 if len(data) < 700:
                places = list(range(1, len(data)))
            case 2:  # around the ends of lines
                ends = [place for place, byte in enumerate(data) if byte in b"\r\n"]
                chosen = chance.sample(ends, min(len(ends), chance.randint(1, 12)))
                places = [place + chance.randint(0, 2) for place in chosen]
            case _:
                places = [chance.randrange(len(data)) for _ in range(chance.randint(1, 10))]
        edges = [0, *sorted(set(places) - {0}), len(data)]
        return [data[start:end] for start, end in itertools.pairwise(edges) if start < end]

    def _chat(self) -> Sent:
        """A body of JSON that names a model, and has a request in its text."""
        mark = self._mark()
        body = {"model": mark, "messages": [{"role": "user", "content": SMUGGLED.decode()}]}
        data = self._framed(b"POST", b"/v1/chat/completions", json.dumps(body).encode())
        return Sent("a body", data, (404,), mark, "POST")

    def _looks_alike(self) -> Sent:
        """A body that is a request, or several."""
        data = self._framed(b"POST", b"/v1/chat/completions", SMUGGLED * self._chance.randint(1, 3))
        return Sent("a body that is a request", data, (400,), "JSON", "POST")

    def _nowhere(self) -> Sent:
        """A body where nobody reads one."""
        mark = self._mark()
        method = self._chance.choice([b"GET", b"HEAD", b"DELETE", b"POST", b"PUT"])
        data = self._framed(method, b"/" + mark.encode(), SMUGGLED)
        return Sent("a body that nobody reads", data, (404,), mark, method.decode())

    def _expecting(self) -> Sent:
        """A body that comes without waiting to be told to go on: where nobody reads it, the connection may end."""
        mark = self._mark()
        data = self._framed(b"POST", b"/" + mark.encode(), SMUGGLED, b"expect: 100-continue\r\n")
        return Sent("a body that waits", data, (404,), mark, "POST", may_end=True)

    def _answered(self) -> Sent:
        body = {"messages": [{"role": "user", "content": SMUGGLED.decode()}], "max_tokens": 1}
        body["stream"] = self._chance.random() < 0.5
        data = self._framed(b"POST", b"/v1/chat/completions", json.dumps(body).encode())
        return Sent("a chat", data, (200,), "chat.completion", "POST")

    def _plain(self) -> Sent:
        mark = self._mark()
        head = b"GET /" + mark.encode() + b" HTTP/1.1\r\n" + self._headers() + b"\r\n"
        return Sent("no body", head, (404,), mark)

    def _ambiguous(self) -> Sent:
        kind = self._chance.choice(list(AMBIGUOUS))
        headers, body = AMBIGUOUS[kind]
        head = b"POST /v1/chat/completions HTTP/1.1\r\n" + self._headers() + headers + b"\r\n"
        return Sent(f"refused: {kind}", head + body, (400, 501), "error", "POST", ends=True)

    def _mark(self) -> str:
        self._count += 1
        return f"mark-{self._name}-{self._count}-end"

    def _framed(self, method: bytes, path: bytes, body: bytes, headers: bytes = b"") -> bytes:
        head = method + b" " + path + b" HTTP/1.1\r\n" + self._headers() + headers
        if self._chance.random() < 0.5:
            zeros = b"0" * self._chance.randrange(3)
            return head + self._line(b"Content-Length", zeros + b"%d" % len(body)) + b"\r\n" + body
        coding = self._spelt(b"Transfer-Encoding") + b":" + self._spelt(b"chunked") + b"\r\n"  # no tab may follow
        return head + coding + b"\r\n" + self._chunks(body)

    def _headers(self) -> bytes:
        lines = [self._line(b"Host", b"localhost")]
        if self._chance.random() < 0.5:
            lines.append(self._chance.choice(list(OFFERS.values())))
        lines += [
            self._line(b"X-" + self._word(), self._word() * self._chance.randrange(20))
            for _ in range(self._chance.randrange(4))
        ]
        if self._chance.random() < 0.2:  # no lengths, though they look it
            lines.append(
                self._chance.choice([b"content_length: 3\r\n", b"x-content-length: 3\r\n", b"te: trailers\r\n"])
            )
        self._chance.shuffle(lines)
        return b"".join(lines)

    def _line(self, name: bytes, value: bytes) -> bytes:
        before, after = (self._chance.choice([b"", b" ", b"\t", b" \t "]) for _ in range(2))
        return self._spelt(name) + b":" + before + value + after + b"\r\n"

    def _spelt(self, word: bytes) -> bytes:
        return self._chance.choice([word, word.lower(), word.upper(), word.swapcase()])

    def _word(self) -> bytes:
        return "".join(self._chance.choices(string.ascii_lowercase, k=self._chance.randint(1, 8))).encode()

    def _chunks(self, body: bytes) -> bytes:
        said = b""
        while body:
            length = self._chance.randint(1, len(body))
            size = self._chance.choice([b"%x", b"%X", b"0%x", b"000%x"]) % length
            extension = self._chance.choice([b"", b"", b";" + self._word(), b';a="GET / HTTP/1.1";b=c'])
            said += size + extension + b"\r\n" + body[:length] + b"\r\n"
            body = body[length:]
        trailer = self._chance.choice(
            [b"", b"", self._line(b"X-Sum", self._word()), b"upgrade: h2c\r\nconnection: upgrade\r\n"]
        )
        return said + self._chance.choice([b"0", b"000"]) + b"\r\n" + trailer + b"\r\n"


def main() -> None:
    """Send them, and print what was seen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=120_000, help="how many requests to send (120000)")
    parser.add_argument("--seed", type=int, default=1, help="what they are made from (1)")
    parser.add_argument("--minutes", type=float, default=20.0, help="when to stop, whatever was sent (20)")
    chosen = parser.parse_args()
    print("Requests as bytes: one response each, no body read as a request")
    print(f"code version {code.version('asynchronous', 'load')}; {datetime.now(UTC):%Y-%m-%d}")
    print(f"\n$ python -m tests.benchmarks.wire_fuzz --requests {chosen.requests} --seed {chosen.seed}")
    began = time.monotonic()
    seen = asyncio.run(fuzz(chosen.requests, chosen.seed, chosen.minutes * 60))
    print(f"{seen.sent} requests in {seen.pieces} pieces, {time.monotonic() - began:.0f} s")
    refused = sum(count for kind, count in seen.answered.items() if kind.startswith("refused"))
    print(f"{sum(seen.answered.values())} answered once and in order, {refused} of them refused for what is ambiguous")
    print(f"{seen.unread} not read, behind one that ended its connection")
    for kind, count in sorted(seen.answered.items()):
        print(f"  {count:6d}  {kind}")
    print(f"answered otherwise, or read from a body: {len(seen.wrong)}")
    for wrong in seen.wrong:
        print(f"  {wrong}")
    raise SystemExit(bool(seen.wrong))


if __name__ == "__main__":
    main()
