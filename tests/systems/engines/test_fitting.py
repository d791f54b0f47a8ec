"""A prompt that does not fit: history leaves first, then notes; a question is refused only if it is too long itself."""

from __future__ import annotations

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


@given(
    history=st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=9).map(lambda pairs: sum(pairs, ())),
    memories=st.lists(st.text("ab", max_size=60), max_size=4),
    question=st.text("ab", max_size=80),
    room=st.integers(0, 700),
    layout=st.sampled_from([*LAYOUTS]),
)
def test_what_leaves_is_the_oldest_and_then_the_weakest_and_a_question_that_fits_is_never_refused(
    history, memories, question, room, layout
):
    call = a_call(history, memories, question, layout=layout)
    context = ALONE[layout] + room + call.max_tokens
    *_, alone = ever_shorter(call)
    if len(question) > room and len(tokens(alone.messages)) + call.max_tokens > context:
        with pytest.raises(PromptTooLong):
            fitted(call, tokens, context)
        return
    found = fitted(call, tokens, context)
    assert len(found.prompt) + call.max_tokens <= context
    assert found.dropped_messages in (*range(0, len(history), 8), len(history))
    assert not found.dropped_notes or found.dropped_messages == len(history)
    assert found.dropped_notes <= len(memories)
    first, *said, last = call.messages
    first, last = [(first, last), *call.shorter()][found.dropped_notes]
    assert found.prompt == tokens([first, *said[found.dropped_messages :], last])
    assert found.dropped_messages or found.dropped_notes or found.prompt == tokens(call.messages)


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
