"""Relevance in every pattern: the same values, whole requests, bounded, cancelled without a trace, ended for good."""

import asyncio
from array import array
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from systems.errors import EngineBusy, ModelError, Refused, SystemClosed, UnknownName
from systems.research.embedding.overlap import overlaps
from systems.research.embedding.relevance import PATTERNS, TextRelevance, make_relevance
from systems.research.embedding.work import EmbeddingWork
from systems.research.embedding.workplace import Workplace
from tests.systems.engines.embedding.small import encoder

OUTSIDE = ("processes", "shared")
QUESTION = "the cat"
TEXTS = ["the dog", "the cat", "a", "the cat and the dog", "the dog", "", *(f"dog {number}" for number in range(20))]
LONG = "so many words of every kind that are counted one by one " * 2_000


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(encoder(tmp_path_factory.mktemp("model") / "small.gguf"))


@pytest.fixture
async def made():
    """Return what makes relevance and closes it after the test."""
    opened = []

    def make(pattern, named, **more):
        opened.append(make_relevance(pattern, named, **{"workers": 2, **more}))
        return opened[-1]

    yield make
    for each in opened:
        await each.close()


def workers():
    """Return the processes that make relevance: the pool's and the shared one."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            if any(word in part for part in child.cmdline() for word in ("spawn_main", "embedding.serving")):
                found.append(child)
    return found


def kill(victims):
    for victim in victims:
        with suppress(psutil.NoSuchProcess):  # the library ends the others of a pool itself
            victim.kill()


@pytest.mark.parametrize("pattern", PATTERNS)
async def test_every_pattern_gives_the_same_values_with_an_encoder(pattern, model, made):
    first, again = made("in-loop", model), made(pattern, model)
    expected = await first.scores(QUESTION, TEXTS)
    await again.start()
    found = await again.scores(QUESTION, TEXTS)
    assert found == pytest.approx(expected, abs=1e-3)
    assert found[1] == pytest.approx(1, abs=1e-3)
    assert found[0] == pytest.approx(found[4])
    assert all(0 <= value <= 1 for value in found)


@pytest.mark.parametrize("pattern", PATTERNS)
async def test_every_pattern_gives_the_same_values_without_an_encoder(pattern, made):
    relevance = made(pattern, None)
    assert await relevance.scores(QUESTION, TEXTS) == pytest.approx(overlaps(QUESTION, TEXTS), abs=1e-6)
    assert await relevance.scores(QUESTION, []) == []


@pytest.mark.parametrize("pattern", PATTERNS)
async def test_many_ask_at_once_and_each_gets_its_own(pattern, model, made):
    relevance = made(pattern, model)
    alone = [await relevance.scores(text, TEXTS) for text in TEXTS[:6]]
    together = await asyncio.gather(*(relevance.scores(text, TEXTS) for text in TEXTS[:6]))
    assert together == [pytest.approx(values, abs=1e-3) for values in alone]


@pytest.mark.parametrize("named", [None, "model"])
async def test_half_of_a_character_is_no_reason_to_fail(named, model, made):
    for pattern in PATTERNS:
        relevance = made(pattern, named and model)
        assert len(await relevance.scores("the \ud83d cat", ["half \ude00", "字"])) == 2


@pytest.mark.parametrize("pattern", PATTERNS)
async def test_an_encoder_that_cannot_be_had_is_an_error_of_each_request(pattern, made, tmp_path):
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF, it says")
    for named, error in (("minilm-of-nobody", UnknownName), (str(broken), ModelError)):
        relevance = made(pattern, named)
        for _ in range(2):
            with pytest.raises(error):
                await relevance.scores(QUESTION, TEXTS)
        with pytest.raises(error):
            await relevance.start()
    assert workers() == []


@pytest.mark.parametrize("pattern", OUTSIDE)
async def test_a_model_that_breaks_when_it_is_loaded_says_why_from_another_process(pattern, model, made, tmp_path):
    # Its head is whole, so that it is found out where it is loaded.
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(Path(model).read_bytes()[:-20_000])
    with pytest.raises(ModelError):
        await made(pattern, str(cut)).scores(QUESTION, TEXTS)


@pytest.mark.parametrize("pattern", OUTSIDE)
async def test_processes_are_started_by_the_first_request_and_end_with_close(pattern, model, made):
    relevance = made(pattern, model)
    assert workers() == []
    await relevance.scores(QUESTION, TEXTS)
    first = {worker.pid for worker in workers()}
    assert len(first) == (2 if pattern == "processes" else 1)
    await relevance.scores(TEXTS[0], TEXTS)
    assert {worker.pid for worker in workers()} == first
    await relevance.close()
    assert workers() == []


@pytest.mark.parametrize("pattern", PATTERNS)
async def test_nothing_is_made_after_the_end_and_a_second_end_does_nothing(pattern, made):
    relevance = made(pattern, None)
    await relevance.scores(QUESTION, TEXTS)
    await relevance.close()
    await relevance.close()
    for again in (relevance.start(), relevance.scores(QUESTION, TEXTS)):
        with pytest.raises(SystemClosed):
            await again


@pytest.mark.parametrize("pattern", ["thread", "processes", "shared"])
async def test_requests_that_wait_at_the_end_are_told_so_or_answered(pattern, made):
    relevance = made(pattern, None)
    requests = [asyncio.create_task(relevance.scores(QUESTION, [LONG])) for _ in range(6)]
    await asyncio.sleep(0)
    await relevance.close()
    ended = await asyncio.gather(*requests, return_exceptions=True)
    assert all(isinstance(each, (SystemClosed, list)) for each in ended)
    assert any(isinstance(each, SystemClosed) for each in ended)
    assert workers() == []


@pytest.mark.parametrize("pattern", ["thread", "processes", "shared"])
async def test_a_request_that_is_cancelled_frees_its_place(pattern, made):
    relevance = made(pattern, None, most_requests=3)
    expected = await relevance.scores(QUESTION, TEXTS)
    for _ in range(5):
        requests = [asyncio.create_task(relevance.scores(QUESTION, [LONG] * 3)) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(Refused, match="queue is full"):
            await relevance.scores(QUESTION, TEXTS)
        for request in requests:
            request.cancel()
        await asyncio.wait(requests)
        assert all(request.cancelled() for request in requests)
        assert await relevance.scores(QUESTION, TEXTS) == expected


@pytest.mark.parametrize("pattern", OUTSIDE)
async def test_who_leaves_while_the_processes_start_takes_them_from_nobody(pattern, made):
    relevance = made(pattern, None)
    leaves, stays = (asyncio.create_task(relevance.scores(QUESTION, TEXTS)) for _ in range(2))
    while not workers():  # noqa: ASYNC110 - nothing tells that a process has been started
        await asyncio.sleep(0)
    leaves.cancel()
    assert len(await stays) == len(TEXTS)
    assert leaves.cancelled()


@pytest.mark.parametrize("pattern", OUTSIDE)
async def test_a_process_that_dies_at_work_is_an_error_and_the_next_request_has_another(pattern, made):
    relevance = made(pattern, None)
    await relevance.start()
    request = asyncio.create_task(relevance.scores(QUESTION, [LONG] * 100))
    await asyncio.sleep(0.1)  # it is at work, and would be for some seconds
    victim = workers()[0]
    kill(workers())
    with pytest.raises(EngineBusy, match="ended by itself"):
        await request
    assert len(await relevance.scores(QUESTION, TEXTS)) == len(TEXTS)
    assert victim.pid not in {worker.pid for worker in workers()}
    await relevance.close()
    assert workers() == []


@pytest.mark.parametrize("pattern", OUTSIDE)
async def test_a_process_that_dies_idle_costs_one_request_at_most(pattern, made):
    relevance = made(pattern, None)
    await relevance.start()
    kill(workers())
    try:
        found = await relevance.scores(QUESTION, TEXTS)
    except EngineBusy:
        found = await relevance.scores(QUESTION, TEXTS)
    assert len(found) == len(TEXTS)


@pytest.mark.parametrize("pattern", OUTSIDE)
async def test_processes_that_die_at_their_start_are_an_error_too(pattern, made):
    relevance = made(pattern, None)
    request = asyncio.create_task(relevance.scores(QUESTION, TEXTS))
    while not workers():  # noqa: ASYNC110 - as above
        await asyncio.sleep(0)
    kill(workers()[:1])
    with pytest.raises(EngineBusy, match="ended"):
        await request
    assert len(await relevance.scores(QUESTION, TEXTS)) == len(TEXTS)


class Counting(Workplace):
    """Does no work, and keeps what it was asked."""

    def __init__(self, lanes=1):
        super().__init__(lanes)
        self.asked = []
        self.most = self.now = 0

    async def start(self):
        pass

    async def done(self, work):
        assert isinstance(work, EmbeddingWork)
        self.asked.append(list(work.texts))
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await asyncio.sleep(0)
        finally:
            self.now -= 1
        if "fails" in work.texts:
            raise EngineBusy("It failed.")
        return array("f", [1.0, 0.0] * len(work.texts)).tobytes()

    async def close(self):
        self.closed = True


async def test_a_passage_that_was_asked_about_before_is_not_encoded_again():
    place = Counting()
    relevance = TextRelevance(place, encodes=True)
    assert await relevance.scores("one", ["a", "b", "a"]) == [1, 1, 1]
    assert await relevance.scores("two", ["b", "c"]) == [1, 1]
    assert place.asked == [["one"], ["a", "b"], ["two"], ["c"]]


async def test_only_so_many_bytes_of_vectors_are_remembered():
    place = Counting()
    relevance = TextRelevance(place, encodes=True, cache_bytes=1_000)  # three
    await relevance.scores("one", list("abcd"))
    place.asked.clear()
    await relevance.scores("two", list("bcd"))
    await relevance.scores("three", list("a"))
    assert place.asked == [["two"], ["three"], ["a"]]
    without = TextRelevance(place, encodes=True, cache_bytes=0)
    await without.scores("one", ["a"])
    place.asked.clear()
    await without.scores("two", ["a"])
    assert place.asked == [["two"], ["a"]]


async def test_a_request_is_done_in_pieces_so_that_others_come_between():
    place = Counting(lanes=2)
    relevance = TextRelevance(place, encodes=True)
    many = [str(number) for number in range(100)]
    await asyncio.gather(relevance.scores("many", many), relevance.scores("few", ["one"]))
    assert place.asked.index(["one"]) < 5
    assert place.most == 2
    assert sorted(text for piece in place.asked[:] for text in piece) == sorted([*many, "one", "many", "few"])


async def test_what_fails_ends_the_request_and_leaves_none_of_it():
    place = Counting(lanes=2)
    relevance = TextRelevance(place, encodes=True)
    many = ["fails", *(str(number) for number in range(100))]
    with pytest.raises(EngineBusy):
        await relevance.scores("many", many)
    assert len(place.asked) < 8  # of 14 pieces
    assert place.now == 0
    assert await relevance.scores("again", ["a"]) == [1]
