"""Kill -9 at any statement: what a session is restored as equals what was acknowledged, or one deed more."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from systems.research.keeping.memory import ResearchMemory
from systems.research.keeping.tables import Restored
from tests.systems.research.keeping.living import Deed

EXAMPLES = int(os.environ.get("FOURGIG_KILLS", "4"))
"""How many sequences of lives; FOURGIG_KILLS=100 takes some minutes."""

SESSIONS = ("anna", "bob")
ROOT = Path(__file__).parents[4]

DEEDS = st.lists(
    st.fixed_dictionaries(
        {
            "session": st.sampled_from(SESSIONS),
            "does": st.sampled_from(["add", "add", "add", "sum up", "forget"]),
            "size": st.integers(1, 6),
            "length": st.sampled_from([0, 10, 5000]),
        }
    ),
    min_size=1,
    max_size=8,
)
# A life, and the statement at which it ends; the largest are never reached, and such a life ends by itself.
LIVES = st.lists(st.tuples(DEEDS, st.integers(8, 90)), min_size=1, max_size=3)


def restored(path):
    async def all_of_them():
        memory = ResearchMemory(path)
        await memory.open()
        found = {session: await memory.restore(session) for session in SESSIONS}
        await memory.close()
        return found

    return asyncio.run(all_of_them())


def lived(path, pattern, deeds, step):
    command = [sys.executable, "-m", "tests.systems.research.keeping.living", str(path), pattern, str(step)]
    done = subprocess.run(command, input=msgspec.json.encode(deeds), capture_output=True, cwd=ROOT)
    assert done.returncode in (0, -9), done.stderr.decode()
    return {int(line) for line in done.stdout.splitlines()}, done.returncode


@pytest.mark.parametrize(
    "pattern", ["queued", *(pytest.param(each, marks=pytest.mark.long) for each in ("thread", "in-loop"))]
)
@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    phases=[Phase.generate],  # a life takes a process, and where it ends is not the same twice: nothing to shrink
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(lives=LIVES)
def test_a_session_is_restored_as_it_was_acknowledged(tmp_path_factory, pattern, lives):
    path = tmp_path_factory.mktemp("killed") / "research.sqlite"
    truth, number = dict.fromkeys(SESSIONS, Restored()), 0
    for fields, step in lives:
        deeds = [Deed(number=number + place, **each) for place, each in enumerate(fields)]
        number += len(deeds)
        acknowledged, status = lived(path, pattern, deeds, step)
        found = restored(path)
        for session in SESSIONS:
            mine = [deed for deed in deeds if deed.session == session]
            for deed in (deed for deed in mine if deed.number in acknowledged):
                truth[session] = deed.after(truth[session])
            begun = next((deed for deed in mine if deed.number not in acknowledged), None)
            assert begun is None or status == -9
            allowed = [truth[session], *([] if begun is None else [begun.after(truth[session])])]
            assert found[session] in allowed, f"{session} after {acknowledged} of {mine}"
            truth[session] = found[session]
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
