"""A prompt that does not fit: history leaves first, then notes; a question is refused only if it is too long itself."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from systems.engines.fitting import ever_shorter, fitted
from systems.engines.interface import Call, Message
from systems.errors import PromptTooLong
from systems.interface import Observed
from systems.turn import prompt
from systems.turn.layouts import LAYOUTS

SEEN = Observed("9:30", "disk 50 %", "neutral")


def tokens(messages):
    return list(range(sum(len(message.content) for message in messages)))


def a_call(history, memories, question, max_tokens=10, layout="bracketed"):
    said = [Message("user" if number % 2 == 0 else "assistant", "x" * size) for number, size in enumerate(history)]
    return Call(
        messages=prompt.build(layout, said, memories, SEEN, question),
        shorter=lambda: prompt.shorter(layout, memories, SEEN, question),
        max_tokens=max_tokens,
    )


ALONE = {layout: len(tokens(prompt.build(layout, [], [], SEEN, ""))) for layout in LAYOUTS}


BOUNDS = st.one_of(st.none(), st.integers(1, 2000), st.just(10**9))


@given(
    history=st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=9).map(lambda pairs: sum(pairs, ())),
    memories=st.lists(st.text("ab", max_size=60), max_size=4),
    question=st.text("ab", max_size=80),
    room=st.integers(0, 1500),
    max_tokens=BOUNDS,
    script=st.one_of(st.just(0), st.integers(1, 300)),
    layout=st.sampled_from([*LAYOUTS]),
)
def test_the_oldest_leaves_and_then_the_weakest_but_no_more_than_a_modest_reply_or_a_script_needs(
    history, memories, question, room, max_tokens, script, layout
):
    call = a_call(history, memories, question, max_tokens, layout)
    context = ALONE[layout] + room
    least = [(call.messages[0], call.messages[-1]), *call.shorter()]
    alone = min(len(tokens(messages)) for messages in least)
    bound = context if max_tokens is None else max_tokens
    said = min(bound, max(script, 16))
    if alone + said > context:  # and only then
        with pytest.raises(PromptTooLong, match=f"maximum context length is {context} tokens"):
            fitted(call, tokens, context, script)
        return
    found = fitted(call, tokens, context, script)
    # What is left fits, with a reply of as many tokens as there is room for, and a script whole.
    assert said <= found.room <= bound
    assert len(found.prompt) + found.room <= context
    assert found.room == bound or len(found.prompt) + found.room == context
    # What has left is the oldest, eight together until an exchange at a time must, and then the weakest.
    last_eight = max(len(history) - 1, 0) // 8 * 8
    may_leave = (*range(0, last_eight + 1, 8), *range(last_eight + 2, len(history), 2), len(history))
    assert found.dropped_messages in may_leave
    assert not found.dropped_notes or found.dropped_messages == len(history)
    assert found.dropped_notes <= len(memories)

    def prompt_without(messages, notes):
        first, last = [(call.messages[0], call.messages[-1]), *call.shorter()][notes]
        return tokens([first, *call.messages[1:-1][messages:], last])

    assert found.prompt == prompt_without(found.dropped_messages, found.dropped_notes)
    # No more than needed: with the last that left there would not have been what is reserved.
    reserved = max(said, min(bound, context // 8))
    if found.dropped_notes:
        one_more = prompt_without(len(history), found.dropped_notes - 1)
    elif found.dropped_messages:
        one_more = prompt_without(may_leave[may_leave.index(found.dropped_messages) - 1], 0)
    else:
        return
    assert len(one_more) + reserved > context


@given(context=st.integers(512, 4096), max_tokens=st.integers(1, 64), script=st.integers(64, 300))
def test_a_timed_call_gives_way_for_its_bound_as_it_did_when_bounds_were_reserved_whole(context, max_tokens, script):
    call = a_call([60] * 40, ["ab" * 30] * 3, "why?", max_tokens)
    found = fitted(call, tokens, context, script)
    assert found.room >= max_tokens
    for count in (*range(0, 33, 8), 34, 36, 38, 40):
        left = tokens([call.messages[0], *call.messages[1:-1][count:], call.messages[-1]])
        if len(left) + max_tokens <= context:
            assert (found.dropped_messages, found.prompt) == (count, left)
            return
    assert found.dropped_messages == 40


def test_of_a_short_history_of_long_messages_only_an_exchange_leaves():
    alone = len(tokens(a_call([], [], "why?").messages))
    found = fitted(a_call([300, 300, 300, 300], [], "why?", None), tokens, alone + 1024)
    assert found.dropped_messages == 2


def test_what_is_tried_gets_ever_shorter_and_keeps_the_system_prompt_and_the_question():
    tried = list(ever_shorter(a_call([5] * 10, ["one", "two"], "why?")))
    sizes = [len(tokens(each.messages)) for each in tried]
    assert sizes == sorted(sizes, reverse=True)
    assert [(each.dropped_messages, each.dropped_notes) for each in tried] == [
        (0, 0),
        (6, 0),
        (10, 0),
        (10, 1),
        (10, 2),
    ]
    for each in tried:
        assert each.messages[0].role == "system"
        assert each.messages[-1].content.endswith("]\nwhy?")
        assert [message.role for message in each.messages[1:]] == ["user", "assistant"] * (
            len(each.messages) // 2 - 1
        ) + ["user"]
    assert len(list(ever_shorter(Call(messages=[Message("user", "hi")], max_tokens=1)))) == 1


@given(history=st.lists(st.integers(0, 50), max_size=6), room=st.integers(0, 400), max_tokens=BOUNDS)
def test_where_no_message_may_be_left_out_only_notes_are_and_else_it_is_refused(history, room, max_tokens):
    call = msgspec.structs.replace(a_call(history, ["a"], "b", max_tokens), all_messages=True)
    context = ALONE["bracketed"] + room
    whole = tokens(call.messages)
    least = min(context if max_tokens is None else max_tokens, 16)
    every, without_note = (shortened.messages for shortened in ever_shorter(call))
    assert every == call.messages
    assert [message.role for message in without_note] == [message.role for message in every]
    assert without_note[1:-1] == every[1:-1]
    bare = tokens(without_note)
    if min(len(bare), len(whole)) + least > context:
        with pytest.raises(PromptTooLong, match="none may be left out"):
            fitted(call, tokens, context)
    else:
        found = fitted(call, tokens, context)
        fits = len(whole) + least <= context
        assert (found.prompt, found.dropped_messages, found.dropped_notes) == ((whole, 0, 0) if fits else (bare, 0, 1))
        assert found.room >= least


@pytest.mark.parametrize("whole", [False, True])
def test_notes_of_earlier_turns_leave_before_any_message_does(whole):
    grown = a_call([200, 10, 200, 10], [], "why?", layout="list")
    bare = a_call([20, 10, 20, 10], [], "why?", layout="list")
    call = msgspec.structs.replace(grown, bare=lambda: bare.messages, all_messages=whole)
    size = len(tokens(bare.messages))
    assert fitted(call, tokens, len(tokens(grown.messages)) + 32).prompt == tokens(grown.messages)
    found = fitted(call, tokens, size + 32)
    assert (len(found.prompt), found.dropped_messages, found.dropped_notes) == (size, 0, 0)
    if whole:
        with pytest.raises(PromptTooLong, match=f"a prompt of {size} tokens"):
            fitted(call, tokens, size)
    else:
        assert fitted(call, tokens, size).dropped_messages == 2
    assert [*ever_shorter(call)][1].messages == bare.messages
