"""Does to a research memory what it is told, and kills its own process with SIGKILL at a numbered step of SQLite's.

Run as ``python -m tests.systems.research.keeping.living PATH PATTERN STEP``, with a list of `Deed`s as JSON on standard
input; every deed that was acknowledged is told on standard output, by its number. Deeds of different sessions are done
at once, those of one in order.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
from pathlib import Path
from typing import Literal

import msgspec

from systems.engines.interface import Message
from systems.research.keeping.memory import ResearchMemory
from systems.research.keeping.tables import KeptArticle, Restored


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is done. ``number`` is in every text that it brings."""

    number: int
    session: str
    does: Literal["add", "sum up", "forget"]
    size: int = 1
    length: int = 10

    def messages(self) -> list[Message]:
        roles = ("user", "assistant")
        return [Message(roles[each % 2], f"{self.number}.{each} " + "x" * self.length) for each in range(self.size)]

    def articles(self) -> list[KeptArticle]:
        return [
            KeptArticle(source=f"{each}.md", title="an article", text=f"{self.number}", relevance=0.5)
            for each in range(self.size // 2)
        ]

    def after(self, before: Restored) -> Restored:
        """Return the session as it is when this was done to it."""
        match self.does:
            case "add":
                articles = {each.source: each for each in (*before.articles, *self.articles())}
                return msgspec.structs.replace(
                    before,
                    messages=(*before.messages, *self.messages()),
                    articles=tuple(articles[source] for source in sorted(articles)),
                )
            case "sum up":
                up_to = self.covers(before)
                if not up_to:
                    return before
                return msgspec.structs.replace(before, summary=f"summary {self.number}", summarised_up_to=up_to)
            case _:
                return Restored()

    def covers(self, before: Restored) -> int:
        """Return up to where a summary goes: between what the last one covered and all; 0 if there is nothing."""
        return min(before.summarised_up_to + self.size, len(before.messages))

    async def do(self, memory: ResearchMemory) -> None:
        match self.does:
            case "add":
                await memory.add(self.session, self.messages(), self.articles())
            case "sum up":
                before = await memory.restore(self.session)
                if up_to := self.covers(before):
                    await memory.summarised(self.session, f"summary {self.number}", up_to, before.messages[up_to - 1])
            case _:
                await memory.forget(self.session)


def deadly(step):
    """Have every connection count its statements, and the process killed at one of them."""
    connect, passed = sqlite3.connect, 0

    def count(_):
        nonlocal passed
        passed += 1
        if passed == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def watched(*given, **named):
        connection = connect(*given, **named)
        connection.set_trace_callback(count)
        return connection

    sqlite3.connect = watched


async def live(path, pattern, deeds):
    memory = ResearchMemory(path, pattern)
    await memory.open()

    async def of_one(mine):
        for deed in mine:
            await deed.do(memory)
            os.write(1, f"{deed.number}\n".encode())

    sessions = {deed.session for deed in deeds}
    await asyncio.gather(*(of_one([deed for deed in deeds if deed.session == session]) for session in sessions))
    await memory.close()


if __name__ == "__main__":
    deadly(int(sys.argv[3]))
    asyncio.run(live(Path(sys.argv[1]), sys.argv[2], msgspec.json.decode(sys.stdin.buffer.read(), type=list[Deed])))
