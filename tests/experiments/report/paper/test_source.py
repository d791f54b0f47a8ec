import pytest

from experiments.report.paper import declared, source
from experiments.report.paper.build import SOURCE
from systems.errors import BadInput

ALLOWED = {"4 GB": "the profile", "S0-time": "a claim's name"}


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("It takes 12.5 % less.", "line 1: 12.5"),
        ("One line.\n\nAnother, ×1.7.", "line 3: ×1.7"),
        ("In 64 GB it is whole.", "64"),
        ("In 1.4 GB it is whole.", "1.4"),
        ("By 4 GB/s it is whole.", "4"),
        ("It is twice as fast.", "twice"),
        ("It is three times as fast.", "three times"),
        ("A tenfold gain of fifty percent.", "tenfold"),
        ('#by("sleeps-3", helps: [by 3 s])', "line 1: 3"),
        ('#n("sleeps-3.ratio") or 0.34', "0.34"),
    ],
)
def test_a_number_typed_by_hand_is_found(typed: str, found: str) -> None:
    with pytest.raises(BadInput, match="typed by hand") as refused:
        source.refuse_typed(typed, ALLOWED)
    assert found in str(refused.value)


@pytest.mark.parametrize(
    "written",
    [
        'It is #n("law.50.7") on seven threads.',
        "Beside a machine with 4 GB, S0-time, 4~GB and\n4\nGB.",
        "// Written in 2026.\nOf two systems and four studies. @paper2 <table-2>",
    ],
)
def test_names_marks_comments_and_allowed_phrases_are_no_typed_numbers(written: str) -> None:
    source.refuse_typed(written, ALLOWED)


def test_what_a_text_asks_for_is_known_before_it_is_set() -> None:
    text = '#n("a.ratio"), #n("b.median") and #n("a.ratio"); #by(\n  "c",\n  helps: [#n("d.ratio")])\n// #n("never")'
    assert source.wanted(text) == {"n": ["a.ratio", "b.median", "d.ratio"], "by": ["c"]}


def test_the_papers_text_has_no_number_typed_by_hand() -> None:
    source.refuse_typed((SOURCE / "paper.typ").read_text(), declared.load(SOURCE / "numbers.toml").typed)


def test_a_number_typed_into_the_papers_text_is_found() -> None:
    text = (SOURCE / "paper.typ").read_text().replace('#n("five-users.moves")', "falls to × 0.5", 1)
    with pytest.raises(BadInput, match=r"line \d+: 0\.5"):
        source.refuse_typed(text, declared.load(SOURCE / "numbers.toml").typed)
