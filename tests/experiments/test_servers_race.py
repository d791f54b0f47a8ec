"""The race of servers: what is chosen for llama.cpp's, and the least that its conversations need."""

import pytest

from systems.engines.batched.context import Model
from systems.engines.interface import Message
from systems.models.find import resolve
from tests.benchmarks import llama_server, searching
from tests.benchmarks.conversations import Load
from tests.benchmarks.llama_server import Needs, Room
from tests.benchmarks.roofline import Rates, least

NEEDS, ROOM = Needs(users=50, promised=1024, longest=500), Room(memory_mib=1024, token_bytes=23040, cpus=2)


def test_of_many_the_best_is_found_and_most_are_tried_once():
    tried = []

    def rate(candidate, number, best):
        tried.append((candidate, number))
        assert best == max((one for one, round_ in tried[:-1] if round_ == number), default=0)
        return candidate

    assert searching.best([3, 1, 9, 2, 5, 4, 7, 0, 6], 2, rate) == 9
    assert [number for _, number in tried].count(0) == 9
    assert [one for one, number in tried if number == 1] == [9, 7, 6]


def test_the_last_round_decides():
    assert (
        searching.best("ab", 2, lambda one, number, best: {"a0": 2, "b0": 1, "a1": 3, "b1": 4}[f"{one}{number}"]) == "b"
    )


def test_what_cannot_be_had_is_left_out_and_none_at_all_is_an_error():
    assert searching.best("abc", 2, lambda one, number, best: one == "c") == "c"
    with pytest.raises(ValueError, match="None"):
        searching.best("abc", 2, lambda one, number, best: 0)


def test_a_setup_is_written_as_one_types_it_and_read_again():
    setup = {"--parallel": "16", "--no-cache-idle-slots": "", "--samplers": "top_k;temperature", "--top-k": "-1"}
    setup |= {"GOMP_SPINCOUNT": "1000"}
    text = llama_server.written(setup)
    assert text.startswith("GOMP_SPINCOUNT=1000 --parallel 16 --no-cache-idle-slots")
    assert llama_server.read(text) == setup
    assert llama_server.variables(setup) == {"GOMP_SPINCOUNT": "1000"}
    with pytest.raises(ValueError, match="stray"):
        llama_server.read("stray --parallel 16")


def test_every_setup_that_is_tried_stays_within_the_memory_both_have():
    usual = llama_server.usual(NEEDS, ROOM)
    setups = [
        llama_server.changed(usual, change) for _, changes in llama_server.choices(NEEDS, ROOM) for change in changes
    ]
    assert any(setup["--parallel"] == "50" for setup in setups)
    for setup in (usual, *setups):
        context_bytes = int(setup["--ctx-size"]) * ROOM.token_bytes
        assert context_bytes + (int(setup["--cache-ram"]) << 20) <= ROOM.memory_mib << 20
        assert int(setup["--ctx-size"]) >= int(setup["--parallel"]) * NEEDS.longest


def test_other_slots_take_nothing_over_from_those_before():
    _, changes = next(iter(llama_server.choices(NEEDS, ROOM)))
    unified = next(change for change in changes if "--kv-unified" in change)
    plain = next(change for change in changes if "--no-kv-unified" in change)
    changed = llama_server.changed(llama_server.changed({"--flash-attn": "on"}, unified), plain)
    assert changed == {"--flash-attn": "on", **plain}


def test_the_least_is_each_token_once_and_what_all_begin_with_once_for_all():
    model = Model(resolve("tiny").path, use_mmap=True, repack=True)
    load = Load(users=3, turns=2, system=20, new=12, out=4)
    found = least(model, load)
    firsts, lasts = [], []
    for conversation in load.conversations():
        (question, reply), (other, _) = conversation.turns
        said = b"".join(piece for _, piece in model.text.script(reply)[: load.out]).decode()
        messages = [*conversation.begun, Message("user", question)]
        firsts.append(model.text.prompt(messages))
        lasts.append(model.text.prompt([*messages, Message("assistant", said), Message("user", other)]))
    model.close()
    shared = next(place for place in range(1000) if len({tuple(prompt[: place + 1]) for prompt in firsts}) > 1)
    assert shared > 20
    assert (found.requests, found.reply_tokens) == (6, 18)
    assert found.prompt_tokens == sum(map(len, lasts)) - 2 * shared - 3 * (load.out - 1)
    assert found.longest == max(map(len, lasts)) + load.out


def test_the_roof_is_never_below_what_is_attainable_unless_bytes_bound_it():
    rates = Rates(
        prompt_tokens_s=1000, step_s={1: 0.01, 16: 0.04}, copied_bytes_s=1e12, weight_bytes=10**8, layer_weights=10**8,
        word_weights=3 * 10**7, token_bytes=23040,
    )  # fmt: skip
    model = Model(resolve("tiny").path, use_mmap=True, repack=True)
    needs = least(model, Load(users=3, turns=2, system=20, new=12, out=4))
    model.close()
    assert rates.best_step == 16
    assert rates.attainable(needs) == pytest.approx(6 / (needs.prompt_tokens / 1000 + 18 * 0.04 / 16))
    assert rates.roof(needs) >= rates.attainable(needs)
