"""The semantic cache serves what means the same, in its scope and its bounds, and nothing that was forgotten."""

import random
import threading

import pytest

from systems.errors import BadInput
from systems.interface import Reply, Source
from systems.tiered.semantic.cache import SemanticCache
from systems.tiered.semantic.scopes import Scopes
from systems.tiered.semantic.thresholds import Threshold
from tests.systems.tiered.semantic.letters import LetterPairs

NEAR = Threshold(similarity=0.5, least_shared=1.0)


def cache(**options):
    return SemanticCache(options.pop("encoder", None) or LetterPairs(), threshold=NEAR, **options)


def reply(text, **more):
    return Reply(request_id="", text=text, source=Source.MODEL, **more)


def test_other_words_for_the_same_are_served():
    one = cache()
    one.put("s", "How do I reset the password of a router?", reply("Hold the button."))
    hit = one.get("s", "How can I reset a router's password?")
    assert hit is not None
    assert hit.reply.text == "Hold the button."
    assert hit.question == "How do I reset the password of a router?"
    assert 0.5 <= hit.similarity <= 1.0


@pytest.mark.parametrize(
    "asked",
    [
        "How far is Bergen from Berlin?",
        "How far is Bremen from Bergen?",
        "Why is Bremen far from Berlin?",
    ],
)
def test_near_is_not_enough(asked):
    one = cache()
    one.put("s", "How far is Bremen from Berlin?", reply("Far."))
    assert one.get("s", asked) is None


def test_other_scopes_are_never_served():
    one = cache()
    one.put("Ann", "Who founded the Kestrix company?", reply("Joan Ferris."))
    assert one.get("Ben", "Who founded the Kestrix company?") is None


def test_nothing_of_one_person_is_served_to_another_in_ten_thousand_tries():
    rng, one, scopes = random.Random(7), cache(capacity=200), Scopes()
    verbs, things = "reset open paint repair".split(), "router printer boat door lamp".split()
    served = 0
    for number in range(10_000):
        person, question = f"person {rng.randrange(20)}", f"How do I {rng.choice(verbs)} a {rng.choice(things)}?"
        scope = scopes.scope(person)
        hit = one.get(scope, question)
        if hit is None:
            one.put(scope, question, reply(person))
        else:
            served += 1
            assert hit.reply.text == person
        if number % 97 == 0:
            scopes.said(person, "I moved to another flat.")
    assert served > 100


def test_what_was_told_since_ends_what_may_be_served():
    one, scopes = cache(), Scopes()
    one.put(scopes.scope("Ann"), "What is the capital of Chile?", reply("Santiago."))
    scopes.said("Ann", "Which river flows through Harlow?")
    assert one.get(scopes.scope("Ann"), "What is the capital of Chile?") is not None
    scopes.said("Ann", "Please answer in French from now on.")
    assert one.get(scopes.scope("Ann"), "What is the capital of Chile?") is None


@pytest.mark.parametrize(
    "given",
    [
        reply("From notes.", memories=("I live in Rome.",)),
        reply("Cut", finish_reason="length"),
        reply("Short of history", dropped_messages=2),
    ],
)
def test_a_reply_that_rests_on_more_than_the_question_is_not_stored(given):
    one = cache()
    one.put("s", "What is the capital of Chile?", given)
    assert len(one) == 0


def test_both_bounds_hold_and_the_one_not_asked_for_the_longest_leaves():
    one = cache(capacity=2)
    for place in ("Chile", "Kenya"):
        one.put("s", f"What is the capital of {place}?", reply(place))
    assert one.get("s", "What is the capital of Chile?") is not None
    one.put("s", "What is the capital of Nepal?", reply("Nepal"))
    assert one.get("s", "What is the capital of Kenya?") is None
    assert len(one) == 2
    small = cache(max_bytes=30_000)
    for number in range(50):
        small.put("s", f"What is the {number}th word of Hamlet?", reply("x" * 100))
    assert 0 < len(small) < 50
    assert small.bytes <= 30_000
    small.put("s", "What is the capital of Chile?", reply("x" * 30_000))
    assert small.get("s", "What is the capital of Chile?") is None


def test_a_smaller_cache_lets_go_at_once():
    one = cache()
    for place in ("Chile", "Kenya", "Nepal"):
        one.put("s", f"What is the capital of {place}?", reply(place))
    one.resize(1)
    assert len(one) == 1
    one.resize(0)
    assert (len(one), one.bytes) == (0, 0)


def test_what_is_forgotten_is_gone_and_what_was_being_made_is_not_stored():
    one = cache()
    cleared = one.cleared
    one.put("s", "What is the capital of Chile?", reply("Santiago."))
    one.clear()
    assert one.get("s", "What is the capital of Chile?") is None
    one.put("s", "What is the capital of Chile?", reply("Santiago."), cleared=cleared)
    assert (len(one), one.bytes) == (0, 0)


def test_a_scope_is_forgotten_alone():
    one = cache()
    for scope in ("a", "b"):
        one.put(scope, "What is the capital of Chile?", reply("Santiago."))
    one.forget("a")
    assert one.get("a", "What is the capital of Chile?") is None
    assert one.get("b", "What is the capital of Chile?") is not None


def test_a_reply_expires():
    now = [0.0]
    one = cache(seconds=10.0, clock=lambda: now[0])
    one.put("s", "What is the capital of Chile?", reply("Santiago."))
    now[0] = 9.0
    assert one.get("s", "What is the capital of Chile?") is not None
    now[0] = 10.0
    assert one.get("s", "What is the capital of Chile?") is None
    assert len(one) == 0


def test_hashing_finds_what_lies_on_the_same_sides():
    one = cache(search="hashed")
    one.put("s", "How do I reset a router's password?", reply("Hold the button."))
    assert one.get("s", "How do I reset a router's password?") is not None
    one.clear()
    assert one.get("s", "How do I reset a router's password?") is None


def test_an_encoder_of_latin_letters_is_not_asked_in_others():
    encoder = LetterPairs(latin_only=True)
    one = cache(encoder=encoder)
    one.put("s", "法国的首都是哪里？", reply("巴黎。"))
    assert (one.get("s", "法国的首都是哪里？"), encoder.read) == (None, 0)
    assert one.counts["refused"] == 1


def test_a_question_is_read_once_for_asking_and_storing():
    encoder = LetterPairs()
    one = cache(encoder=encoder)
    one.put("s", "What is the capital of Kenya?", reply("Nairobi."))
    one.get("s", "What is the capital of Chile?")
    one.put("s", "What is the capital of Chile?", reply("Santiago."))
    assert encoder.read == 2


def test_an_encoder_without_a_measured_threshold_is_refused_in_a_sentence():
    with pytest.raises(BadInput, match="no measured threshold for the encoder letters"):
        SemanticCache(LetterPairs())


def test_threads_share_it():
    one = cache(capacity=20, search="hashed")
    failed = []

    def ask(number):
        rng = random.Random(number)
        try:
            for _ in range(200):
                question = f"What is the {rng.randrange(40)}th word of Hamlet?"
                if one.get("s", question) is None:
                    one.put("s", question, reply(question))
                if rng.random() < 0.02:
                    one.clear()
        except Exception as error:  # noqa: BLE001 - any is a failure
            failed.append(error)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    one.clear()
    assert one.bytes == 0
