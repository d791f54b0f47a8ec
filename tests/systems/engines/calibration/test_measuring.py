"""A measurement with a real model, and where there is none."""

from __future__ import annotations

import time
from itertools import count

import pytest

from systems.engines.calibration import measuring
from systems.engines.calibration.conversations import HeldConversations
from systems.engines.calibration.machine import cores, processor, usable_cpus, waited_s
from systems.engines.calibration.measuring import measured
from systems.errors import EngineBusy, ModelError
from systems.models.check import read_metadata
from systems.models.key_values import key_values

QUESTION, PROMPT = "a question of 40 tokens", "a prompt of 256 tokens"


@pytest.mark.usefixtures("quiet")
def test_everything_that_is_left_open_is_measured(case):
    found = measured(case())
    both = {"flash attention", "without flash attention", "1 thread", "2 threads"}
    assert set(found.milliseconds) == {"a step of 4", QUESTION, PROMPT}
    assert set(found.milliseconds["a step of 4"]) == set(found.milliseconds[QUESTION]) == both
    assert set(found.milliseconds[PROMPT]) == {"256 at once", "128 at once", "64 at once"}
    assert {found.choice.threads, found.choice.prefill_threads} <= {1, 2}
    assert found.choice.micro_batch_tokens in {512, 128, 64}


@pytest.mark.usefixtures("quiet")
def test_what_is_settled_is_not_measured(case):
    found = measured(case(flash_attention=True, threads=1, threads_are_set=True, batch_tokens=64))
    assert found.milliseconds == {}
    assert (found.choice.flash_attention, found.choice.threads, found.choice.prefill_threads) == (True, 1, 1)
    assert found.choice.micro_batch_tokens == 64


@pytest.mark.usefixtures("quiet")
def test_contexts_take_half_of_the_memory_at_most(case, large_model):
    a_token = 2 * key_values(read_metadata(large_model)).numbers  # bytes
    found = measured(case(conversations=16, memory_bytes=4 * 2 * 512 * a_token))
    assert "a step of 2" in found.milliseconds


@pytest.mark.usefixtures("quiet")
def test_no_step_right_after_the_number_of_threads_was_changed_is_measured(case, monkeypatch):
    computed: list[int] = []
    step = HeldConversations.step

    def noted(held):
        computed.append(held.context.threads)
        step(held)

    monkeypatch.setattr(HeldConversations, "step", noted)
    measured(case(conversations=1, flash_attention=False, batch_tokens=64))
    together = measuring._TOKENS_TOGETHER
    rounds = [*[2] * (1 + together), *[1] * (1 + together), 2, 1]  # one before questions, too
    assert computed == rounds * (len(computed) // len(rounds))


@pytest.mark.usefixtures("quiet")
def test_nothing_is_chosen_where_the_machine_changes_its_pace_meanwhile(case, monkeypatch):
    monkeypatch.setattr(measuring, "_ANOTHER_PACE", 1.5)
    step, steps = HeldConversations.step, count()
    of_attention = 2 * 4 * 2  # two ways, four rounds, two steps together

    def slower(held):
        if next(steps) >= of_attention:
            time.sleep(0.05)
        step(held)

    monkeypatch.setattr(HeldConversations, "step", slower)
    with pytest.raises(EngineBusy, match="pace"):
        measured(case())


@pytest.mark.usefixtures("quiet")
def test_of_a_slow_model_only_the_chunk_is_chosen(case, monkeypatch):
    monkeypatch.setattr(measuring, "_LONGEST_S", 0.0)
    monkeypatch.setattr(measuring, "_STALLED_S", 1e-9)
    found = measured(case())
    assert found.milliseconds == {}
    assert found.choice == case().usual.__class__(
        flash_attention=False, threads=2, prefill_threads=2, micro_batch_tokens=512, chunk_tokens=32
    )


@pytest.mark.parametrize("stopped", ["loading", "looking"])
@pytest.mark.usefixtures("quiet")
def test_a_model_that_is_not_looked_at_in_time_is_used_as_usual(case, monkeypatch, stopped):
    if stopped == "loading":
        monkeypatch.setattr(measuring, "_LOOK_S", 0.0)
    else:
        look = HeldConversations.look

        def late(held, in_time):
            monkeypatch.setattr(measuring, "perf_counter", lambda: 1e9)
            return look(held, in_time)

        monkeypatch.setattr(HeldConversations, "look", late)
    found = measured(case())
    assert found.choice == case().usual
    assert found.milliseconds == {}
    assert "as usual: within" in found.said


@pytest.mark.usefixtures("quiet")
def test_a_model_too_slow_to_be_filled_is_given_a_chunk_by_its_first_look(case, monkeypatch):
    def fill(_):
        raise AssertionError("it would take too long")

    monkeypatch.setattr(HeldConversations, "fill", fill)
    monkeypatch.setattr(HeldConversations, "look", lambda *_: 32 * 0.02)  # seconds: 20 ms a token
    monkeypatch.setattr(measuring, "_LONGEST_S", 5.0)
    found = measured(case())
    assert (found.milliseconds, found.choice.chunk_tokens, found.unmeasured) == ({}, 32, "")


def test_nothing_is_chosen_while_others_have_the_cpus(case, monkeypatch):
    waited = count(step=1000.0)
    monkeypatch.setattr(measuring, "waited_s", lambda: next(waited))
    with pytest.raises(EngineBusy, match="Other processes"):
        measured(case())


def test_a_model_that_is_none_is_said_to_be_none(case, tmp_path):
    with pytest.raises(ModelError):
        measured(case(model_path=str(tmp_path / "none.gguf")))


def test_processors_of_one_name_are_told_apart(tmp_path):
    for name, flags in (("one", "avx2"), ("other", "avx2 avx512f"), ("same", "avx2")):
        (tmp_path / name).write_text(
            f"processor\t: 0\nmodel name\t: A Processor\nflags\t\t: {flags}\ncpu MHz\t\t: {len(name)}\n\n"
        )
    one, other, same = (processor(tmp_path / name) for name in ("one", "other", "same"))
    assert one == same != other
    assert one.startswith("A Processor ")
    assert processor(tmp_path / "none")


def test_two_cpus_of_one_core_are_one_core(tmp_path):
    assert cores(tmp_path) == usable_cpus()  # nobody tells
    for number in range(1024):
        place = tmp_path / f"cpu{number}" / "topology"
        place.mkdir(parents=True)
        (place / "thread_siblings_list").write_text("0-1023\n")
    assert cores(tmp_path) == 1


def test_the_time_that_threads_wait_is_summed(tmp_path):
    for number in (7, 8):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "schedstat").write_text("5000000000 1500000000 12\n")
    (tmp_path / "9").mkdir()  # has ended meanwhile
    assert waited_s(tmp_path) == 3.0
