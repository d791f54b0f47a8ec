"""Kills an agent's tiers at numbered points of their I/O, again and again in one folder, and looks what is left.

Run as ``python -m tests.systems.tiered.tiers.killing FOLDER KILLS SEED``; ends with 1, and says why, if something was
lost, or lay in two places, or was older than what had been acknowledged. Each process is forked from this one, which
has everything imported, opens the tiers as the one before left them, compares, moves, and ends at its point.
"""

import asyncio
import gc
import json
import os
import random
import sqlite3
import sys
import traceback
from collections import Counter
from contextlib import closing
from pathlib import Path

from systems.interface import talk
from systems.memory import resident, retrieval  # noqa: F401 - imported once, here, and not in every process
from systems.memory.schema import SavedTurn
from systems.tiered.tiers import bundle
from systems.tiered.tiers.packing import digest
from systems.turn.history import Exchange
from tests.systems.tiered.tiers.placing import Place

SESSIONS = ["anna", "bob", "\x1f7\x1fodd"]
TALKS = [(session, conversation) for session in SESSIONS for conversation in ("", "trip")]


class Points:
    """Counts steps of I/O, and ends the process at the one it is told."""

    def __init__(self, last):
        self.last = last
        self.number = 0

    def pass_one(self, *_):
        self.number += 1
        if self.number == self.last:
            os._exit(9)

    def watch(self):
        connect = sqlite3.connect

        def watched(*given, **more):
            connection = connect(*given, **more)
            connection.set_trace_callback(self.pass_one)
            return connection

        sqlite3.connect = watched
        os.fsync = self.pass_one  # a killed process leaves what it wrote, be it on the disk or not
        sys.addaudithook(
            lambda event, _: self.pass_one() if event in ("os.rename", "os.remove", "os.mkdir", "open") else None
        )


class Agent:
    """Talks as an agent does: a turn is saved, then acknowledged (``tell``), then its conversation may leave."""

    def __init__(self, tiers, rng, tell, number):
        self.tiers = tiers
        self.rng = rng
        self.tell = tell
        self.number = number

    async def turn(self, session, conversation):
        name = talk(session, conversation or None)
        found = await self.tiers.fetch(name)
        saved = await self.saved(session, conversation)
        if found is not None:
            told = [each.question for each in found.exchanges]
            assert told == saved, f"{name!r} is not as it was saved: {told} for {saved}"
        self.number += 1
        question = f"{session} {conversation} {self.number}"
        turn = SavedTurn(session=session, conversation=conversation, question=question, answer="yes " * 50)
        await self.tiers.store.save([turn])
        self.tell("said", [session, conversation, question])
        if self.rng.random() < 0.8:
            self.tiers.leave_hot(name, [Exchange(question, "yes " * 50) for question in [*saved, question]])

    async def saved(self, session, conversation):
        query = "SELECT question FROM memories WHERE session = ? AND conversation = ? ORDER BY created, id"
        rows = await self.tiers.store.beside(lambda opened: opened.execute(query, (session, conversation)).fetchall())
        return [row[0] for row in rows]

    async def act(self):
        session, conversation = self.rng.choice(TALKS)
        kind = self.rng.random()
        if kind < 0.4:
            await self.turn(session, conversation)
        elif kind < 0.6:
            self.tiers.trim(3)
            await self.tiers.moved()
            self.tiers.trim(0)
        elif kind < 0.85:
            await self.tiers.freeze(session)
        elif kind < 0.92:
            await self.tiers.wake(session)
        elif kind < 0.96:
            self.tell("forgetting", session)
            await self.tiers.erase(session)
            await self.tiers.store.rearrange(lambda opened: _delete(opened, session))
            self.tell("forgot", session)
        else:
            self.tiers.expect(session)
            await self.tiers.moved()


def _delete(opened, session):
    with opened:
        opened.execute("DELETE FROM memories WHERE session = ?", (session,))


def look(folder, truth, dying):
    """Compare what lies in ``folder`` with the ``truth``; return what was said, of each conversation."""
    found = {}
    with closing(sqlite3.connect(folder / "memory.sqlite")) as opened:
        for session, conversation, question in opened.execute(
            "SELECT session, conversation, question FROM memories ORDER BY created, id"
        ):
            found.setdefault((session, conversation), []).append(question)
    with closing(sqlite3.connect(folder / "tiers.sqlite")) as opened:
        rows = opened.execute("SELECT name, object, stage FROM bundles").fetchall()
        states = Counter(row[0] for row in opened.execute("SELECT talk FROM states"))
    assert {row[2] for row in rows} <= {"frozen"}, f"not rolled forward: {rows}"
    assert {row[1] for row in rows} == {each.name for each in (folder / "bundles").glob("*")}, "a bundle nobody knows"
    for name, place, _ in rows:
        turns, bundled = bundle.read((folder / "bundles" / place).read_bytes(), name.decode())
        for turn in turns:
            found.setdefault((turn.session, turn.conversation), []).append(turn.question)
        states.update(digest(each) for each, _ in bundled)
    assert all(count == 1 for count in states.values()), "a state lies in two places"
    for key in TALKS:
        there = found.get(key, [])
        assert len(set(there)) == len(there), f"{key} lies in two places: {there}"
        known = truth.get(key, [])
        if key[0] == dying:  # killed while it was being forgotten: all of it may be there, or less, or nothing
            continue
        assert there[: len(known)] == known, f"of {key} something is lost: {there} for {known}"
        assert len(there) <= len(known) + 1, f"of {key} something is there that was forgotten: {there} for {known}"
    return found


async def live(place, truth, dying, seed, tell, number):
    rng = random.Random(seed)
    async with place.opened(cold_bytes=64 << 20) as tiers:
        found = look(place.folder, truth, dying)
        tell("there", [[*key, said] for key, said in found.items()])
        agent = Agent(tiers, rng, tell, number)
        for _ in range(12):
            await agent.act()


def die(place, truth, dying, seed, last, number):
    """Live until point ``last`` in a process of its own; return what it told, and how it ended."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        points = Points(last)

        def tell(kind, what):
            os.write(writing, json.dumps([kind, what]).encode() + b"\n")

        try:
            points.watch()
            asyncio.run(live(place, truth, dying, seed, tell, number))
        except BaseException:  # noqa: BLE001 - whatever it was ends this process, and the one that waits says so
            tell("failed", traceback.format_exc())
            os._exit(1)
        tell("points", points.number)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as told:
        lines = told.read().splitlines()
    _, status = os.waitpid(child, 0)
    return [json.loads(line) for line in lines], os.waitstatus_to_exitcode(status)


def main(folder, kills, seed):
    place = Place(folder)
    rng = random.Random(seed)
    gc.freeze()  # the processes share what is imported here
    gc.disable()
    truth, dying, killed, number, most, tries = {}, None, 0, 0, 300, 0
    ended = Counter()
    while killed < kills:
        tries += 1
        told, status = die(place, truth, dying, seed + tries, rng.randint(1, most), number)
        for kind, what in told:
            if kind == "failed":
                sys.exit(f"after {killed} kills: {what}")
            elif kind == "there":
                truth, dying = {(session, conversation): said for session, conversation, said in what}, None
            elif kind == "said":
                session, conversation, question = what
                truth.setdefault((session, conversation), []).append(question)
            elif kind == "forgetting":
                dying = what
            elif kind == "forgot":
                truth, dying = {key: said for key, said in truth.items() if key[0] != what}, None
            elif kind == "points":
                most = max(most // 2, min(most, what))
        number += 100
        killed += status == 9
        ended[status] += 1
    print(f"{killed} kills, {sum(map(len, truth.values()))} turns kept, {dict(ended)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
