"""The batched engine says what the serial one says, whoever else is served, and survives its callers."""

from __future__ import annotations

import ast
import asyncio
import gc
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from systems.asynchronous.agent import Asynchronous
from systems.asynchronous.settings import AsynchronousSettings
from systems.engines.batched.context import Context, Model, Piece
from systems.engines.batched.decoder import Decoder
from systems.engines.batched.engine import BatchedEngine
from systems.engines.batched.jobs import Job, Spoken
from systems.engines.batched.schedule import place, shares
from systems.engines.batched.settings import BatchedSettings
from systems.engines.batched.slots import Slots
from systems.engines.batched.states import State, States
from systems.engines.interface import Message, Sampling
from systems.engines.llama import LlamaEngine, LlamaSettings
from systems.engines.llama_text import LlamaText
from systems.errors import Abandoned, EngineBusy, EngineError, ModelError, PromptTooLong
from systems.interface import Request
from systems.server.hosting import host

SYSTEM = Message("system", "You are a helpful assistant that runs on the user's own small computer. " * 3)

# Largest difference of two logits computed in different company: activations are rounded to eight bits, and sums taken
# in another order fall on other sides of the rounding. The tiny model's logits have a standard deviation of 0.16; one
# other token among the last fifty moves some of them by 0.03 or more.
TOLERANCE = 0.01


def talk(user: int, turn: int) -> Message:
    return Message("user", f"I am user {user} and this is my question {turn * 7}: what is {user * turn}?")


def reply(user: int, turn: int) -> str:
    return f"Dear user {user}, the answer to question {turn} is not known to me. 不知道 🎉"


@pytest.fixture
def make(tiny_model: Path) -> Iterator[Callable[..., BatchedEngine]]:
    made = []

    def new(**chosen: Any) -> BatchedEngine:
        chosen = {"slots": 4, "context_tokens": 512, "threads": 1, **chosen}
        engine = BatchedEngine(BatchedSettings(model_path=str(tiny_model), **chosen))
        engine.load()
        made.append(engine)
        return engine

    yield new
    for engine in made:
        engine.close()


@pytest.fixture(scope="module")
def serial(tiny_model: Path) -> Iterator[LlamaEngine]:
    engine = LlamaEngine(LlamaSettings(model_path=str(tiny_model), context_tokens=512, threads=1))
    engine.load()
    yield engine
    engine.close()


@pytest.fixture
def expected(serial: LlamaEngine, monkeypatch: pytest.MonkeyPatch) -> Callable[..., np.ndarray]:
    """Return the serial engine's logits, a row a token of the forced reply."""

    def logits(messages: list[Message], forced: str) -> np.ndarray:
        rows: list[np.ndarray] = []
        sample = serial._sample

        def spy(sampler: Any) -> int:
            llama = serial._llama
            rows.append(np.ctypeslib.as_array(llama._ctx.get_logits(), (llama.n_vocab(),)).copy())
            return sample(sampler)

        with monkeypatch.context() as patch:
            patch.setattr(serial, "_sample", spy)
            serial.generate(messages, max_tokens=64, forced_reply=forced)
        return np.array(rows)

    return logits


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str | None, int], list[np.ndarray]]:
    """Collect the batched engine's logits by conversation and length of the prompt."""
    rows: dict[tuple[str | None, int], list[np.ndarray]] = {}
    chosen = Decoder._chosen

    def spy(self: Decoder, number: int, where: int) -> int:
        job = self._slots[number].job
        assert job is not None
        rows.setdefault((job.conversation, len(job.prompt)), []).append(self._context.logits(where).copy())
        return chosen(self, number, where)

    monkeypatch.setattr(Decoder, "_chosen", spy)
    return rows


def agree(ours: np.ndarray, theirs: np.ndarray) -> None:
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() < TOLERANCE
    best = np.sort(theirs, axis=1)
    clear = best[:, -1] - best[:, -2] > 2 * TOLERANCE
    assert (ours.argmax(axis=1) == theirs.argmax(axis=1))[clear].all()


@pytest.mark.parametrize(
    ("chosen", "happens"),
    [
        pytest.param({"slots": 1}, "saved_states", id="one at a time"),
        pytest.param({"slots": 4, "chunk_tokens": 16}, "prefixes", id="four at a time, prompts in chunks"),
        pytest.param({"slots": 16}, "reused_tokens", id="all at once"),
        pytest.param({"slots": 2, "memory_bytes": 420_000}, "dropped_states", id="states dropped"),
        pytest.param({"slots": 2, "memory_bytes": 420_000, "disk_bytes": 10**8}, "spilled_states", id="states on disk"),
    ],
)
def test_every_logit_is_the_serial_engines_whoever_else_is_served(
    make, expected, recorded, monkeypatch, chosen, happens
):
    # The tiny model computes faster than any disk reads; a real one does not.
    monkeypatch.setattr("systems.engines.batched.states._DISK_BYTES_PER_S", 1e12)
    engine = make(**chosen)
    said: dict[int, list[Message]] = {user: [SYSTEM] for user in range(7)}

    def converse(user: int) -> None:
        for turn in range(3):
            said[user].append(talk(user, turn))
            found = engine.generate(
                said[user], max_tokens=64, forced_reply=reply(user, turn), conversation=f"user {user}"
            )
            assert found.text == reply(user, turn)
            said[user].append(Message("assistant", found.text))

    with ThreadPoolExecutor(7) as threads:
        list(threads.map(converse, said))
    assert getattr(engine.counters(), happens) > 0
    for user, messages in said.items():
        ours = [
            np.array(rows)
            for (whose, _), rows in sorted(recorded.items(), key=lambda item: item[0][1])
            if whose == f"user {user}"
        ]
        for turn in range(3):
            agree(ours[turn], expected(messages[: 2 + 2 * turn], reply(user, turn)))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_schedule_of_joins_cuts_saves_and_restores_leaves_the_logits_alone(two_contexts, data):
    context, reference = two_contexts
    held: list[list[int]] = [[] for _ in range(context.sequences)]
    for sequence in range(context.sequences):
        context.clear(sequence)
    states: list[tuple[list[int], np.ndarray]] = []
    for _ in range(data.draw(st.integers(2, 8))):
        action = data.draw(st.sampled_from(["decode", "decode", "cut", "save", "restore", "clear"]))
        sequence = data.draw(st.integers(0, context.sequences - 1))
        if action == "decode":
            pieces = [
                Piece(number, data.draw(st.lists(st.integers(10, 4000), min_size=1, max_size=20)), last=True)
                for number in data.draw(st.sets(st.integers(0, context.sequences - 1), min_size=1))
            ]
            places = context.decode(pieces)
            for piece in pieces:
                held[piece.sequence] += piece.tokens
                reference.clear(0)
                reference.decode([Piece(0, held[piece.sequence], last=True)])
                row = context.logits(places[piece.sequence])
                assert np.abs(row - reference.logits(len(held[piece.sequence]) - 1)).max() < TOLERANCE
        elif action == "cut" and held[sequence]:
            length = data.draw(st.integers(0, len(held[sequence])))
            assert context.cut(sequence, length) == length
            del held[sequence][length:]
        elif action == "save" and held[sequence]:
            states.append((list(held[sequence]), context.save(sequence)))
        elif action == "restore" and states:
            tokens, state = data.draw(st.sampled_from(states))
            context.restore(sequence, state, len(tokens))
            held[sequence] = list(tokens)
        elif action == "clear":
            context.clear(sequence)
            held[sequence] = []
        assert [context.held(number) for number in range(context.sequences)] == [len(tokens) for tokens in held]


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> Iterator[Model]:
    model = Model(tiny_model, use_mmap=True, repack=True)
    yield model
    model.close()


@pytest.fixture(scope="module")
def two_contexts(model: Model) -> Iterator[tuple[Context, Context]]:
    many = Context(model, sequences=3, length=256, batch=128, threads=1, key_value_type="f16", flash_attention=True)
    one = Context(model, sequences=1, length=256, batch=256, threads=1, key_value_type="f16", flash_attention=True)
    yield many, one
    many.close()
    one.close()


def test_what_would_abort_the_process_is_refused(two_contexts):
    context, _ = two_contexts
    context.clear(0)
    for wrong in (
        [Piece(3, [5], True)],
        [Piece(-1, [5], True)],
        [Piece(0, [], True)],
        [Piece(0, [5] * 129, True)],
        [Piece(0, [5] * 100, True), Piece(1, [5] * 100, True)],
        [Piece(0, [4096], True)],
        [Piece(0, [-1], True)],
    ):
        with pytest.raises(EngineError):
            context.decode(wrong)
    context.decode([Piece(0, [5, 6, 7], True)])
    state = context.save(0)
    for broken, length in ((state[:10], 3), (state, 2), (state, 300), (np.zeros(50, np.uint8), 1)):
        with pytest.raises(EngineError):
            context.restore(0, broken, length)
    context.restore(1, state, 3)
    assert context.held(1) == 3


def test_a_model_that_is_missing_or_too_large_for_its_memory_says_so(tmp_path, tiny_model):
    with pytest.raises(ModelError):
        BatchedEngine(BatchedSettings(model_path=str(tmp_path / "none.gguf"))).load()
    with pytest.raises(ModelError, match="MiB are allowed"):
        BatchedEngine(BatchedSettings(model_path=str(tiny_model), memory_bytes=1000)).load()
    with pytest.raises(EngineError, match="not loaded"):
        BatchedEngine(BatchedSettings(model_path=str(tiny_model))).generate([SYSTEM], max_tokens=1)


def test_a_shared_beginning_is_computed_once_and_a_conversation_keeps_what_it_has(make):
    engine = make()
    first, second, third = (
        engine.generate([SYSTEM, talk(user, 1)], max_tokens=4, forced_reply="no idea", conversation=f"user {user}")
        for user in range(3)
    )
    assert first.reused_tokens == 0
    assert 40 < second.reused_tokens <= third.reused_tokens
    messages = [SYSTEM, talk(2, 1), Message("assistant", third.text), talk(2, 2)]
    later = engine.generate(messages, max_tokens=4, forced_reply="none", conversation="user 2")
    assert later.reused_tokens >= third.prompt_tokens
    stranger = engine.generate(messages, max_tokens=4, forced_reply="none", conversation="user 3")
    assert stranger.reused_tokens == third.reused_tokens, "a stranger was given more than the shared beginning"
    counted = engine.counters()
    assert counted.prefixes == 2, "what the stranger sent too is shared from now on"
    assert counted.reused_tokens == sum(one.reused_tokens for one in (second, third, later, stranger))


def test_requests_of_one_conversation_follow_each_other(make):
    engine = make()
    with ThreadPoolExecutor(4) as threads:
        found = list(
            threads.map(
                lambda turn: engine.generate([SYSTEM, talk(1, turn)], max_tokens=8, conversation="one"), range(8)
            )
        )
    assert all(one.prompt_tokens for one in found)
    assert sum(one.reused_tokens > 0 for one in found) == 7


@pytest.mark.parametrize("leave", ["check", "on_token", "future"])
def test_a_caller_who_leaves_frees_the_slot_and_disturbs_nobody(make, leave):
    engine = make(slots=2)
    tokens: list[str] = []
    gone = threading.Event()

    def check() -> None:
        if leave == "check" and len(tokens) > 3:
            raise Abandoned("Nobody waits.")

    def on_token(token: str) -> None:
        tokens.append(token)
        if len(tokens) > 3:
            gone.set()
            if leave == "on_token":
                raise Abandoned("Nobody waits.")

    endless = Sampling(ignore_end=True)
    future = engine.submit(
        [SYSTEM, talk(1, 1)], max_tokens=300, on_token=on_token, check=check, conversation="leaver", sampling=endless
    )
    with ThreadPoolExecutor(1) as threads:
        other = threads.submit(engine.generate, [SYSTEM, talk(2, 1)], max_tokens=40, sampling=endless)
        assert gone.wait(30)
        if leave == "future":
            assert future.cancel()
        with pytest.raises((Abandoned, CancelledError)):
            future.result(30)
        assert other.result(30).generated_tokens == 40
    after = len(tokens)
    assert (
        engine.generate([SYSTEM, talk(1, 1)], max_tokens=4, conversation="leaver", sampling=endless).reused_tokens > 40
    )
    assert len(tokens) == after < 300


def test_a_caller_who_leaves_as_the_reply_is_ready_disturbs_nobody(make, monkeypatch):
    engine = make(slots=2)
    generation = Job.generation

    def leave(self: Job) -> Any:
        found = generation(self)
        if self.conversation == "leaver":
            done, self.future.done = self.future.done, lambda: False  # it was asked before the caller left
            self.future.cancel()
            assert done()
        return found

    monkeypatch.setattr(Job, "generation", leave)
    stays = engine.submit([SYSTEM, talk(2, 1)], max_tokens=60, sampling=Sampling(ignore_end=True))
    engine.submit([SYSTEM, talk(1, 1)], max_tokens=2, forced_reply="no yes", conversation="leaver")
    assert stays.result(30).generated_tokens == 60
    assert engine.counters().failed_steps == 0


def test_cancelled_neighbours_leave_every_logit_alone(make, expected, recorded):
    engine = make(slots=3)
    messages = [SYSTEM, talk(1, 1)]
    neighbours = [
        engine.submit([SYSTEM, talk(user, 2)], max_tokens=300, sampling=Sampling(ignore_end=True))
        for user in range(2, 12)
    ]

    def cancel_one(_: str) -> None:
        if neighbours:
            neighbours.pop(0).cancel()

    found = engine.generate(
        messages, max_tokens=64, forced_reply=reply(1, 1), conversation="stays", on_token=cancel_one
    )
    assert found.text == reply(1, 1)
    assert not neighbours
    agree(np.array(recorded["stays", found.prompt_tokens]), expected(messages, reply(1, 1)))


async def test_an_asyncio_caller_who_is_cancelled_frees_the_slot(make, caplog):
    engine = make(slots=1, context_tokens=2048)
    begun, loop = asyncio.Event(), asyncio.get_running_loop()
    task = asyncio.create_task(
        engine.reply(
            [SYSTEM, talk(1, 1)],
            max_tokens=1900,
            on_token=lambda _: loop.call_soon_threadsafe(begun.set),
            sampling=Sampling(ignore_end=True),
        )
    )
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await engine.reply([SYSTEM, talk(2, 1)], max_tokens=5, forced_reply="one two")).text == "one two"
    assert engine.counters().decoded_tokens < 1900, "the slot was freed only when the reply was complete"
    del task
    gc.collect()
    await asyncio.sleep(0)
    assert "never retrieved" not in caplog.text


def test_a_failed_step_fails_its_requests_and_the_engine_goes_on(make, monkeypatch):
    engine = make()
    decode = Context.decode

    def fail(self: Context, pieces: Any) -> Any:
        raise EngineBusy("no room")

    monkeypatch.setattr(Context, "decode", fail)
    with pytest.raises(EngineBusy, match="no room"):
        engine.generate([SYSTEM, talk(1, 1)], max_tokens=4, conversation="one")
    monkeypatch.setattr(Context, "decode", decode)
    found = engine.generate([SYSTEM, talk(1, 1)], max_tokens=4, forced_reply="all is well", conversation="one")
    assert found.text == "all is well"
    assert engine.counters().failed_steps == 1


def test_a_defect_in_a_step_is_a_typed_error_and_the_engine_goes_on(make, monkeypatch):
    engine = make()
    with monkeypatch.context() as patch:
        patch.setattr(Decoder, "_piece", lambda *_: 1 / 0)
        with pytest.raises(EngineError, match="ZeroDivisionError"):
            engine.generate([SYSTEM, talk(1, 1)], max_tokens=4)
    assert engine.generate([SYSTEM, talk(1, 1)], max_tokens=4, forced_reply="well").text == "well"


def test_a_defect_in_one_request_fails_that_one_alone(make, monkeypatch):
    engine = make()
    begin = Slots.begin

    def defective(self: Slots, job: Job) -> None:
        if job.conversation == "bad":
            raise ZeroDivisionError
        begin(self, job)

    monkeypatch.setattr(Slots, "begin", defective)
    begun = threading.Event()
    neighbour = engine.submit(
        [SYSTEM, talk(1, 1)],
        max_tokens=40,
        conversation="good",
        on_token=lambda _: begun.set(),
        sampling=Sampling(ignore_end=True),
    )
    assert begun.wait(30)
    with pytest.raises(EngineError, match="could not begin"):
        engine.generate([SYSTEM, talk(2, 1)], max_tokens=4, conversation="bad")
    assert neighbour.result(30).generated_tokens == 40


def test_requests_that_race_with_closing_are_answered_or_refused(make):
    engine = make()
    stop = threading.Event()
    outcomes = []

    def ask() -> None:
        while not stop.is_set():
            try:
                outcomes.append(engine.generate([SYSTEM, talk(1, 1)], max_tokens=1).generated_tokens)
            except EngineError as error:
                outcomes.append(str(error))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        engine.close()
        engine.load()
    stop.set()
    for thread in threads:
        thread.join()
    assert (
        {1}
        < set(outcomes)
        <= {1, "The batched engine is not loaded.", "The batched engine was closed."}
        | {"The batched engine is closed."}
    )


def test_a_step_that_never_ends_fails_its_callers(make, monkeypatch):
    engine = make(stuck_s=0.2)
    release = threading.Event()
    decode = Context.decode

    def hang(self: Context, pieces: Any) -> Any:
        release.wait(30)
        return decode(self, pieces)

    monkeypatch.setattr(Context, "decode", hang)
    with pytest.raises(EngineError, match="not finished a step"):
        engine.generate([SYSTEM, talk(1, 1)], max_tokens=4)
    with pytest.raises(EngineError, match="not finished a step"):
        engine.close()
    release.set()


def test_closing_fails_what_is_under_way_and_the_engine_can_be_loaded_again(make):
    engine = make(slots=1)
    begun = threading.Event()
    running = engine.submit(
        [SYSTEM, talk(1, 1)], max_tokens=400, on_token=lambda _: begun.set(), sampling=Sampling(ignore_end=True)
    )
    waiting = engine.submit([SYSTEM, talk(2, 1)], max_tokens=4)
    assert begun.wait(30)
    engine.close()
    for future in (running, waiting):
        with pytest.raises(EngineError, match="closed"):
            future.result(0)
    with pytest.raises(EngineError, match="not loaded"):
        engine.submit([SYSTEM], max_tokens=1)
    engine.load()
    assert engine.generate([SYSTEM], max_tokens=4, forced_reply="back").text == "back"


def test_a_conversation_that_outgrows_its_context_loses_its_oldest_messages_in_steps(make):
    engine = make(context_tokens=400)
    messages = [SYSTEM]
    lost = []
    for turn in range(24):
        messages.append(talk(1, turn))
        found = engine.generate(messages, max_tokens=12, forced_reply=reply(1, turn), conversation="one")
        assert found.prompt_tokens + 12 <= 400
        lost.append(found.dropped_messages)
        messages.append(Message("assistant", found.text))
    assert lost == sorted(lost)
    assert set(lost) > {0, 8}
    assert all(dropped % 8 == 0 for dropped in lost)
    with pytest.raises(PromptTooLong):
        engine.generate([SYSTEM, Message("user", "word " * 500)], max_tokens=4)
    with pytest.raises(EngineError, match="At least one token"):
        engine.generate([SYSTEM], max_tokens=0)


def test_sampling_is_repeatable_by_its_seed_and_differs_without(make):
    engine = make()

    def say(**sampling: Any) -> str:
        chosen = Sampling(ignore_end=True, **sampling)
        return engine.generate([SYSTEM, talk(1, 1)], max_tokens=24, sampling=chosen).text

    warm = {"temperature": 1.5, "top_k": 0, "top_p": 1.0}
    assert say(**warm, seed=1) == say(**warm, seed=1)
    assert len({say(**warm, seed=seed) for seed in range(4)}) > 1
    assert say(**warm, min_p=1.0) == say(), "a least share of all that the best has leaves the best alone"
    assert say(temperature=1.5, top_k=1) == say()
    assert say(repeat_penalty=100.0) != say()


@given(
    st.lists(st.sampled_from(["a", "ab", "b", "不", "🎉", " ", "abc"]), max_size=12),
    st.lists(st.sampled_from(["ab", "b不", "🎉a", "aab"])),
)
def test_a_reply_ends_before_its_first_stop_string_however_the_bytes_arrive(parts, stop):
    whole = "".join(parts)
    spoken = Spoken(stop)
    shown = ""
    for byte in whole.encode():
        shown += spoken.add(bytes([byte]))
        if spoken.stopped:
            break
    else:
        shown += spoken.rest()
    ends = [whole.find(text) for text in stop if text in whole]
    assert shown == "".join(spoken.parts)
    assert shown == (whole[: min(ends)] if ends and len(set(stop)) == 1 else shown)
    assert whole.startswith(shown)
    assert spoken.stopped == bool(ends)
    assert not any(text in shown for text in stop)


def test_a_stop_string_ends_a_streamed_reply(make):
    engine = make()
    pieces: list[str] = []
    found = engine.generate(
        [SYSTEM, talk(1, 1)],
        max_tokens=64,
        forced_reply="One. Two. Three. Four.",
        on_token=pieces.append,
        sampling=Sampling(stop=("Three", "Four")),
    )
    assert found.text == "One. Two. " == "".join(pieces)
    assert found.generated_tokens < 20


def test_thousands_of_requests_leave_no_slot_behind_and_memory_bounded(make):
    engine = make(slots=8, memory_bytes=2_000_000)
    with ThreadPoolExecutor(16) as threads:

        def one(number: int) -> int:
            on_token = (lambda _: 1 / 0) if number % 17 == 0 else None
            try:
                return engine.generate(
                    [SYSTEM, talk(number % 40, number)],
                    max_tokens=3,
                    forced_reply="yes no maybe",
                    on_token=on_token,
                    conversation=f"user {number % 40}",
                ).generated_tokens
            except ZeroDivisionError:
                return 0

        found = list(threads.map(one, range(1000)))
        warm = psutil.Process().memory_full_info().uss
        found += threads.map(one, range(1000, 3000))
        grown = psutil.Process().memory_full_info().uss - warm
        # Every slot is free again: as many more as there are can run at once.
        begun = threading.Barrier(9)
        long = [
            engine.submit(
                [SYSTEM, talk(number, 1)],
                max_tokens=200,
                conversation=f"last {number}",
                on_token=_once(lambda: threads.submit(begun.wait, 30)),
                sampling=Sampling(ignore_end=True),
            )
            for number in range(8)
        ]
        begun.wait(30)
        for future in long:
            assert future.result(30).generated_tokens == 200
    assert found.count(0) == len(range(0, 3000, 17))
    assert found.count(3) == 3000 - found.count(0)
    assert engine.counters().failed_steps == 0
    assert grown < 8 * 2**20, "two thousand requests took memory that did not come back"


def _once(call):
    called = []

    def on_token(_):
        if not called:
            called.append(call())

    return on_token


async def test_the_agent_awaits_its_replies_without_a_thread_each(make, tmp_path, monkeypatch):
    engine = make(slots=4)
    monkeypatch.setattr(engine, "close", lambda: None)  # the fixture's to close

    def request(number: int, tokens: int) -> Request:
        return Request(
            id=f"{number}-{tokens}",
            session=f"user {number}",
            text="How are you?",
            max_tokens=tokens,
            scripted_reply="well " * tokens,
        )

    async with host(Asynchronous(AsynchronousSettings(), engine, tmp_path)) as agent:
        replies = await asyncio.gather(*(agent.answer(request(number, 5)) for number in range(12)))
        waiting = [thread.name for thread in threading.enumerate() if thread.name.startswith("engine_")]
        begun = asyncio.Event()
        left = asyncio.create_task(agent.answer(request(1, 250), lambda _: begun.set()))
        await asyncio.wait_for(begun.wait(), 30)
        left.cancel()
        with pytest.raises(asyncio.CancelledError):
            await left
        again = await agent.answer(request(1, 3))  # the session's next turn finds its slot free
    assert {reply.generated_tokens for reply in replies} == {5}
    assert waiting == ["engine_0"], "one thread loaded the model, none waits for it"
    assert again.generated_tokens == 3


def test_keys_and_values_that_the_model_cannot_have_are_refused(tiny_model):
    engine = BatchedEngine(BatchedSettings(model_path=str(tiny_model), key_value="q8_0"))
    with pytest.raises(ModelError, match="heads of a multiple of 32; this model's have 16"):
        engine.load()


@given(
    st.dictionaries(st.integers(0, 31), st.integers(0, 3000), max_size=16),
    st.integers(16, 600),
    st.integers(1, 600),
)
def test_a_step_serves_every_running_reply_and_never_more_than_fits(left, batch, chunk):
    found = shares(left, batch, chunk)
    running = [sequence for sequence, tokens in left.items() if not tokens]
    assert all(found[sequence] == 1 for sequence in running)
    assert sum(found.values()) <= batch
    prompts = {sequence: share for sequence, share in found.items() if left[sequence]}
    assert all(0 < share <= left[sequence] for sequence, share in prompts.items())
    assert sum(prompts.values()) <= (min(chunk, batch) if running else batch)
    if left:
        assert found, "a step that computes nothing would be tried for ever"


@given(st.integers(1, 16).flatmap(lambda slots: st.tuples(st.just(slots), st.sets(st.integers(0, slots - 1)))))
def test_a_place_is_free_beside_the_active_ones_and_found_whenever_one_is_free(given):
    slots, active = given
    found = place(active, slots)
    assert not active.intersection(found)
    assert bool(found) == (len(active) < slots)
    if active and found:
        assert all(min(active) - 1 <= slot <= max(active) + 1 for slot in found)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3000), st.booleans()), max_size=40), st.booleans())
def test_states_keep_within_their_bounds_and_give_back_what_they_took(steps, disk):
    states: States[int] = States(8_000, 5_000 if disk else 0, lambda tokens: 1.0)
    latest: dict[int, State] = {}
    for key, size, putting in steps:
        if putting:
            latest[key] = State(np.arange(size // 100, dtype=np.int32), np.full(size, key, np.uint8))
            states.put(key, latest[key])
        else:
            found = states.take(key)
            if found is not None:
                assert (found.data == latest[key].data).all()
                assert (found.tokens == latest[key].tokens).all()
            assert states.take(key) is None
        assert states.bytes <= 8_000
        assert states.bytes_on_disk <= 5_000
    states.close()
    assert states.bytes == states.bytes_on_disk == 0


def test_without_a_folder_to_spill_to_states_are_dropped(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    states: States[int] = States(100, 10**6, lambda tokens: 1.0)
    states.put(1, State(np.arange(9, dtype=np.int32), np.zeros(400, np.uint8)))
    assert states.take(1) is None
    assert (states.dropped, states.spilled) == (1, 0)
    states.close()


def test_a_beginning_that_could_not_be_kept_is_not_waited_for(make):
    engine = make(slots=4, context_tokens=256, memory_bytes=4 * 256 * 256)  # of which a quarter is left for states
    long = Message("system", "word " * 200)
    futures = [
        engine.submit([long, talk(number, 1)], max_tokens=2, forced_reply="yes no", conversation=f"{number}")
        for number in range(6)
    ]
    assert [future.result(30).generated_tokens for future in futures] == [2] * 6


def test_a_template_that_insists_on_a_question_gets_one(make, monkeypatch):
    engine = make()
    prompt = LlamaText.prompt

    def strict(self: LlamaText, messages: Any) -> Any:
        if not any(message.role == "user" for message in messages):
            raise EngineError("No user query found in messages.")
        return prompt(self, messages)

    monkeypatch.setattr(LlamaText, "prompt", strict)
    assert engine.generate([SYSTEM, talk(1, 1)], max_tokens=2, forced_reply="yes no").text == "yes no"


def test_the_pages_example_runs(capsys):
    page = (Path(__file__).parents[3] / "docs" / "batched-engine.md").read_text()
    example = page.split("```python\n", 1)[1].split("```", 1)[0]
    exec(compile(example, "batched-engine.md", "exec"), {"__name__": "example"})
    assert len(ast.literal_eval(capsys.readouterr().out)) == 50
