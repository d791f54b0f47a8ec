"""The two agents through their public surface: what they answer, in which order, and what they keep."""

import asyncio
import sqlite3
from contextlib import closing

import msgspec
import pytest

from systems.asynchronous.agent import Asynchronous
from systems.asynchronous.settings import MECHANISMS, AsynchronousSettings, everything_off
from systems.baseline.agent import Baseline, BaselineSettings
from systems.engines.scripted import Script, Scripts, scripted
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.errors import BadInput, DeadlineExceeded, EngineError, Refused, SystemClosed
from systems.interface import Observed, Request, Source
from systems.memory.keywords import Keywords
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


def what_was_said(replies):
    return [
        (reply.text, reply.source, reply.memories, reply.prompt_tokens, reply.generated_tokens) for reply in replies
    ]


def stored(folder):
    with closing(sqlite3.connect(folder / "memory.sqlite")) as connection:
        return connection.execute("SELECT session, question, answer FROM memories ORDER BY id").fetchall()


async def test_with_every_mechanism_off_it_gives_the_baselines_replies(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    asked = requests()
    traditional = await conversed(Baseline(BaselineSettings(), simulated(), tmp_path / "a"), asked)
    shell = await conversed(Asynchronous(everything_off(), simulated(), tmp_path / "b"), asked)
    assert what_was_said(shell) == what_was_said(traditional)
    assert stored(tmp_path / "a") == stored(tmp_path / "b")
    # The comparison could fail: memories were found, prompts differed from turn to turn.
    assert any(reply.memories for reply in traditional)
    assert len({reply.text for reply in traditional}) > len(CONVERSATION) // 2


@pytest.mark.parametrize("mechanism", [*MECHANISMS, "warm_up"])
async def test_each_mechanism_works_alone(tmp_path, mechanism):
    settings = msgspec.structs.replace(everything_off(), **{mechanism: True})
    replies = await conversed(Asynchronous(settings, simulated(), tmp_path), requests())
    commands = sum(text.startswith("/") for _, text in CONVERSATION)
    assert [reply.request_id for reply in replies] == [str(number) for number in range(len(CONVERSATION))]
    assert len(stored(tmp_path)) == len(CONVERSATION) - commands


@pytest.mark.parametrize("mechanism", MECHANISMS)
async def test_each_mechanism_can_be_left_out(tmp_path, mechanism):
    settings = AsynchronousSettings(**{mechanism: False})
    replies = await conversed(Asynchronous(settings, simulated(), tmp_path), requests())
    assert all(reply.text for reply in replies)


@pytest.mark.parametrize("kind", [Baseline, Asynchronous])
async def test_a_scripted_reply_is_what_is_answered_and_remembered(tmp_path, kind):
    request = Request(id="1", session="s", text="Where does Vera live?")
    engine = scripted(simulated(), Scripts([Script("s", request.text, ("Vera lives in Lisbon .",))]))
    pieces = []
    async with host(kind(kind.Settings(), engine, tmp_path)) as running:
        reply = await running.answer(request, pieces.append)
        await asyncio.sleep(0)
    assert reply.text == "Vera lives in Lisbon ." == "".join(pieces)
    assert reply.source is Source.MODEL
    assert reply.generated_tokens > 0
    assert 0 <= reply.first_token_s <= reply.total_s
    assert stored(tmp_path) == [("s", "Where does Vera live?", "Vera lives in Lisbon .")]


@pytest.mark.parametrize("kind", [Baseline, Asynchronous])
async def test_whatever_is_said_is_a_turn_that_is_kept_as_it_was_said(tmp_path, kind):
    said = [
        "",
        "\0",
        "' OR 1=1; DROP TABLE memories; --",
        "😀",
        "лисбон 里斯本 لشبونة",
        "bees " * 200_000,
        "蜜蜂" * 200_000,
    ]
    asked = [Request(id=str(number), session="s", text=text, max_tokens=4) for number, text in enumerate(said)]
    replies = await conversed(kind(kind.Settings(), simulated(), tmp_path), asked)
    assert all(reply.source is Source.MODEL and not reply.degraded for reply in replies)
    assert [question for _, question, _ in stored(tmp_path)] == said


@pytest.mark.parametrize("kind", [Baseline, Asynchronous])
async def test_the_same_question_in_the_same_context_is_served_from_the_cache(tmp_path, kind):
    # Without history and memories nothing distinguishes the second asking from the first.
    settings = kind.Settings(history_length=0, memories=0)
    async with host(kind(settings, simulated(), tmp_path)) as running:
        request = Request(id="1", session="s", text="How many bees?", max_tokens=4)
        first = await running.answer(request)
        again = await running.answer(msgspec.structs.replace(request, id="2"))
        other = await running.answer(msgspec.structs.replace(request, id="3", session="t"))
        counters = running.counters()
    assert (first.source, again.source, other.source) == (Source.MODEL, Source.CACHE, Source.MODEL)
    assert (again.text, again.generated_tokens, again.request_id) == (first.text, 0, "2")
    assert (counters.cache_hits, counters.cache_misses, counters.generations) == (1, 2, 2)


@pytest.mark.parametrize("kind", [Baseline, Asynchronous])
async def test_a_changed_conversation_is_not_answered_from_the_cache(tmp_path, kind):
    async with host(kind(kind.Settings(), simulated(), tmp_path)) as running:
        for number in range(3):
            reply = await running.answer(Request(id=str(number), session="s", text="And what now?", max_tokens=4))
            assert reply.source is Source.MODEL


async def test_the_published_cache_serves_the_question_whatever_was_said_since(tmp_path):
    settings = BaselineSettings(cache_key="question")
    async with host(Baseline(settings, simulated(), tmp_path)) as running:
        replies = [
            await running.answer(Request(id=str(number), session="s", text="And what now?", max_tokens=4))
            for number in range(2)
        ]
    assert replies[1].source is Source.CACHE


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


@pytest.mark.parametrize("kind", [Baseline, Asynchronous])
async def test_an_engines_failure_is_an_exception_and_the_next_turn_works(tmp_path, kind):
    engine = Failing(SimulatedSettings())
    async with host(kind(kind.Settings(), engine, tmp_path)) as running:
        await running.answer(Request(id="0", session="s", text="Hello there, Vera", max_tokens=2))
        engine.broken = True
        with pytest.raises(EngineError, match="fell over"):
            await running.answer(Request(id="1", session="s", text="Are you well, Vera?", max_tokens=2))
        engine.broken = False
        reply = await running.answer(Request(id="2", session="s", text="Are you well, Vera?", max_tokens=2))
        assert reply.source is Source.MODEL
        assert running.counters().turns == 2


@pytest.mark.parametrize("kind", [Baseline, Asynchronous])
async def test_a_closed_system_says_so(tmp_path, kind):
    running = host(kind(kind.Settings(), simulated(), tmp_path))
    await running.start()
    await running.close()
    with pytest.raises(SystemClosed):
        await running.answer(Request(id="1", session="s", text="Hello?"))


async def test_lazy_loading_loads_nothing_before_the_first_turn_and_once_for_many(tmp_path):
    engine = Failing(SimulatedSettings(slots=8))
    system = Asynchronous(AsynchronousSettings(), engine, tmp_path)
    await system.start()
    assert engine.loads == 0
    asked = [Request(id=str(n), session=f"s{n}", text=f"Hello number {n}", max_tokens=2) for n in range(20)]
    replies = await asyncio.gather(*(system.answer(request) for request in asked))
    assert engine.loads == 1
    assert len(replies) == 20
    await system.close()


async def test_warm_up_loads_without_being_asked_and_its_failure_waits_for_the_first_turn(tmp_path):
    engine = Failing(SimulatedSettings())
    engine.broken = True
    system = Asynchronous(AsynchronousSettings(warm_up=True), engine, tmp_path)
    await system.start()
    with pytest.raises(EngineError, match="will not load"):
        await system.answer(Request(id="1", session="s", text="Hello there", max_tokens=2))
    engine.broken = False
    assert (await system.answer(Request(id="2", session="s", text="Hello there", max_tokens=2))).text
    await system.close()


async def test_the_same_question_asked_twice_at_once_is_generated_once(tmp_path):
    system = Asynchronous(AsynchronousSettings(), simulated(token_s=0.01), tmp_path)
    await system.start()
    asked = [Request(id=str(n), session="s", text="How are the bees?", max_tokens=4) for n in range(3)]
    replies = await asyncio.gather(*(system.answer(request) for request in asked))
    counters = system.counters()
    await system.close()
    assert [reply.request_id for reply in replies] == ["0", "1", "2"]
    assert len({reply.text for reply in replies}) == 1
    assert sorted(reply.source for reply in replies) == [Source.CACHE, Source.CACHE, Source.MODEL]
    assert (counters.generations, counters.coalesced, counters.turns) == (1, 2, 3)
    # Each of them was acknowledged, so each of them is saved.
    assert len(stored(tmp_path)) == 3


async def test_turns_of_one_session_stay_in_order(tmp_path):
    system = Asynchronous(AsynchronousSettings(), simulated(slots=8, token_s=0.001, jitter=1.0), tmp_path)
    await system.start()
    asked = [Request(id=str(n), session="s", text=f"Question number {n} for Vera", max_tokens=4) for n in range(8)]
    await asyncio.gather(*(system.answer(request) for request in asked))
    await system.close()
    assert [question for _, question, _ in stored(tmp_path)] == [request.text for request in asked]


async def test_a_full_queue_refuses_with_a_time_to_come_back(tmp_path):
    settings = AsynchronousSettings(queue_limit=2)
    system = Asynchronous(settings, simulated(token_s=0.005), tmp_path)
    await system.start()
    asked = [Request(id=str(n), session=f"s{n}", text=f"Question {n}", max_tokens=4) for n in range(6)]
    answers = await asyncio.gather(*(system.answer(request) for request in asked), return_exceptions=True)
    counters = system.counters()
    await system.close()
    refused = [answer for answer in answers if isinstance(answer, Refused)]
    assert len(refused) == 3
    assert all(answer.retry_after_s > 0 for answer in refused)
    assert counters.refused == 3
    assert len(stored(tmp_path)) == 3


async def test_a_deadline_ends_the_wait_with_a_type(tmp_path):
    system = Asynchronous(AsynchronousSettings(), simulated(first_token_s=0.2), tmp_path)
    await system.start()
    with pytest.raises(DeadlineExceeded):
        await system.answer(Request(id="1", session="s", text="Hurry up, Vera", deadline_s=0.01))
    assert system.counters().deadline_exceeded == 1
    await system.close()


async def test_closing_waits_for_turns_under_way_and_saves_them(tmp_path):
    system = Asynchronous(AsynchronousSettings(), simulated(first_token_s=0.05), tmp_path)
    await system.start()
    turn = asyncio.create_task(system.answer(Request(id="1", session="s", text="Hello Vera", max_tokens=2)))
    await asyncio.sleep(0)
    await system.close()
    reply = await turn
    assert stored(tmp_path) == [("s", "Hello Vera", reply.text)]


async def test_a_failed_warm_up_of_any_kind_does_not_keep_turns_from_being_saved(tmp_path, monkeypatch):
    attempts = 0
    loaded = Keywords.load

    def load(self):
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise PermissionError("the dictionary's folder")
        loaded(self)

    monkeypatch.setattr(Keywords, "load", load)
    system = Asynchronous(AsynchronousSettings(warm_up=True), simulated(), tmp_path)
    await system.start()
    await asyncio.sleep(0.05)
    await system.answer(Request(id="1", session="s", text="Hello Vera", max_tokens=2))
    await system.close()
    await system.close()
    assert len(stored(tmp_path)) == 1


async def test_a_cancelled_close_still_saves(tmp_path):
    system = Asynchronous(AsynchronousSettings(), simulated(), tmp_path)
    await system.start()
    for number in range(5):
        await system.answer(Request(id=str(number), session=f"s{number}", text="Hello Vera", max_tokens=2))
    closing = asyncio.create_task(system.close())
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.wait([closing])
    await system.close()
    assert len(stored(tmp_path)) == 5


def test_half_a_character_is_refused_before_anything_is_done():
    with pytest.raises(BadInput, match="lone surrogate"):
        Request(id="1", session="s", text="broken \ud800")


async def test_an_abandoned_generation_stops(tmp_path):
    engine = simulated(token_s=0.01)
    system = Asynchronous(AsynchronousSettings(), engine, tmp_path)
    await system.start()
    first = asyncio.Event()
    loop = asyncio.get_running_loop()
    seen = []

    def on_token(token):
        seen.append(token)
        loop.call_soon_threadsafe(first.set)

    turn = asyncio.create_task(
        system.answer(Request(id="1", session="s", text="A very long story", max_tokens=4000), on_token)
    )
    await first.wait()
    turn.cancel()
    await asyncio.wait([turn])
    # The next turn is not held up by the four thousand tokens nobody wants.
    await system.answer(Request(id="2", session="t", text="A short one", max_tokens=1))
    await system.close()
    assert len(seen) < 1000


@pytest.mark.parametrize("hosting", ["alone", "in-loop"])
async def test_a_blocking_systems_late_reply_is_no_reply(tmp_path, hosting):
    async with host(Baseline(BaselineSettings(), simulated(first_token_s=0.05), tmp_path), hosting) as running:
        with pytest.raises(DeadlineExceeded):
            await running.answer(Request(id="1", session="s", text="Hurry", deadline_s=0.01, max_tokens=2))
        assert (await running.answer(Request(id="2", session="s", text="Slowly", deadline_s=60, max_tokens=2))).text
