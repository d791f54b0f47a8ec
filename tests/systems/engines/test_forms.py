"""Replies of a form, tokens with their probabilities, biases and stop strings: alike in both engines with a model."""

from __future__ import annotations

import json
import math
import threading

import pytest

from systems.engines.batched.engine import BatchedEngine, BatchedSettings
from systems.engines.grammar import either_text_or, of_any_object, of_schema
from systems.engines.interface import Call, Message, Sampling
from systems.engines.llama import LlamaEngine, LlamaSettings
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.errors import BadInput, EngineError

ASKED = [Message("user", "Where does Vera live?")]
WARM = Sampling(temperature=2.0, top_k=0, top_p=1.0, seed=5)
PLACE = {
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 8}, "people": {"type": "integer", "minimum": 0}},
    "required": ["city", "people"],
}


def llama(path):
    return LlamaEngine(LlamaSettings(model_path=str(path), context_tokens=256, threads=1, calibrate=False))


def batched(path):
    return BatchedEngine(BatchedSettings(model_path=str(path), slots=2, context_tokens=256, threads=1, calibrate=False))


@pytest.fixture(scope="module", params=[llama, batched], ids=["llama", "batched"])
def engine(request, tiny_model):
    engine = request.param(tiny_model)
    engine.load()
    yield engine
    engine.close()


def say(engine, **more):
    return engine.generate(Call(messages=ASKED, **({"max_tokens": 64} | more)))


@pytest.mark.parametrize("how", [Sampling(), WARM, Sampling(repeat_penalty=5.0), Sampling(logit_bias=((2, 100.0),))])
def test_a_reply_has_the_form_that_was_asked_for_and_ends_with_it(engine, how):
    said = say(engine, grammar=of_schema(PLACE), sampling=how)
    assert said.finish_reason == "stop"
    assert set(json.loads(said.text)) == {"city", "people"}


def test_both_engines_say_the_same_in_a_form(tiny_model):
    serial, many = llama(tiny_model), batched(tiny_model)
    try:
        serial.load()
        many.load()
        for how in (Sampling(), WARM, Sampling(temperature=1.0, seed=3, repeat_penalty=2.0)):
            for grammar in (of_schema(PLACE), of_any_object(), either_text_or(PLACE)):
                call = Call(messages=ASKED, max_tokens=40, grammar=grammar, sampling=how, likeliest=2)
                ours, theirs = serial.generate(call), many.generate(call)
                assert (ours.text, ours.finish_reason) == (theirs.text, theirs.finish_reason)
                assert [token.text for token in ours.tokens] == [token.text for token in theirs.tokens]
    finally:
        serial.close()
        many.close()


def test_a_form_says_nothing_of_the_replies_beside_it_or_after_it(tiny_model):
    engine = batched(tiny_model)
    engine.load()
    try:
        alone = say(engine, sampling=WARM).text
        found = {}

        def ask(name, **more):
            found[name] = say(engine, sampling=WARM, **more)

        threads = [
            threading.Thread(target=ask, args=("free",)),
            threading.Thread(target=ask, args=("formed",), kwargs={"grammar": of_schema(PLACE)}),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found["free"].text == alone == say(engine, sampling=WARM).text
        json.loads(found["formed"].text)
    finally:
        engine.close()


def test_a_caller_who_leaves_a_form_half_said_leaves_the_engine_as_it_was(engine):
    before = say(engine, grammar=of_schema(PLACE), sampling=WARM).text

    def leave(_):
        raise RuntimeError("nobody waits any more")

    for _ in range(3):
        with pytest.raises(RuntimeError, match="nobody waits"):
            say(engine, grammar=of_schema(PLACE), sampling=WARM, on_token=leave)
    assert say(engine, grammar=of_schema(PLACE), sampling=WARM).text == before


def test_a_bound_that_cuts_a_form_is_told_and_one_that_just_holds_it_is_not(engine):
    whole = say(engine, grammar=of_schema({"const": "a few words of text"}))
    assert (whole.text, whole.finish_reason) == ('"a few words of text"', "stop")
    tokens = whole.generated_tokens
    assert say(engine, grammar=of_schema({"const": "a few words of text"}), max_tokens=tokens).finish_reason == "stop"
    cut = say(engine, grammar=of_schema({"const": "a few words of text"}), max_tokens=tokens - 1)
    assert cut.finish_reason == "length"
    assert whole.text.startswith(cut.text)
    free = say(engine, grammar=either_text_or(PLACE), max_tokens=1, sampling=WARM)
    assert free.finish_reason == "length", "a text may go on"


def test_a_form_that_has_no_end_is_cut_by_the_bound(engine):
    endless = {"type": "object", "properties": {"in": {"$ref": "#"}}, "required": ["in"]}
    said = say(engine, grammar=of_schema(endless), max_tokens=None)
    assert said.finish_reason == "length"
    assert said.prompt_tokens + said.generated_tokens >= 255


def test_where_the_end_is_to_be_ignored_a_form_still_ends(engine):
    said = say(engine, grammar=of_schema(PLACE), sampling=Sampling(ignore_end=True))
    assert said.finish_reason == "stop"
    json.loads(said.text)
    said = say(engine, grammar=either_text_or(PLACE), sampling=Sampling(ignore_end=True, logit_bias=((2, 100.0),)))
    assert (said.generated_tokens, said.finish_reason) == (64, "length")


def test_only_what_is_said_counts_and_no_control_token_passes_for_its_name(engine):
    grammar = 'root ::= ("<" | "|" | "im" | "_" | "start" | ">")+'
    for token in range(8):
        said = say(engine, grammar=grammar, sampling=Sampling(logit_bias=((token, 100.0),)), max_tokens=8)
        assert said.text, "control tokens are the likeliest here, and say nothing"
        assert set(said.text) <= set("<|imstar_>")


@pytest.mark.parametrize(
    "grammar", ["", "root ::= foo", 'foo ::= "a"', "root = 5", 'root ::= root "a" | "b"', 'root ::= "\ud800"', "a\0b"]
)
def test_what_is_no_grammar_is_refused(engine, grammar):
    with pytest.raises(BadInput):
        say(engine, grammar=grammar)
    assert say(engine).text, "the engine goes on"


def test_a_form_in_which_nothing_can_be_said_ends_the_reply(engine):
    said = say(engine, grammar='root ::= ""')
    assert (said.text, said.generated_tokens, said.finish_reason) == ("", 0, "stop")
    # The model's vocabulary has this character as bytes only, of which the last cannot be said without the others.
    assert say(engine, grammar='root ::= "\U0001f600"').text in ("", "\U0001f600")


def test_a_character_of_several_tokens_is_whole(engine):
    said = say(engine, grammar="root ::= [\\U0001F600-\\U0001F64F]{5}", sampling=WARM, likeliest=0)
    assert (len(said.text), said.finish_reason) == (5, "stop")
    assert all("\U0001f600" <= letter <= "\U0001f64f" for letter in said.text)
    assert b"".join(token.text for token in said.tokens).decode() == said.text
    assert len(said.tokens) == said.generated_tokens > 5


def test_a_script_has_no_other_form(engine):
    with pytest.raises(EngineError, match="word for word"):
        say(engine, grammar=of_any_object(), script="Hello.")


def test_tokens_are_told_with_the_models_own_probabilities(engine):
    plain = say(engine, sampling=Sampling(ignore_end=True), likeliest=3, max_tokens=12)
    assert b"".join(token.text for token in plain.tokens) == plain.text.encode()
    for token in plain.tokens:
        assert token.likeliest[0] == (token.text, token.logprob), "it was the likeliest"
        probabilities = [each for _, each in token.likeliest]
        assert probabilities == sorted(probabilities, reverse=True)
        assert sum(map(math.exp, probabilities)) <= 1.0 + 1e-9
        assert len(token.likeliest) == 3
    # They are those before temperature, penalties, biases and a form.
    biased = Sampling(temperature=5.0, top_k=1, seed=1, repeat_penalty=3.0, logit_bias=((2, -100.0),), ignore_end=True)
    first = say(engine, sampling=biased, likeliest=3, max_tokens=1).tokens[0]
    assert first.likeliest == plain.tokens[0].likeliest
    formed = say(engine, grammar=of_any_object(), likeliest=3, max_tokens=1).tokens[0]
    assert formed.likeliest == plain.tokens[0].likeliest
    assert formed.logprob < formed.likeliest[-1][1]
    assert say(engine, max_tokens=4).tokens == ()
    assert all(token.likeliest == () for token in say(engine, likeliest=0, max_tokens=4).tokens)
    scripted = say(engine, script="one two three", likeliest=1)
    assert b"".join(token.text for token in scripted.tokens).decode() == "one two three"


def test_all_tokens_together_are_certain(engine):
    words = 4096
    token = say(engine, likeliest=10**6, max_tokens=1, sampling=Sampling(ignore_end=True)).tokens[0]
    assert len(token.likeliest) == words
    assert math.fsum(math.exp(each) for _, each in token.likeliest) == pytest.approx(1)


def test_what_is_told_ends_where_a_stop_string_ends_the_reply(engine):
    script = "中文 one two three fourteen"
    for stop in ("two", "o th", "ree", "teen", "文 o", "中"):
        heard = []
        said = say(engine, script=script, likeliest=1, sampling=Sampling(stop=(stop,)), on_token=heard.append)
        assert said.text == script[: script.index(stop)] == "".join(heard)
        assert b"".join(token.text for token in said.tokens).decode() == said.text
        assert said.finish_reason == "stop"


def test_nothing_of_a_stop_string_is_ever_streamed_whichever_token_it_begins_in(engine):
    script = "a bb ccc a bb cd"
    for begin in range(len(script)):
        for end in range(begin + 1, len(script) + 1):
            heard = []
            stop = script[begin:end]
            said = say(engine, script=script, sampling=Sampling(stop=("not said", stop)), on_token=heard.append)
            assert "".join(heard) == said.text == script[: script.index(stop)]


def test_the_first_of_several_stop_strings_ends_a_reply(engine):
    said = say(engine, script="one two three", sampling=Sampling(stop=("three", "two three", "e t")))
    assert said.text == "on"


def test_a_bias_makes_a_token_certain_or_impossible(engine):
    free = say(engine, sampling=Sampling(ignore_end=True), max_tokens=4, likeliest=1)
    never = say(engine, sampling=Sampling(logit_bias=tuple((each, -100.0) for each in range(2048, 4096))), likeliest=1)
    assert never.text != free.text
    always = say(engine, sampling=Sampling(logit_bias=((1000, 100.0),)), max_tokens=5)
    warm = say(engine, sampling=Sampling(temperature=1.0, seed=1, logit_bias=((1000, 100.0),)), max_tokens=5)
    assert always.text == warm.text
    assert (
        len({token.text for token in say(engine, sampling=Sampling(logit_bias=((1000, 100.0),)), likeliest=0).tokens})
        == 1
    )


@pytest.mark.parametrize("bias", [(4096, 1.0), (-1, 1.0), (2**31, 1.0), (5, math.nan), (5, math.inf)])
def test_a_bias_of_what_is_no_token_or_no_number_is_refused(engine, bias):
    with pytest.raises(BadInput):
        say(engine, sampling=Sampling(logit_bias=(bias,)))
    assert say(engine).text


def test_an_engine_says_whether_it_heeds_a_form_and_refuses_one_that_it_does_not(engine):
    simulated = SimulatedEngine(SimulatedSettings())
    simulated.load()
    assert engine.heeds_grammars
    assert not simulated.heeds_grammars
    for more in ({"grammar": of_any_object()}, {"likeliest": 1}):
        with pytest.raises(EngineError, match="This engine cannot"):
            simulated.generate(Call(messages=ASKED, **more))


@pytest.mark.long
def test_a_real_model_fills_in_a_form(smollm2):
    messages = [Message("user", "Vera is 36 and lives in Lisbon. Say her age and her city in JSON.")]
    schema = {
        "type": "object",
        "properties": {
            "age": {"type": "integer", "minimum": 0, "maximum": 150},
            "city": {"type": "string", "maxLength": 40},
        },
        "required": ["age", "city"],
        "additionalProperties": False,
    }
    for made in (llama, batched):
        engine = made(smollm2)
        engine.load()
        try:
            said = engine.generate(Call(messages=messages, max_tokens=60, grammar=of_schema(schema), likeliest=2))
            assert said.finish_reason == "stop"
            assert json.loads(said.text).keys() == {"age", "city"}
            assert b"".join(token.text for token in said.tokens).decode() == said.text
            text = engine.generate(Call(messages=messages, max_tokens=20, grammar=either_text_or(schema)))
            assert text.text
        finally:
            engine.close()
