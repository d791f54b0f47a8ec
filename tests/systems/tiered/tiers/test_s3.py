"""Bundles at an address that begins with s3://, on a real server that the test starts."""

import asyncio
import urllib.request

import pytest

from systems.errors import BadInput, StoreError, Unreachable
from systems.interface import talk
from systems.tiered.tiers.objects import opened
from systems.turn.history import Exchange
from tests.systems.tiered.tiers.placing import cold, exchanges, turns

pytest.importorskip("obstore")
ADDRESS = "s3://bundles/of/agents"


@pytest.fixture(scope="module")
def server():
    server = pytest.importorskip("moto.server").ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with urllib.request.urlopen(urllib.request.Request(f"http://{host}:{port}/bundles", method="PUT")):
        pass
    yield host, port
    server.stop()


@pytest.fixture(autouse=True)
def surroundings(monkeypatch, server):
    for name, value in {"ACCESS_KEY_ID": "key", "SECRET_ACCESS_KEY": "secret", "REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://{}:{}".format(*server))


class Proxy:
    """A way to the server whose answers come when they are let."""

    def __init__(self, server):
        self._to = server
        self.answering = asyncio.Event()
        self.answering.set()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._meet, "127.0.0.1", 0)
        self.address = "http://{}:{}".format(*self._server.sockets[0].getsockname())
        return self

    async def __aexit__(self, *_):
        self.answering.set()
        self._server.close()

    async def _meet(self, reading, writing):
        from_server, to_server = await asyncio.open_connection(*self._to)
        await asyncio.gather(self._pass_on(reading, to_server), self._pass_on(from_server, writing, slow=True))

    async def _pass_on(self, reading, writing, *, slow=False):
        while data := await reading.read(65_536):
            if slow:
                await self.answering.wait()
            writing.write(data)
        writing.close()


async def test_a_session_is_frozen_in_a_bucket_and_comes_back(place):
    objects = opened(ADDRESS, place.folder)
    async with place.opened(objects=objects) as tiers:
        await tiers.store.save(turns("anna"))
        await cold(tiers, "anna", talk("anna", "trip"))
        assert await tiers.freeze("anna")
        assert await tiers.store.find("anna", "who asks what", 9) == []
    async with place.opened(objects=objects) as tiers:
        fetched = await tiers.fetch("anna")
        assert (fetched.tier, list(fetched.exchanges)) == ("frozen", exchanges("anna"))
        assert len(await tiers.store.find("anna", "who asks what", 9)) == 3
    assert not (place.folder / "bundles").exists()


async def test_a_bundle_that_is_deleted_can_be_deleted_again_and_not_be_had(place):
    objects = opened(ADDRESS, place.folder)
    await objects.put("some", b"data")
    assert await objects.get("some") == b"data"
    await objects.delete("some")
    await objects.delete("some")
    with pytest.raises(StoreError, match="does not have"):
        await objects.get("some")


async def test_a_turn_does_not_wait_for_a_slow_bucket(place, server, monkeypatch):
    async with Proxy(server) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.address)
        objects = opened(ADDRESS, place.folder, timeout_s=30)
        async with place.opened(objects=objects, patience_s=0.05) as tiers:
            await tiers.store.save(turns("anna"))
            await cold(tiers, "anna")
            assert await tiers.freeze("anna")
            proxy.answering.clear()
            with pytest.raises(Unreachable, match="goes on without"):
                await tiers.fetch("anna")
            tiers.leave_hot("anna", [Exchange("meanwhile", "yes")])
            proxy.answering.set()
            await tiers.wake("anna")
            assert len(await tiers.store.find("anna", "who asks what", 9)) == 3
            assert [each.question for each in (await tiers.fetch("anna")).exchanges] == ["meanwhile"]


async def test_a_bucket_that_never_answers_is_given_up(place, server, monkeypatch):
    async with Proxy(server) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.address)
        objects = opened(ADDRESS, place.folder, timeout_s=0.2)
        proxy.answering.clear()
        async with place.opened(objects=objects) as tiers:
            await tiers.store.save(turns("anna"))
            await cold(tiers, "anna")
            with pytest.raises(Unreachable):
                await tiers.freeze("anna")
            assert (await tiers.fetch("anna")).tier == "cold"


async def test_an_absent_server_and_an_absent_bucket_are_errors_with_a_type(place, monkeypatch):
    with pytest.raises(StoreError):
        await opened("s3://elsewhere/x", place.folder).put("some", b"data")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(Unreachable):
        await opened(ADDRESS, place.folder, timeout_s=5).get("some")


def test_an_address_without_a_bucket_is_refused(place):
    with pytest.raises(BadInput):
        opened("s3://", place.folder)
