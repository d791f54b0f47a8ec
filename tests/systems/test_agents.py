"""The agents through their public surface: what they answer, in which order, and what they keep."""

import asyncio

import msgspec
import pytest

from systems.asynchronous.agent import Asynchronous
from systems.asynchronous.settings import everything_off
from systems.baseline.agent import Baseline, BaselineSettings
from systems.engines.scripted import Script, Scripts, scripted
from systems.engines.simulated import SimulatedSettings
from systems.errors import EngineError, SystemClosed
from systems.interface import Request, Source
from systems.objects.agent import Objects
from systems.per_process.agent import PerProcess
from systems.pooled.agent import Pooled
from systems.pooled.settings import everything_off as everything_off_of_pooled
from systems.research.agent import Research
from systems.server.hosting import host
from systems.tiered.agent import Tiered
from systems.tiered.settings import everything_off as everything_off_of_tiered
from tests.systems.conversing import CONVERSATION, Failing, conversed, requests, simulated, stored

EVERY = [Baseline, Asynchronous, Objects, PerProcess, Tiered, Pooled, Research]
# A research agent reads its sources anew: no reply of its own would do for the next asking.
CACHING = EVERY[:-1]


def what_was_said(replies):
    return [
        (reply.text, reply.source, reply.memories, reply.prompt_tokens, reply.generated_tokens) for reply in replies
    ]


@pytest.mark.parametrize(
    ("kind", "off"),
    [(Asynchronous, everything_off), (Tiered, everything_off_of_tiered), (Pooled, everything_off_of_pooled)],
)
async def test_with_every_mechanism_off_it_gives_the_baselines_replies(tmp_path, kind, off):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    asked = requests()
    traditional = await conversed(Baseline(BaselineSettings(), simulated(), tmp_path / "a"), asked)
    shell = await conversed(kind(off(), simulated(), tmp_path / "b"), asked)
    assert what_was_said(shell) == what_was_said(traditional)
    assert stored(tmp_path / "a") == stored(tmp_path / "b")
    # The comparison could fail: memories were found, prompts differed from turn to turn.
    assert any(reply.memories for reply in traditional)
    assert len({reply.text for reply in traditional}) > len(CONVERSATION) // 2


@pytest.mark.parametrize("kind", [Objects, PerProcess])
async def test_the_twins_say_what_the_baseline_says(tmp_path, kind):
    folders = [tmp_path / name for name in ("baseline", "twin")]
    for folder in folders:
        folder.mkdir()
    asked = requests()
    same = {"dictionary": False, "history_length": 10}
    traditional = await conversed(Baseline(BaselineSettings(**same), simulated(), folders[0]), asked)
    twin = await conversed(kind(kind.Settings(**same), simulated(), folders[1]), asked)
    assert what_was_said(twin) == what_was_said(traditional)
    assert stored(folders[1]) == stored(folders[0])
    assert any(reply.memories for reply in traditional)


async def test_on_the_fast_segmenter_the_baseline_gives_the_same_replies(tmp_path):
    folders = [tmp_path / name for name in ("jieba", "rjieba")]
    for folder in folders:
        folder.mkdir()
    asked = requests()
    slow, fast = [
        await conversed(Baseline(BaselineSettings(fast_segmentation=fast), simulated(), folder), asked)
        for fast, folder in zip((False, True), folders, strict=True)
    ]
    assert what_was_said(fast) == what_was_said(slow)
    assert stored(folders[0]) == stored(folders[1])


@pytest.mark.parametrize("kind", EVERY)
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


@pytest.mark.parametrize("kind", EVERY)
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


@pytest.mark.parametrize("kind", CACHING)
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


@pytest.mark.parametrize("kind", EVERY)
async def test_a_changed_conversation_is_not_answered_from_the_cache(tmp_path, kind):
    async with host(kind(kind.Settings(), simulated(), tmp_path)) as running:
        for number in range(3):
            reply = await running.answer(Request(id=str(number), session="s", text="And what now?", max_tokens=4))
            assert reply.source is Source.MODEL


@pytest.mark.parametrize("kind", [Baseline, Asynchronous, Objects, Tiered, Pooled, Research])
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


@pytest.mark.parametrize("kind", EVERY)
async def test_a_closed_system_says_so(tmp_path, kind):
    running = host(kind(kind.Settings(), simulated(), tmp_path))
    await running.start()
    await running.close()
    with pytest.raises(SystemClosed):
        await running.answer(Request(id="1", session="s", text="Hello?"))
