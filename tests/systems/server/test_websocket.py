"""The WebSocket server over real sockets: one message schema, everything bounded, hostile clients included."""

import asyncio
import json
import sqlite3
from contextlib import asynccontextmanager, closing

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from systems.asynchronous.agent import Asynchronous
from systems.asynchronous.settings import AsynchronousSettings
from systems.baseline.agent import Baseline, BaselineSettings
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.errors import BadInput, StoreError
from systems.memory.fulltext import FullTextStore
from systems.server import websocket
from systems.server.hosting import host
from systems.server.messages import Token
from systems.server.settings import MAX_FRAME_BYTES, MAX_TEXT
from tests.systems.server.serving import Watched, ask, listening_to, until_the_last


@asynccontextmanager
async def serving(tmp_path, kind=Asynchronous, hosting=None, engine=None, system_settings=None, **server):
    engine = engine or SimulatedEngine(SimulatedSettings(slots=8))
    system = kind(system_settings or kind.Settings(), engine, tmp_path)
    async with listening_to(host(system, hosting), **server) as address:
        yield f"ws://{address}/ws"


@pytest.mark.parametrize(
    ("kind", "hosting"), [(Asynchronous, None), (Baseline, "alone"), (Baseline, "in-loop")], ids=str
)
async def test_tokens_stream_before_the_answer_and_join_to_it(tmp_path, kind, hosting):
    async with serving(tmp_path, kind, hosting) as address, connect(address) as connection:
        await connection.send(ask())
        tokens, answer = await until_the_last(connection)
        assert answer["type"] == "reply"
        assert "".join(tokens) == answer["text"]
        assert answer["source"] == "model"
        assert answer["generated_tokens"] == 4
        assert answer["tokens_per_s"] == pytest.approx(3 / (answer["total_s"] - answer["first_token_s"]))
        await connection.send(ask(id="2", text="And again", stream=False))
        tokens, answer = await until_the_last(connection, "2")
        assert tokens == []
        assert answer["type"] == "reply"


NO_MESSAGES = [
    "",
    "not json",
    "[]",
    "{}",
    '{"type": "ask"}',
    '{"type": "tell", "id": "1"}',
    b"\xff\xfe\x00",
    "[" * 5000,
    ask(id=""),
    ask(text=""),
    ask(text="x" * (MAX_TEXT + 1)),
    ask(max_tokens=0),
    ask(max_tokens=1.5),
    ask(deadline_s=-1),
    ask(version=2),
    ask(surprise=True),
    ask(session=7),
    ask(scripted_reply="Say this"),
    ask(observed={"clock": "12:00", "system": "idle", "emotion": "happy"}),
]


async def test_a_frame_that_is_no_message_gets_a_typed_error_and_the_connection_lives(tmp_path):
    async with serving(tmp_path) as address, connect(address) as connection:
        for number, frame in enumerate(NO_MESSAGES):
            await connection.send(frame)
            _, error = await until_the_last(connection)
            assert (error["type"], error["kind"]) == ("error", "BadMessage"), frame
            assert "Traceback" not in error["message"]
            await connection.send(ask(id=f"after {number}"))
            _, reply = await until_the_last(connection, f"after {number}")
            assert reply["type"] == "reply"


async def test_half_a_character_is_a_typed_error(tmp_path):
    async with serving(tmp_path) as address, connect(address) as connection:
        await connection.send(r'{"type": "ask", "id": "1", "session": "s", "text": "half \ud800", "max_tokens": 4}')
        _, error = await until_the_last(connection)
        assert error["type"] == "error"
        await connection.send(ask())
        _, answer = await until_the_last(connection)
        assert answer["type"] == "reply"


async def test_an_oversize_frame_closes_only_its_own_connection(tmp_path):
    async with serving(tmp_path) as address, connect(address) as good, connect(address) as bad:
        with pytest.raises(ConnectionClosed):
            await bad.send("x" * (MAX_FRAME_BYTES + 1))
            await bad.recv()
        await good.send(ask())
        _, answer = await until_the_last(good)
        assert answer["type"] == "reply"


async def test_a_web_page_from_elsewhere_may_not_connect(tmp_path):
    async with serving(tmp_path, origins=("http://friend.example",)) as address:
        with pytest.raises(InvalidStatus):
            await connect(address, origin="http://evil.example")
        async with connect(address, origin="http://friend.example") as connection:
            await connection.send(ask())
            _, answer = await until_the_last(connection)
            assert answer["type"] == "reply"


async def test_connections_beyond_the_limit_are_told_to_come_back(tmp_path):
    async with serving(tmp_path, connections=1) as address, connect(address) as first:
        async with connect(address) as second:
            with pytest.raises(ConnectionClosed) as caught:
                await second.recv()
            assert caught.value.rcvd.code == 1013
        await first.send(ask())
        _, answer = await until_the_last(first)
        assert answer["type"] == "reply"


async def test_a_connection_has_a_bounded_number_of_unanswered_asks(tmp_path):
    slow = SimulatedEngine(SimulatedSettings(first_token_s=0.3, slots=8))
    async with serving(tmp_path, engine=slow, asks_per_connection=2) as address, connect(address) as connection:
        for number in range(3):
            await connection.send(ask(id=str(number), session=str(number), stream=False))
        first = json.loads(await connection.recv())
        assert (first["type"], first["id"]) == ("error", "2")
        assert sorted([json.loads(await connection.recv())["id"] for _ in range(2)]) == ["0", "1"]


async def test_a_refusal_says_when_to_come_back(tmp_path):
    slow = SimulatedEngine(SimulatedSettings(first_token_s=0.2))
    settings = AsynchronousSettings(queue_limit=0)
    async with serving(tmp_path, engine=slow, system_settings=settings) as address, connect(address) as connection:
        await connection.send(ask(id="0", session="a", stream=False))
        await connection.send(ask(id="1", session="b", stream=False))
        refusal = json.loads(await connection.recv())
        assert (refusal["type"], refusal["id"]) == ("refusal", "1")
        assert refusal["retry_after_s"] > 0


async def test_a_deadline_and_an_engines_failure_are_typed_errors(tmp_path):
    slow = SimulatedEngine(SimulatedSettings(first_token_s=0.2))
    async with serving(tmp_path, engine=slow) as address, connect(address) as connection:
        await connection.send(ask(deadline_s=0.01))
        _, error = await until_the_last(connection)
        assert (error["type"], error["kind"]) == ("error", "DeadlineExceeded")


async def test_a_defect_reaches_the_client_without_its_details(tmp_path):
    class Broken(SimulatedEngine):
        def generate(self, *args, **kwargs):
            raise ZeroDivisionError("secret detail")

    async with (
        serving(tmp_path, engine=Broken(SimulatedSettings())) as address,
        connect(address) as connection,
    ):
        await connection.send(ask())
        _, error = await until_the_last(connection)
        assert error["kind"] == "InternalError"
        assert "secret" not in error["message"]


async def test_a_client_that_leaves_in_the_middle_disturbs_nobody(tmp_path):
    slow = SimulatedEngine(SimulatedSettings(token_s=0.02))
    async with serving(tmp_path, engine=slow) as address:
        async with connect(address) as leaving:
            await leaving.send(ask(max_tokens=50))
            await leaving.recv()
        async with connect(address) as staying:
            await staying.send(ask(id="2", session="t"))
            _, answer = await until_the_last(staying, "2")
            assert answer["type"] == "reply"


async def test_a_client_that_leaves_stops_its_generation_within_a_token(tmp_path):
    said = 0

    class Counting(SimulatedEngine):
        def generate(self, call):
            def counted(token):
                nonlocal said
                said += 1
                if call.on_token is not None:
                    call.on_token(token)

            return super().generate(msgspec.structs.replace(call, on_token=counted))

    engine = Counting(SimulatedSettings(token_s=0.01))
    async with serving(tmp_path, engine=engine) as address:
        async with connect(address) as leaving:
            await leaving.send(ask(max_tokens=4000))
            await leaving.recv()
        # The engine serves one at a time: this answer waits for the other generation's end.
        async with connect(address) as staying:
            await staying.send(ask(id="2", session="t"))
            _, answer = await until_the_last(staying, "2")
            assert answer["type"] == "reply"
    assert said < 1000


async def test_what_a_reply_was_made_without_is_in_the_answer(tmp_path, monkeypatch):
    def find(*_):
        raise StoreError("malformed")

    monkeypatch.setattr(FullTextStore, "find", find)
    async with serving(tmp_path) as address, connect(address) as connection:
        await connection.send(ask())
        _, answer = await until_the_last(connection)
    assert answer["degraded"] == [{"step": "memory lookup", "to": "no memories", "error": "StoreError"}]


async def test_cached_shared_and_command_answers_stream_as_they_say(tmp_path):
    settings = AsynchronousSettings(history_length=0, memories=0)
    engine = SimulatedEngine(SimulatedSettings(token_s=0.01))
    async with (
        serving(tmp_path, engine=engine, system_settings=settings) as address,
        connect(address) as first,
        connect(address) as second,
    ):
        await first.send(ask())
        await first.recv()
        await second.send(ask())  # joins the turn under way
        tokens, shared = await until_the_last(second)
        assert (shared["source"], "".join(tokens)) == ("cache", shared["text"])
        await until_the_last(first)
        await first.send(ask(id="2"))
        tokens, cached = await until_the_last(first, "2")
        assert (cached["source"], "".join(tokens)) == ("cache", shared["text"])
        await first.send(ask(id="3", text="/help"))
        tokens, command = await until_the_last(first, "3")
        assert (command["source"], tokens, command["first_token_s"]) == ("command", [], None)
        assert command["tokens_per_s"] is None


async def test_hosted_alone_a_blocking_system_does_not_stall_the_connection(tmp_path):
    slow = SimulatedEngine(SimulatedSettings(first_token_s=0.3))
    async with serving(tmp_path, Baseline, "alone", engine=slow) as address, connect(address) as connection:
        await connection.send(ask(stream=False))
        # The pong arrives while the turn is still being computed.
        await asyncio.wait_for(await connection.ping(), 20)
        assert json.loads(await connection.recv())["type"] == "reply"


def test_any_frames_are_survived(tmp_path):
    with asyncio.Runner() as runner:
        server = serving(tmp_path)
        address = runner.run(server.__aenter__())

        async def send(frames):
            async with connect(address) as connection:
                for frame in frames:
                    await connection.send(frame)
                    assert json.loads(await connection.recv())["type"] == "error"
                await connection.send(ask())
                _, reply = await until_the_last(connection)
                assert reply["type"] == "reply"

        @settings(deadline=None, max_examples=20)
        @given(frames=st.lists(st.one_of(st.text(max_size=200), st.binary(max_size=200)), min_size=1, max_size=5))
        def survives(frames):
            runner.run(send(frames))

        survives()
        runner.run(server.__aexit__(None, None, None))


def test_something_that_is_no_system_cannot_be_hosted():
    with pytest.raises(BadInput):
        host(object())


def test_settings_refuse_what_they_do_not_know():
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"history": 3}, BaselineSettings)


async def test_a_ping_gets_a_pong(tmp_path):
    async with serving(tmp_path) as address, connect(address) as connection:
        await connection.send('{"type": "ping", "id": "7"}')
        assert json.loads(await connection.recv()) == {"type": "pong", "id": "7"}


async def test_pieces_that_wait_together_are_sent_together(tmp_path):
    engine = Watched(SimulatedSettings(), held=True)
    async with serving(tmp_path, engine=engine) as address, connect(address) as connection:
        await connection.send(ask(max_tokens=200))
        await engine.begun()
        engine.let_go.set()
        engine.ended.wait(60)  # it is the loop that waits here, so nothing is sent meanwhile
        tokens, reply = await until_the_last(connection)
    assert "".join(tokens) == reply["text"]
    assert len(tokens) < reply["generated_tokens"] == 200


async def hello(connection, token):
    await connection.send(json.dumps({"type": "hello", "token": token}))


async def test_a_token_is_shown_in_a_header_or_in_the_first_message(tmp_path):
    async with serving(tmp_path, tokens=("first secret",), patience_s=0.3) as address:
        async with connect(address, additional_headers={"Authorization": "Bearer first secret"}) as connection:
            await connection.send(ask())
            assert (await until_the_last(connection))[1]["type"] == "reply"
        async with connect(address) as connection:
            await hello(connection, "first secret")
            await connection.send(ask(id="2"))
            assert (await until_the_last(connection, "2"))[1]["type"] == "reply"
        with pytest.raises(InvalidStatus, match="401"):
            await connect(address, additional_headers={"Authorization": "Bearer wrong"})
        for first in (ask(), "nonsense", '{"type": "hello", "token": "wrong"}', None):
            async with connect(address) as connection:
                if first is not None:
                    await connection.send(first)
                with pytest.raises(ConnectionClosed) as caught:
                    await connection.recv()
                assert caught.value.rcvd.code == 1008


async def test_a_session_belongs_to_its_token(tmp_path):
    async with serving(tmp_path, tokens=("one", "two")) as address:

        async def prompt_tokens(token):
            async with connect(address) as connection:
                await hello(connection, token)
                await connection.send(ask())
                return (await until_the_last(connection))[1]["prompt_tokens"]

        anew = await prompt_tokens("one")
        assert await prompt_tokens("two") == anew
        assert await prompt_tokens("two") > anew


def cancel(ask_id="1", **more):
    return json.dumps({"type": "cancel", "id": ask_id, **more})


async def test_an_ask_is_cancelled_and_its_generation_stops(tmp_path):
    slow = Watched(SimulatedSettings(token_s=0.02))
    async with serving(tmp_path, engine=slow) as address, connect(address) as connection:
        await connection.send(cancel("nothing that was asked"))
        await connection.send(ask(max_tokens=4000))
        assert json.loads(await connection.recv())["type"] == "token"
        await connection.send(cancel())
        await connection.send(cancel())
        _, last = await until_the_last(connection)
        assert last == {"type": "stopped", "id": "1", "kept": False}
        assert await asyncio.to_thread(slow.ended.wait, 20)
        await connection.send(ask(text="Another"))
        _, reply = await until_the_last(connection)
        assert reply["type"] == "reply"
        await connection.send(cancel())
        await connection.send(json.dumps({"type": "ping", "id": "after"}))
        assert json.loads(await connection.recv())["type"] == "pong"


async def test_what_was_said_until_it_was_stopped_is_kept_where_that_is_asked(tmp_path):
    engine = Watched(SimulatedSettings(token_s=0.02))
    async with serving(tmp_path, engine=engine) as address, connect(address) as connection:
        await connection.send(ask(max_tokens=4000, conversation="one"))
        said = [json.loads(await connection.recv())["text"]]
        await connection.send(cancel(keep=True))
        tokens, last = await until_the_last(connection)
        assert last == {"type": "stopped", "id": "1", "kept": True}
        await connection.send(ask(text="And?", conversation="one"))
        await until_the_last(connection)
    with closing(sqlite3.connect(tmp_path / "memory.sqlite")) as connection:
        answers = connection.execute("SELECT answer FROM memories WHERE conversation = 'one' ORDER BY id").fetchall()
    assert answers[0] == ("".join([*said, *tokens]),)
    assert len(answers) == 2


@pytest.mark.parametrize("kind", [Asynchronous, Baseline])
async def test_where_nothing_can_be_kept_of_what_was_stopped_it_says_so(tmp_path, kind, monkeypatch):
    async def full(*_):
        raise StoreError("The disk is full.")

    monkeypatch.setattr(FullTextStore, "save", full)
    engine = Watched(SimulatedSettings(token_s=0.02))
    settings = AsynchronousSettings(background_saving=False, retries=False) if kind is Asynchronous else None
    served = serving(tmp_path, kind, engine=engine, system_settings=settings)
    async with served as address, connect(address) as connection:
        await connection.send(ask(max_tokens=100))
        await connection.recv()
        await connection.send(cancel(keep=True))
        _, last = await until_the_last(connection)
        assert last == {"type": "stopped", "id": "1", "kept": False}


async def test_a_reply_that_was_whole_when_it_was_stopped_is_kept_once(tmp_path, monkeypatch):
    """A client that reads slowly stops what the agent has long ended."""
    sending, may_send, real = asyncio.Event(), asyncio.Event(), websocket._Connection._send

    async def slow(self, message):
        if isinstance(message, Token):
            sending.set()
            await may_send.wait()
        await real(self, message)

    monkeypatch.setattr(websocket._Connection, "_send", slow)
    agent = Asynchronous(AsynchronousSettings(), SimulatedEngine(SimulatedSettings()), tmp_path)
    async with listening_to(host(agent)) as address, connect(f"ws://{address}/ws") as connection:
        await connection.send(ask(conversation="one"))
        await sending.wait()
        while not agent.counters().turns:  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0)
        await connection.send(cancel(keep=True))
        await connection.send(json.dumps({"type": "ping", "id": "read"}))
        while json.loads(await connection.recv())["type"] != "pong":  # the stop was read before it
            pass
        may_send.set()
        _, last = await until_the_last(connection)
        assert last == {"type": "stopped", "id": "1", "kept": True}
    with closing(sqlite3.connect(tmp_path / "memory.sqlite")) as connection:
        assert connection.execute("SELECT count(*) FROM memories").fetchone() == (1,)


async def test_an_ask_that_has_not_begun_is_cancelled_too(tmp_path):
    held = Watched(SimulatedSettings(slots=1), held=True)
    async with serving(tmp_path, engine=held) as address, connect(address) as connection:
        await connection.send(ask())
        await held.begun()
        await connection.send(ask(id="2", session="another"))
        await connection.send(cancel("2", keep=True))
        assert json.loads(await connection.recv()) == {"type": "stopped", "id": "2", "kept": False}
        held.let_go.set()
        _, reply = await until_the_last(connection)
        assert reply["type"] == "reply"


async def test_the_turns_under_way_are_finished_when_the_server_stops(tmp_path):
    slow = Watched(SimulatedSettings(first_token_s=0.3))
    async with serving(tmp_path, engine=slow) as address:
        connection = await connect(address)
        await connection.send(ask(stream=False))
        await slow.begun()
    assert json.loads(await connection.recv())["type"] == "reply"
    with pytest.raises(ConnectionClosed) as caught:
        await connection.recv()
    assert caught.value.rcvd.code == 1012


async def test_a_turn_that_takes_too_long_does_not_hold_up_the_stop(tmp_path):
    slow = SimulatedEngine(SimulatedSettings(token_s=0.05))
    async with serving(tmp_path, engine=slow, grace_s=0.1) as address:
        connection = await connect(address)
        await connection.send(ask(max_tokens=4000))
        await connection.recv()
    with pytest.raises(ConnectionClosed):
        while True:
            await connection.recv()
