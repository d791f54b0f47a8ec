"""What a scripted engine says: the reply planned for what was asked, wherever in the prompt that stands."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systems.engines.interface import AsyncEngine, Call, Message
from systems.engines.llama import LlamaEngine, LlamaSettings
from systems.engines.scripted import EngineWork, Script, Scripts, scripted
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.errors import BadInput

QUESTION = st.text(alphabet="ab \n", min_size=1, max_size=12)
LINE = st.text(alphabet="ab ", min_size=1, max_size=6)
AROUND = st.text(alphabet="ab \nx", max_size=12)


def user(*contents):
    return [Message("user", content) for content in contents]


def call(*contents, **fields):
    return Call(messages=user(*contents), max_tokens=8, **fields)


def scripts(*planned):
    return Scripts(Script(session, question, replies) for session, question, *replies in planned)


class Heard(SimulatedEngine):
    """Notes every script it is made to say."""

    def __init__(self):
        super().__init__(SimulatedSettings(slots=4))
        self.load()
        self.said = []

    def generate(self, call):
        self.said.append(call.script)
        return super().generate(call)


class HeardAwaited(Heard, AsyncEngine):
    @property
    def samples_as_asked(self):
        return True

    async def reply(self, call):
        return self.generate(call)


# The question that was asked


@given(st.lists(LINE, min_size=1, max_size=5, unique=True), st.data())
def test_the_question_at_the_end_wins_over_everything_before_it(questions, data):
    plan = scripts(*(("s", each, f"reply to {each}") for each in questions))
    asked = data.draw(st.sampled_from(questions))
    notes = "".join(f"\n- {each}" for each in data.draw(st.permutations(questions)))
    history = user(*data.draw(st.lists(st.sampled_from(questions), max_size=3)))
    for text in (asked, f"[earlier notes:{notes}]\n{asked}"):
        found = plan.reply(Call(messages=[*history, *user(text)], max_tokens=1, conversation="s"))
        assert found == f"reply to {asked}"
    assert plan.unplanned == 0


@given(st.lists(QUESTION, min_size=1, max_size=5, unique=True), AROUND, AROUND, st.data())
def test_a_question_in_any_template_is_the_one_that_ends_last_and_the_longest_of_these(questions, before, after, data):
    plan = scripts(*(("s", each, each) for each in questions))
    text = before + data.draw(st.sampled_from(questions)) + after
    ends = {each: text.rfind(each) + len(each) for each in questions if each in text}
    last = max(ends.values())
    assert plan.reply(call(text, conversation="s")) == max((each for each in ends if ends[each] == last), key=len)


@given(st.lists(st.sampled_from("pqr"), min_size=1, max_size=4))
def test_where_the_last_message_holds_none_the_last_one_of_earlier_messages_is_taken(asked):
    plan = scripts(*(("s", each * 3, each) for each in "pqr"))
    messages = [*user(*(each * 3 for each in asked)), Message("assistant", "ppp"), *user("and so?")]
    assert plan.reply(Call(messages=messages, max_tokens=1)) == asked[-1]


def test_what_the_assistant_or_the_system_says_is_no_question():
    plan = scripts(("s", "Who?", "Vera"), ("s", "Where?", "Lisbon"))
    messages = [Message("system", "Where?"), *user("Who?"), Message("assistant", "Where?")]
    assert plan.reply(Call(messages=messages, max_tokens=1)) == "Vera"


def test_a_call_that_asks_nothing_planned_belongs_to_the_turn_under_way_in_its_session():
    plan = scripts(("s", "Who?", "one", "two"), ("t", "Where?", "elsewhere"))
    assert plan.reply(call("Who?", conversation="s")) == "one"
    assert plan.reply(call("Where?", conversation="t")) == "elsewhere"
    assert plan.reply(call("Summarise that.", conversation="s")) == "two"
    assert plan.unplanned == 0


def test_a_conversation_hears_its_own_script_and_one_that_nobody_planned_hears_the_questions():
    plan = scripts(("s", "Who?", "to s"), ("t", "Who?", "to t"), ("t", "Where?", "Lisbon"))
    assert plan.reply(call("Who?", conversation="s")) == "to s"
    assert plan.reply(call("Who?", conversation="t")) == "to t"
    assert plan.reply(call("Where?")) == plan.reply(call("Where?", conversation="a digest")) == "Lisbon"


def test_a_conversation_under_a_name_of_its_own_is_known_by_what_it_asked():
    plan = scripts(("s", "Who?", "one", "two"), ("t", "Where?", "elsewhere"))
    said = [plan.reply(call(text, conversation="mine")) for text in ("Who?", "Sum that up.", "Where?", "And now?")]
    assert said == ["one", "two", "elsewhere", "elsewhere"]
    assert plan.unplanned == 0
    plan.reply(call("Sum that up.", conversation="somebody else's"))
    assert plan.unplanned == 1


# The step


@given(st.lists(LINE, min_size=1, max_size=4), st.integers(1, 9))
def test_the_calls_of_a_turn_say_its_replies_in_order_and_begin_again(replies, calls):
    plan = scripts(("s", "Who?", *replies))
    said = [plan.reply(call("Who?", conversation="s")) for _ in range(calls)]
    assert said == [replies[number % len(replies)] for number in range(calls)]


def test_a_call_may_say_which_of_its_turn_it_is():
    plan = scripts(("s", "Who?", "one", "two", "three"))
    assert [plan.reply(call("Who?", step=step)) for step in (2, 0, 4)] == ["three", "one", "two"]


def test_a_turn_taken_up_again_begins_with_its_first_reply():
    plan = scripts(("s", "Who?", "one", "two"), ("s", "Where?", "Lisbon"))
    said = [plan.reply(call(text, conversation="s")) for text in ("Who?", "Where?", "Who?", "Who?")]
    assert said == ["one", "Lisbon", "one", "two"]


def test_a_question_planned_twice_is_answered_the_same_each_time():
    plan = scripts(("s", "Who?", "Vera"), ("s", "Who?", "Vera"))
    assert [plan.reply(call("Who?", conversation="s")) for _ in range(3)] == ["Vera"] * 3


# What nobody planned


def test_a_call_of_no_turn_is_counted_and_gets_as_many_tokens_as_it_may_have():
    plan = scripts(("s", "Who?", "Vera"))
    engine = scripted(Heard(), plan)
    for tokens in (1, 24, 500):
        said = engine.generate(Call(messages=user("Something else?"), max_tokens=tokens))
        assert (said.generated_tokens, said.finish_reason) == (tokens, "length")
    assert plan.unplanned == 3


def test_so_it_does_of_a_real_vocabulary(tiny_model):
    settings = LlamaSettings(model_path=str(tiny_model), context_tokens=512, threads=1)
    engine = scripted(LlamaEngine(settings), scripts(("s", "Who?", "Vera")))
    engine.load()
    try:
        said = engine.generate(Call(messages=user("Something else?"), max_tokens=200))
    finally:
        engine.close()
    assert (said.generated_tokens, said.finish_reason) == (200, "length")


def test_without_a_plan_the_engine_generates_freely():
    engine, plan = Heard(), scripts(("s", "Who?", "Vera"))
    around = scripted(engine, plan)
    around.generate(call("Who?"))
    plan.clear()
    around.generate(call("Who?"))
    assert engine.said == ["Vera", None]
    assert plan.unplanned == 0


@pytest.mark.parametrize("script", [("s", "", "reply"), ("s", "Who?")])
def test_a_script_of_nothing_is_refused(script):
    with pytest.raises(BadInput):
        scripts(script)


# The engine around an engine


async def test_it_can_be_awaited_exactly_if_the_inner_engine_can():
    plan = scripts(("s", "Who?", "Vera"))
    blocking, awaited = scripted(Heard(), plan), scripted(HeardAwaited(), plan)
    assert not isinstance(blocking, AsyncEngine)
    assert isinstance(awaited, AsyncEngine)
    assert (blocking.samples_as_asked, awaited.samples_as_asked) == (False, True)
    replies = [blocking.generate(call("Who?")), awaited.generate(call("Who?")), await awaited.reply(call("Who?"))]
    assert [reply.text for reply in replies] == ["Vera"] * 3
    assert (blocking.identity, blocking.parallelism) == ("simulated", 4)


def test_a_script_that_the_call_brings_is_kept():
    engine = Heard()
    scripted(engine, scripts(("s", "Who?", "Vera"))).generate(call("Who?", script="somebody else"))
    assert engine.said == ["somebody else"]


async def test_what_the_engine_did_is_counted_whoever_asked_it():
    plan = scripts(("s", "Who?", "Vera is it"))
    assert plan.work is None
    said = [scripted(Heard(), plan).generate(call("Who?")), await scripted(HeardAwaited(), plan).reply(call("Who?"))]
    assert plan.work == EngineWork(
        calls=2,
        prompt_tokens=sum(each.prompt_tokens for each in said),
        generated_tokens=sum(each.generated_tokens for each in said),
    )


def test_a_call_that_fails_was_begun_and_generated_nothing():
    plan = scripts(("s", "Who?", "Vera"))
    with pytest.raises(RuntimeError):
        scripted(Heard(), plan).generate(call("Who?", check=_gone))
    assert plan.work == EngineWork(calls=1)


def test_what_is_planned_is_said_whatever_form_was_asked_for():
    formed = call("Who?", grammar='root ::= "x"')
    assert scripted(Heard(), scripts(("s", "Who?", "Vera"))).generate(formed).text == "Vera"
    assert Scripts().scripted(formed) is formed


def _gone():
    raise RuntimeError("nobody waits any more")


def test_many_threads_may_plan_and_ask_at_once():
    plan, wrong, ready = Scripts(), [], threading.Barrier(8)

    def one(number):
        ready.wait()
        for turn in range(200):
            question = f"What of {number} at {turn}?"
            plan.add(f"user-{number}", question, [question])
            if plan.reply(call(f"[notes]\n{question}", conversation=f"user-{number}")) != question:
                wrong.append(question)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (wrong, plan.unplanned) == ([], 0)
