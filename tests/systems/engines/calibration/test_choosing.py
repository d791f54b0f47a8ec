"""What is chosen from what was measured, and how an engine's settings take it."""

from __future__ import annotations

import pytest

from systems.engines.batched.settings import BatchedSettings
from systems.engines.calibration.case import EngineChoice
from systems.engines.calibration.measuring import Calibration, best, timed
from systems.engines.llama import LlamaSettings

CHOICE = EngineChoice(flash_attention=True, threads=3, prefill_threads=4, micro_batch_tokens=128, chunk_tokens=64)


@pytest.mark.parametrize(
    ("usual", "other", "chosen"),
    [
        pytest.param([10, 10, 10], [9, 9, 9], "other", id="clearly better"),
        pytest.param([10, 10, 10], [9.7, 9.7, 9.7], "usual", id="hardly better"),
        pytest.param([10, 10, 10], [11, 11, 11], "usual", id="worse"),
        pytest.param([10, 10, 10], [5, 12, 12], "usual", id="once by chance"),
        pytest.param([10, 30, 30], [9.9, 12, 12], "usual", id="better where the usual way was disturbed"),
    ],
)
def test_another_way_is_chosen_only_where_it_is_clearly_better(usual, other, chosen):
    assert best({"usual": usual, "other": other}, "usual") == chosen


def test_of_several_better_ways_the_best_is_chosen():
    assert best({4: [10.0, 10.0], 2: [8.0, 8.0], 1: [9.0, 9.0]}, 4) == 2


def test_the_ways_alternate_and_a_first_round_does_not_count():
    done: list[str] = []
    took = timed({way: lambda way=way: done.append(way) for way in ("one", "two")})
    assert done == ["one", "two"] * (len(took["one"]) + 1)
    assert len(took["one"]) == len(took["two"]) >= 3


def test_what_makes_a_way_ready_comes_before_it_each_time():
    done: list[str] = []

    def ready(way: str) -> None:
        done.append(f"ready for {way}")

    took = timed({way: lambda way=way: done.append(way) for way in ("one", "two")}, ready)
    assert done == ["ready for one", "one", "ready for two", "two"] * (len(took["one"]) + 1)


def test_what_settings_say_themselves_wins():
    settings = BatchedSettings(model_path="", flash_attention=False, chunk_tokens=16)
    assert CHOICE.heeding(settings) == EngineChoice(
        flash_attention=False, threads=3, prefill_threads=4, micro_batch_tokens=128, chunk_tokens=16
    )
    assert CHOICE.unset(settings) == {"threads": 3, "prefill_threads": 4, "micro_batch_tokens": 128}


def test_an_engine_is_told_what_it_has_settings_for():
    assert CHOICE.unset(LlamaSettings(model_path="")) == {"flash_attention": True, "threads": 3, "prefill_threads": 4}


def test_threads_that_are_set_are_those_of_prompts_too():
    usual = BatchedSettings(model_path="", threads=1).case(8).usual
    assert (usual.threads, usual.prefill_threads) == (1, 1)
    assert BatchedSettings(model_path="").case(8).usual.threads == 8


def test_without_a_measurement_flash_attention_is_on_where_the_keys_and_values_need_it():
    assert not BatchedSettings(model_path="").case(1).usual.flash_attention
    assert BatchedSettings(model_path="", key_value="q8_0").case(1).usual.flash_attention


def test_a_calibration_says_what_was_chosen_and_what_it_was_chosen_from():
    tried = {"a step of 16": {"flash attention": 28.13, "without flash attention": 39.8}}
    assert Calibration(choice=CHOICE, milliseconds=tried).said == (
        "flash attention, 3 threads, 4 for prompts, micro-batch of 128, chunk of 64\n"
        "a step of 16: flash attention 28.1 ms, without flash attention 39.8 ms"
    )
