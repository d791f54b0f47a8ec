"""The agent with an embedding model: what is told is found without a shared word, and nothing is loaded without one."""

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from systems.asynchronous.agent import Asynchronous
from systems.asynchronous.settings import AsynchronousSettings
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.errors import ModelError
from systems.interface import Request
from tests.systems.engines.embedding.small import encoder


def agent(folder, **settings):
    return Asynchronous(AsynchronousSettings(**settings), SimulatedEngine(SimulatedSettings(slots=2)), folder)


async def told_and_asked(system):
    await system.answer(Request(id="1", session="s", text="The cat sat in a box.", max_tokens=4))
    async with asyncio.timeout(30):
        while system.counters().saved < 1 or not system.counters().vectors:  # noqa: ASYNC110 - nobody is told
            await asyncio.sleep(0.01)
    return await system.answer(Request(id="2", session="s", text="Which pets are there?", max_tokens=4))


async def test_a_turn_is_found_that_shares_no_word_with_the_question(tmp_path):
    model = encoder(tmp_path / "small.gguf")
    system = agent(tmp_path, embedding_model=str(model), history_length=1)
    await system.start()
    reply = await told_and_asked(system)
    counted = system.counters()
    await system.close()
    assert reply.memories == ("The cat sat in a box.",)
    assert counted.vectors == 1
    assert counted.embedding_bytes > 0


async def test_what_is_forgotten_or_corrected_is_not_found_by_its_vector(tmp_path):
    system = agent(tmp_path, embedding_model=str(encoder(tmp_path / "small.gguf")), history_length=1)
    await system.start()
    try:
        asked = Request(id="3", session="s", text="What animals are at home?", max_tokens=4, kept=False)
        await told_and_asked(system)
        [turn, question] = await system.turns("s")
        corrected = await system.correct("s", turn.id, "The dog sat in a box.")
        async with asyncio.timeout(30):
            while system.counters().vectors < 2:  # noqa: ASYNC110 - nobody is told
                await asyncio.sleep(0.01)
        assert (await system.answer(asked)).memories[0] == "The dog sat in a box."
        await system.forget("s", turn=corrected.id)
        assert "The dog sat in a box." not in (await system.answer(asked)).memories
        assert await system.turns("s") == [question]
    finally:
        await system.close()
    with closing(sqlite3.connect(tmp_path / "memory.sqlite")) as connection:
        [left] = connection.execute(
            "SELECT count(*) FROM memory_vectors WHERE id <> ?", (int(question.id.split("-")[0]),)
        ).fetchone()
        assert left == 0


async def test_a_file_that_is_no_embedding_model_is_refused(tmp_path, tiny_model):
    system = agent(tmp_path, embedding_model=str(tiny_model), lazy_loading=False)
    with pytest.raises(ModelError, match="no embedding model"):
        await system.start()


def test_without_a_model_nothing_of_it_is_imported(tmp_path):
    code = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from systems.asynchronous.agent import Asynchronous\n"
        "from systems.asynchronous.settings import AsynchronousSettings\n"
        "from systems.engines.simulated import SimulatedEngine, SimulatedSettings\n"
        "from systems.interface import Request\n"
        "async def run():\n"
        "    system = Asynchronous(AsynchronousSettings(), SimulatedEngine(SimulatedSettings()), Path(sys.argv[1]))\n"
        "    await system.start()\n"
        "    await system.answer(Request(id='1', session='s', text='Hello there', max_tokens=4))\n"
        "    await system.close()\n"
        "asyncio.run(run())\n"
        "print([name for name in sys.modules if 'embedding' in name or name == 'systems.memory.vectors'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
