"""How a reply is sampled: as its call says, else the settings, else the model's file, else greedily."""

from __future__ import annotations

import msgspec
import pytest

from experiments.measuring import engines
from experiments.measuring.records import EngineSpec
from systems.engines.batched.engine import BatchedEngine, BatchedSettings
from systems.engines.interface import Call, Message, Sampling
from systems.engines.llama import LlamaEngine, LlamaSettings
from systems.engines.sampling import Chosen, chosen, of_model
from systems.errors import ModelError
from tests.systems.engines.described import described
from tests.systems.engines.embedding.small import encoder

ASKED = [Message("user", "Tell me a story about the sea.")]
WARM = Sampling(temperature=2.0, top_k=0, top_p=1.0, ignore_end=True)
OF_THE_FILE = {"general__sampling__temp": 2.0, "general__sampling__top_k": 0, "general__sampling__top_p": 1.0}


def llama(path, sampling=Sampling()):  # noqa: B008 - frozen
    return LlamaEngine(LlamaSettings(model_path=str(path), context_tokens=256, threads=1, sampling=sampling))


def batched(path, sampling=Sampling()):  # noqa: B008 - frozen
    return BatchedEngine(
        BatchedSettings(model_path=str(path), slots=2, context_tokens=256, threads=1, sampling=sampling)
    )


both = pytest.mark.parametrize("made", [llama, batched])


def say(engine, sampling=None, **more):
    engine.load()
    return engine.generate(Call(messages=ASKED, max_tokens=12, sampling=sampling, **more))


def test_whoever_says_first_is_heard_field_by_field():
    call, settings, model = Sampling(top_k=5, stop=("x",)), Sampling(temperature=0.7, top_k=9), Sampling(top_p=0.5)
    found = chosen(call, settings, model)
    assert found == Chosen(temperature=0.7, top_k=5, top_p=0.5, stop=("x",), seed=found.seed)
    assert found.seed is not None
    assert chosen(Sampling(temperature=0.0), settings).is_plain, "a temperature of nought is something that is said"
    assert chosen(None, Sampling(), None) == Chosen()


def test_a_models_file_is_read_by_llama_cpps_keys_and_what_cannot_be_is_left_out():
    from systems.models.llama_library import llama_cpp

    keys = {
        llama_cpp.llama_model_meta_key_str(getattr(llama_cpp, f"LLAMA_MODEL_META_KEY_SAMPLING_{name}")).decode(): value
        for name, value in {
            "TEMP": "0.200000", "TOP_K": "20", "TOP_P": "0.9", "MIN_P": "0.05", "PENALTY_REPEAT": "1.1",
            "PENALTY_LAST_N": "32",
        }.items()
    }  # fmt: skip
    assert of_model(keys) == Sampling(
        temperature=0.2, top_k=20, top_p=0.9, min_p=0.05, repeat_penalty=1.1, repeat_last_n=32
    )
    assert of_model(dict.fromkeys(keys, "-1")) == of_model(dict.fromkeys(keys, "nan")) == of_model({}) == Sampling()
    assert of_model({"general.sampling.top_k": "40.000000"}) == Sampling(top_k=40)


@both
def test_the_repeat_penalty_counts_what_the_assistant_said_in_earlier_replies(made, tiny_model):
    engine = made(tiny_model)
    engine.load()

    def say(before, **sampling):
        pieces = []
        call = Call(messages=[*before, *ASKED], max_tokens=8, sampling=Sampling(ignore_end=True, **sampling))
        engine.generate(msgspec.structs.replace(call, on_token=pieces.append))
        return pieces

    try:
        unaware = say([*ASKED, Message("assistant", "Yes.")])
        told = [*ASKED, Message("assistant", "".join(unaware))]
        again = say(told)
        told += [*ASKED, Message("assistant", "".join(again))]
        assert not set(say(told, repeat_penalty=1000.0)) & {*unaware, *again}
        assert say(told) == say(told, repeat_penalty=1.0) == say(told, repeat_penalty=1000.0, repeat_last_n=0)
    finally:
        engine.close()


@both
def test_what_was_said_weighs_less_by_its_presence_and_more_by_each_time(made, tiny_model):
    engine = made(tiny_model)
    engine.load()

    def say(**sampling):
        pieces = []
        call = Call(messages=ASKED, max_tokens=12, sampling=Sampling(ignore_end=True, **sampling))
        engine.generate(msgspec.structs.replace(call, on_token=pieces.append))
        return pieces

    try:
        greedy = say()
        assert len(set(greedy)) < len(greedy), "it repeats itself: the test could fail"
        assert say(presence_penalty=0.0, frequency_penalty=0.0) == greedy
        assert len(set(say(presence_penalty=2.0, frequency_penalty=2.0))) > len(set(greedy))
        assert say(frequency_penalty=2.0) != greedy
    finally:
        engine.close()


@both
def test_a_models_own_sampling_holds_where_nobody_says_and_gives_way_where_somebody_does(made, tiny_model, tmp_path):
    path = described(tiny_model, tmp_path / "warm.gguf", **OF_THE_FILE, general__sampling__penalty_repeat=50.0)
    greedy, own = made(tiny_model), made(path)
    cold = made(path, Sampling(temperature=0.0, repeat_penalty=1.0))
    try:
        assert say(greedy).seed is None
        assert len({say(own).text for _ in range(4)}) > 1
        assert say(cold).text == say(greedy).text
        assert say(own, Sampling(temperature=0.0, repeat_penalty=1.0)).text == say(greedy).text
        assert say(own, Sampling(temperature=0.0)).text == say(greedy, Sampling(repeat_penalty=50.0)).text
        assert say(own, Sampling(temperature=0.0)).text != say(greedy).text, "the penalty is still the file's"
    finally:
        for engine in (greedy, own, cold):
            engine.close()


@both
@pytest.mark.parametrize("temperature", [1e-7, 1e-39, 1e-300])
def test_a_temperature_next_to_nought_takes_the_likeliest_token(made, tiny_model, temperature):
    engine = made(tiny_model)
    try:
        found = say(engine, Sampling(temperature=temperature, seed=1))
        assert (found.text, found.seed) == (say(engine, Sampling(temperature=0.0)).text, None)
    finally:
        engine.close()


@both
def test_a_model_that_only_makes_embeddings_is_refused(made, tmp_path):
    engine = made(encoder(tmp_path / "small.gguf"))
    with pytest.raises(ModelError, match="cannot answer"):
        engine.load()
    engine.close()


@both
def test_without_a_seed_sampling_varies_and_the_seed_that_was_drawn_repeats_it(made, tiny_model):
    engine = made(tiny_model, WARM)
    try:
        drawn = [say(engine) for _ in range(4)]
        assert len({each.text for each in drawn}) == len({each.seed for each in drawn}) == 4
        for each in drawn:
            assert say(engine, Sampling(seed=each.seed)).text == each.text
        scripted = say(engine, script="one two three")
        assert scripted.text == "one two three"
    finally:
        engine.close()


def test_both_engines_sample_alike(tiny_model):
    serial, many = llama(tiny_model), batched(tiny_model)
    try:
        for seed in range(3):
            for more in ({}, {"repeat_penalty": 3.0}, {"min_p": 0.5}):
                how = msgspec.structs.replace(WARM, seed=seed, **more)
                assert say(serial, how).text == say(many, how).text
    finally:
        serial.close()
        many.close()


@both
def test_the_identity_says_what_was_set_and_is_the_same_before_and_after_loading(made, tiny_model):
    plain, set_to = made(tiny_model), made(tiny_model, Sampling(temperature=0.7, seed=3))
    assert plain.identity != set_to.identity
    assert '"temperature":0.7,"seed":3' in set_to.identity.replace(" ", "")
    before = plain.identity
    plain.load()
    assert plain.identity == before
    plain.close()


@pytest.mark.parametrize("name", ["llama", "batched"])
def test_a_trials_words_come_from_its_seed_unless_it_is_told_another(name, tiny_model):
    def trial(seed, **settings):
        warm = {"sampling.temperature": 2.0, "sampling.top_k": 0, "sampling.ignore_end": True}
        engine = engines.make(EngineSpec(name=name, settings=warm | settings), str(tiny_model), 1, seed)
        try:
            return say(engine).text
        finally:
            engine.close()

    assert trial(7) == trial(7) != trial(2**40 + 8)
    assert trial(7, **{"sampling.seed": 1}) == trial(8, **{"sampling.seed": 1})
