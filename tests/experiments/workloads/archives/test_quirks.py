"""What files of the published formats have that their descriptions do not mention."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.workloads.archives import read
from experiments.workloads.archives.interface import Archive
from experiments.workloads.archives.parsing import date
from systems.errors import BadInput
from tests.experiments.workloads.archives.files import LOCOMO, written

HOUR_S, DAY_S = 3600.0, 86_400.0


def locomo(path: Path, conversation: dict[str, Any], *questions: dict[str, Any]) -> Archive:
    [archive] = read(written(path / "locomo.json", [{"conversation": conversation, "qa": list(questions)}]))
    return archive


def turn(text: object, number: object = None, **more: object) -> dict[str, object]:
    return {"speaker": "Ada", "text": text, "dia_id": number, **more}


def longmemeval(path: Path, sessions: list[Any], **more: object) -> Archive:
    entry = {"question_id": "q", "question_type": "t", "question": "What?", "haystack_sessions": sessions, **more}
    [archive] = read(written(path / "longmemeval.json", [entry]))
    return archive


@pytest.mark.parametrize(
    ("written_as", "read_as"),
    [
        (["D1:1"], ("D1:1",)),
        (["D1:1; D1:2"], ("D1:1", "D1:2")),
        (["D1:1 D1:2", "D1:3"], ("D1:1", "D1:2", "D1:3")),
        ("D1:1, D1:2", ("D1:1", "D1:2")),
        ("['D1:1', 'D1:2']", ("D1:1", "D1:2")),
        (["D:1:3"], ("D1:3",)),
        (["D1:02"], ("D1:2",)),
        (["d1:2", "D1:2"], ("D1:2",)),
        (["D", "D1:2"], ("D1:2",)),
        (["D9:9", "D1:2", None], ("D1:2",)),
    ],
)
def test_evidence_is_read_however_it_is_written(written_as: object, read_as: tuple[str, ...], tmp_path: Path) -> None:
    said = {"session_1": [turn(f"line {n}", f"D1:{n}") for n in (1, 2, 3)]}
    archive = locomo(tmp_path, said, {"question": "What?", "category": 1, "evidence": written_as})

    assert [question.evidence for question in archive.questions] == [read_as]


@pytest.mark.parametrize("evidence", [["t2"], "t2", "['t2']", [" t2 "], ["t2; nobody"]])
def test_ids_of_another_form_are_ids(evidence: object, tmp_path: Path) -> None:
    said = {"session_1": [turn("one", "t1"), turn("two", "t2")]}
    archive = locomo(tmp_path, said, {"question": "What?", "category": 1, "evidence": evidence})

    assert [question.evidence for question in archive.questions] == [("t2",)]


def test_ids_of_evidence_that_no_turn_has_are_counted(tmp_path: Path) -> None:
    question = {"question": "What?", "category": 1, "evidence": ["D1:1", "D7:7", "D"]}

    assert locomo(tmp_path, {"session_1": [turn("one", "D1:1")]}, question).left_out == {
        "ids of evidence that no turn has": 2
    }


def test_a_turn_without_an_id_has_its_place(tmp_path: Path) -> None:
    archive = locomo(
        tmp_path,
        {"session_3": [turn("one"), {"speaker": "Ben", "text": "two"}]},
        {"question": "What?", "category": 4, "evidence": ["D3:2"]},
    )

    assert [turn.id for turn in archive.turns] == ["D3:1", "D3:2"]
    assert archive.questions[0].evidence == ("D3:2",)


def test_photographs_have_captions_and_what_says_nothing_is_left_out(tmp_path: Path) -> None:
    said = [
        turn("", "D1:1", blip_caption="a red kite", img_url=["x"]),
        turn("Look!", "D1:2", blip_caption=None),
        turn(None, "D1:3", img_url=["x"]),
        turn("  ", "D1:4"),
        turn(float("nan"), "D1:5"),
        turn(2022, "D1:6"),
        {"dia_id": "D1:7", "text": "Who said this?"},
        None,
        "no turn",
    ]
    archive = locomo(tmp_path, {"session_1": said, "session_2": float("nan"), "session_4_date_time": "1 May, 2023"})

    assert [turn.text for turn in archive.turns] == ["Ada: [a red kite]", "Ada: Look!", "Ada: 2022", "Who said this?"]
    assert [turn.speaker for turn in archive.turns] == ["Ada", "Ada", "Ada", ""]
    assert archive.left_out == {"turns without text": 3, "entries that are no turn": 2}


@pytest.mark.parametrize("category", [None, "", float("nan"), [], 7, "2", 2.0, "5", "adversarial"])
def test_a_category_may_be_anything(category: object, tmp_path: Path) -> None:
    archive = locomo(
        tmp_path, {"session_1": [turn("one", "D1:1")]}, {"question": "?", "category": category, "evidence": ["D1:1"]}
    )

    kinds = {"2": ["temporal"], "2.0": ["temporal"], "7": ["7"], "5": [], "adversarial": []}
    assert [question.kind for question in archive.questions] == kinds.get(str(category), ["other"])


def test_questions_that_cannot_be_graded_are_counted_by_reason(tmp_path: Path) -> None:
    said = {"session_1": [turn("one", "D1:1")]}
    archive = locomo(
        tmp_path,
        said,
        {"question": None, "category": 1, "evidence": ["D1:1"]},
        {"question": "Without evidence?", "category": 1},
        {"question": "Its evidence is nothing?", "category": 1, "evidence": float("nan")},
        {"question": "Nowhere?", "category": 1, "evidence": ["D2:2"]},
        {"question": "Never said?", "category": 5, "evidence": ["D1:1"]},
    )

    assert not archive.questions
    assert archive.left_out == {
        "questions without text": 1,
        "questions that name no turn with the answer": 2,
        "questions whose named turns are not there": 1,
        "questions that nothing answers, as their makers say": 1,
    }


def test_a_session_or_an_id_that_comes_twice_is_one(tmp_path: Path) -> None:
    said = [turn("one", "D1:1"), turn("two", "D1:2")]
    archive = locomo(tmp_path, {"session_1": said, "session_2": said, "session_3": [turn("three", "D1:2")]})

    assert [turn.text for turn in archive.turns] == ["Ada: one", "Ada: two", "Ada: three"]
    assert len({turn.id for turn in archive.turns}) == 3
    assert archive.left_out == {"sessions listed twice": 1, "ids of a turn that another one has": 1}


def test_turns_follow_each_other_by_seconds_from_their_sessions_date(tmp_path: Path) -> None:
    [archive] = read(written(tmp_path / "locomo.json", LOCOMO))

    began = date("2023-05-08T13:56"), date("2023-06-12T09:05")
    assert [(turn.session, turn.said_at) for turn in archive.turns] == [
        ("session_1", began[0]),
        ("session_1", began[0] + 1),
        ("session_2", began[1]),
        ("session_2", began[1] + 1),
    ]
    assert archive.undated == 0


@pytest.mark.parametrize(
    "dates",
    [
        [None, None, None, None],
        ["1:00 pm on 8 May, 2023", None, "2:00 pm on 8 May, 2023", None],  # one between two that are an hour apart
        [None, "at noon", "1:00 pm on 8 May, 2023", float("nan")],
        ["1:00 pm on 8 May, 2023"] * 4,
        ["1:00 pm on 8 May, 2023", "1:20 pm on 8 May, 2023", "1:40 pm on 8 May, 2023", ""],
    ],
)
def test_sessions_are_more_than_an_hour_apart_in_their_order(dates: list[object], tmp_path: Path) -> None:
    conversation: dict[str, Any] = {}
    for number, said in enumerate(dates, 1):
        conversation[f"session_{number}"] = [turn(f"{number}.{place}") for place in range(3)]
        conversation[f"session_{number}_date_time"] = said
    archive = locomo(tmp_path, conversation)

    assert [turn.session for turn in archive.turns] == [f"session_{n}" for n in (1, 2, 3, 4) for _ in range(3)]
    for before, after in pairwise(archive.turns):
        apart = after.said_at - before.said_at
        assert apart == 1 if before.session == after.session else apart > HOUR_S
    assert archive.undated == sum(date(said) is None for said in dates)


def test_without_dates_sessions_are_a_day_apart(tmp_path: Path) -> None:
    archive = locomo(tmp_path, {f"session_{number}": [turn("one"), turn("two")] for number in (1, 2, 11)})

    assert [turn.said_at for turn in archive.turns] == [0.0, 1.0, DAY_S, DAY_S + 1, 2 * DAY_S, 2 * DAY_S + 1]


def test_sessions_out_of_order_are_put_in_the_order_of_their_dates(tmp_path: Path) -> None:
    said = [[{"role": "user", "content": text}] for text in ("third", "first", "second")]
    archive = longmemeval(
        tmp_path,
        said,
        haystack_session_ids=["a", "b", "c"],
        haystack_dates=["2023/05/22 (Mon) 10:00", "2023/05/20 (Sat) 02:21", "2023/05/20 (Sat) 02:21"],
    )

    assert [turn.text for turn in archive.turns] == ["first", "second", "third"]
    assert archive.turns[1].said_at - archive.turns[0].said_at > HOUR_S


def test_roles_and_marks_of_histories_may_be_anything(tmp_path: Path) -> None:
    said = [
        {"role": "system", "content": "Be helpful.", "has_answer": False},
        {"role": "User", "content": "I play the oboe.", "has_answer": None},
        {"role": "assistant", "content": "Nice.", "has_answer": None},
        {"role": "user", "content": "Every day.", "has_answer": True},
        {"content": "Nobody said this."},
        {"role": "user", "content": None},
    ]
    archive = longmemeval(tmp_path, [said, None, []], haystack_session_ids=None, haystack_dates=[])

    assert [turn.text for turn in archive.turns] == ["I play the oboe.", "Every day."]
    assert [question.evidence for question in archive.questions] == [(archive.turns[1].id,)]
    assert archive.left_out == {"turns without text": 1}


def test_a_history_that_holds_a_session_twice_holds_it_once(tmp_path: Path) -> None:
    tides = [{"role": "user", "content": "Tell me about tides."}]
    oboe = [{"role": "user", "content": "I play the oboe.", "has_answer": True}]
    archive = longmemeval(tmp_path, [tides, oboe, tides, oboe], haystack_session_ids=["s1", "s2", "s1", "s3"])

    assert [turn.text for turn in archive.turns] == ["Tell me about tides.", "I play the oboe.", "I play the oboe."]
    assert len(archive.questions[0].evidence) == 2  # another session in which the same is said
    assert archive.left_out == {"sessions listed twice": 1}


def test_what_only_the_assistant_said_is_told_apart(tmp_path: Path) -> None:
    said = [{"role": "user", "content": "Which?"}, {"role": "assistant", "content": "An oboe.", "has_answer": True}]

    assert longmemeval(tmp_path, [said]).left_out == {"questions whose answer only the assistant gave": 1}


@pytest.mark.parametrize(
    "written_as",
    [
        *("1:56 pm on 8 May, 2023", "1:56 PM on 8 May 2023", "01:56 pm on 08 May, 2023", "2023/05/08 (Mon) 13:56"),
        *("2023/05/08 13:56", "2023-05-08T13:56:00Z", "2023-05-08 15:56+02:00", 1_683_554_160, 1_683_554_160.0),
    ],
)
def test_a_date_is_read_however_it_is_written(written_as: object) -> None:
    assert date(written_as) == 1_683_554_160.0


@pytest.mark.parametrize(
    "nothing", [None, "", "soon", float("nan"), float("inf"), 1e300, True, [], "99:99 on 8 May, 2023"]
)
def test_what_is_no_date_is_none(nothing: object) -> None:
    assert date(nothing) is None


def test_nan_a_byte_order_mark_and_halves_of_characters_do_no_harm(tmp_path: Path) -> None:
    text = '[{"conversation": {"session_1": [{"text": "half \\ud83d", "blip_caption": NaN}]}, "qa": []}]'
    (tmp_path / "odd.json").write_bytes(b"\xef\xbb\xbf" + text.encode())
    [archive] = read(tmp_path / "odd.json")

    assert archive.turns[0].text.encode() == b"half ?"


@pytest.mark.parametrize("form", ["one object", "a line each"])
def test_a_published_file_may_be_one_object_or_json_lines(form: str, tmp_path: Path) -> None:
    path = tmp_path / "locomo.json"
    path.write_text(json.dumps(LOCOMO[0]) + ("" if form == "one object" else "\n\n" + json.dumps(LOCOMO[0]) + "\n"))

    assert [len(archive.turns) for archive in read(path)] == ([4] if form == "one object" else [4, 4])


def test_a_line_that_is_broken_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.jsonl").write_text(json.dumps(LOCOMO[0]) + "\n{")

    with pytest.raises(BadInput, match="line 2"):
        read(tmp_path / "broken.jsonl")


def test_a_file_in_which_nobody_says_anything_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="nobody says anything"):
        locomo(tmp_path, {"session_1": [turn("")]})


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["D1:1", "user", "1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                "speaker text dia_id role content has_answer question evidence category said_at session id".split()
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
ENTRIES = st.one_of(
    st.fixed_dictionaries(
        {"conversation": st.dictionaries(st.sampled_from(["session_1", "session_2", "session_1_date_time"]), ANYTHING)},
        optional={"qa": st.lists(ANYTHING, max_size=3), "sample_id": ANYTHING},
    ),
    st.fixed_dictionaries(
        {"question": ANYTHING, "haystack_sessions": st.lists(ANYTHING, max_size=3)},
        optional=dict.fromkeys(("question_id", "haystack_session_ids", "haystack_dates"), ANYTHING),
    ),
    st.fixed_dictionaries({"turns": st.lists(ANYTHING, max_size=3), "questions": st.lists(ANYTHING, max_size=3)}),
    ANYTHING,
)


@settings(max_examples=300, deadline=None)
@given(st.lists(ENTRIES, max_size=2) | ENTRIES)
def test_whatever_a_file_holds_it_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: object) -> None:
    try:
        found = read(written(tmp_path_factory.getbasetemp() / "anything.json", content))
    except BadInput:
        return

    for archive in found:
        known = {turn.id for turn in archive.turns}
        assert len(known) == len(archive.turns)
        assert all(turn.text for turn in archive.turns)
        assert all(after.said_at > before.said_at for before, after in pairwise(archive.turns))
        assert all(one.text and one.evidence and set(one.evidence) <= known for one in archive.questions)
