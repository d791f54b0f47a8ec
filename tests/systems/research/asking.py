"""Questions to the research agent on simulated engines, for tests."""

from __future__ import annotations

import sqlite3
from contextlib import asynccontextmanager, closing

from systems.engines.scripted import Script, Scripts, scripted
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.interface import Request
from systems.research.agent import Research
from systems.research.settings import ResearchSettings

QUESTION = "How long is the stone bridge of Velm?"


def sources(folder):
    """Write three documents, and return the folder they are in."""
    folder = folder / "sources"
    folder.mkdir()
    (folder / "velm.md").write_text("# The town of Velm\n\nThe stone bridge of Velm is 84 metres long.\n")
    (folder / "orrin.md").write_text("# The town of Orrin\n\nThe stone bridge of Orrin is 96 metres long.\n")
    (folder / "motor.txt").write_text("The motor of Grey Heron gives 40 kilowatts.\n")
    return str(folder)


def settings(folder, **changes):
    """Return settings in which nothing takes a process, unless that is changed."""
    plain = {"relevance": "thread", "analysis": "thread", "topics": "words"}
    return ResearchSettings(**{"sources": (sources(folder),), **plain, **changes})


def asked(text=QUESTION, number=1, session="anna", **fields):
    return Request(id=str(number), session=session, text=text, max_tokens=12, **fields)


def saying(*replies, text=QUESTION, engine=None, session="anna"):
    """Return an engine that says ``replies``, in order, to a question."""
    return scripted(engine or SimulatedEngine(SimulatedSettings()), Scripts([Script(session, text, replies)]))


@asynccontextmanager
async def running(folder, engine=None, **changes):
    given = settings(folder, **changes)
    agent = Research(given, engine or SimulatedEngine(SimulatedSettings()), folder)
    await agent.start()
    try:
        yield agent
    finally:
        await agent.close()


def kept(folder):
    """Return what is in the file: session, role and text of each message, in order."""
    with closing(sqlite3.connect(folder / "research.sqlite")) as connection:
        return connection.execute("SELECT session, role, content FROM messages ORDER BY session, place").fetchall()


class Recording(SimulatedEngine):
    """Keeps the calls it gets."""

    def __init__(self):
        super().__init__(SimulatedSettings())
        self.calls = []

    def generate(self, call):
        self.calls.append(call)
        return super().generate(call)
