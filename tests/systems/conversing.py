"""Conversations with agents on simulated engines, for tests."""

import sqlite3
from contextlib import closing

from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.errors import EngineError
from systems.interface import Observed, Request
from systems.server.hosting import host

OBSERVED = Observed(clock="2025-01-01 10:00", system="processor 10 %", emotion="neutral")


CONVERSATION = [
    ("anna", "Remember that my sister Vera keeps bees in Lisbon."),
    ("bo", "我叫王芳，我住在杭州，请记住。"),
    ("anna", "What would Vera in Lisbon like for her birthday?"),
    ("bo", "杭州的天气怎么样？"),
    ("anna", "/help"),
    ("anna", "What would Vera in Lisbon like for her birthday?"),
    ("bo", "/forget"),
    ("bo", "100% of _what_ did I say about 杭州 and 'quotes\"?"),
    *[("anna", f"Tell me number {number} about the bees of Vera, please.") for number in range(12)],
]


def requests(**changes):
    return [
        Request(id=str(number), session=session, text=text, max_tokens=8, observed=OBSERVED, **changes)
        for number, (session, text) in enumerate(CONVERSATION)
    ]


def simulated(**settings) -> SimulatedEngine:
    return SimulatedEngine(SimulatedSettings(**settings))


async def conversed(system, asked):
    async with host(system) as running:
        return [await running.answer(request) for request in asked]


def stored(folder):
    if (folder / "research.sqlite").exists():
        return stored_messages(folder)
    with closing(sqlite3.connect(folder / "memory.sqlite")) as connection:
        return connection.execute("SELECT session, question, answer FROM memories ORDER BY id").fetchall()


def stored_messages(folder):
    """Return the turns of an agent that keeps messages one by one, in the order in which they were said."""
    query = (
        "SELECT asked.session, asked.content, answer.content FROM messages AS asked JOIN messages AS answer "
        "ON answer.session = asked.session AND answer.place = asked.place + 1 WHERE asked.role = 'user' "
        "ORDER BY asked.rowid"
    )
    with closing(sqlite3.connect(folder / "research.sqlite")) as connection:
        return connection.execute(query).fetchall()


class Failing(SimulatedEngine):
    """Fails while ``broken``; counts how often it was loaded."""

    def __init__(self, settings):
        super().__init__(settings)
        self.broken = False
        self.loads = 0

    def load(self):
        self.loads += 1
        if self.broken:
            raise EngineError("The model will not load.")
        super().load()

    def generate(self, *args, **kwargs):
        if self.broken:
            raise EngineError("The model fell over.")
        return super().generate(*args, **kwargs)
