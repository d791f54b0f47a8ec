"""The report of a question: its answer, what it rests on, and what was not read, whatever others wrote into it."""

import re

from systems.interface import Degraded
from systems.research.citing import Cited
from systems.research.findings import Findings, SourceRead
from systems.research.reporting import report
from systems.research.sources.documents import SourceRefusal
from systems.research.synthesis import FoundPassage

VELM = FoundPassage(source="town-velm.md", title="The town of Velm", text="The bridge is 84 metres long.")
ORRIN = FoundPassage(source="town-orrin.md", title="The town of Orrin", text="The bridge is 96 metres long.")


def findings(**changes):
    return Findings(
        question="How long is it?", answer="84 metres [1].", passages=(VELM, ORRIN), complete=True, **changes
    )


def test_the_answer_stands_with_the_passages_it_rests_on():
    said = report(findings(cited=Cited(by_model=(1,), by_words=(2,))))
    assert said.startswith("# How long is it?\n\n84 metres [1].\n")
    assert "- **[1]** The town of Velm, town-velm.md (cited)" in said
    assert "- **[2]** The town of Orrin, town-orrin.md (not cited; it has the answer's words)" in said
    assert "> The bridge is 84 metres long." in said


def test_without_a_source_the_passages_that_were_given_are_shown():
    said = report(findings())
    assert "## Passages that were given" in said
    assert "## Sources" not in said
    assert "town-orrin.md" in said


def test_what_a_reader_should_bear_in_mind_is_said():
    degraded = (Degraded(step="analysis", to="no analysis", error="NoAnalysis"),)
    said = report(findings(cited=Cited(dropped=(7,), unsupported=1), degraded=degraded))
    assert "not given, which was taken out: 7." in said
    assert "stand in no passage: 1." in said
    assert "“analysis” failed (NoAnalysis): went on with no analysis." in said


def test_refusals_stand_with_their_reasons():
    read = [SourceRead(source="a", title="A", characters=1200)]
    said = report(findings(read=read, refused=[SourceRefusal("http://x/", "its host answered 404")]))
    assert "1 documents, 1,200 characters; refused: 1." in said
    assert "- http://x/: its host answered 404" in said


def test_what_was_stopped_says_so():
    assert "stopped before it was done" in report(Findings(question="Why?"))


def test_nothing_in_it_is_more_than_text():
    hostile = FoundPassage(source="x](javascript:1)", title="# Head ![img](http://x)", text="- <script>\n# more `code`")
    said = report(
        Findings(
            question="# [a](b)\n\n## c",
            answer="# Head\n- one [1]\n<b>",
            passages=(hostile,),
            cited=Cited(by_model=(1,)),
            complete=True,
        )
    )
    assert [line for line in said.splitlines() if line.startswith("#")][1:] == ["## Sources", "## What was read"]
    assert not re.search(r"(?<!\\)[<`]", said)
    assert not re.search(r"(?<!\\)\]\(", said)
    assert "\\# Head\n\\- one [1]\n" in said


def test_what_others_wrote_becomes_no_link_and_turns_no_line_round():
    told = "See https://evil.example/a, HTTP://evil.example or WWW.evil.example \u202ereversed\u2066."
    hostile = FoundPassage(source="https://named.example/page", title=told, text=told)
    said = report(Findings(question="Why?", answer=told, passages=(hostile,), complete=True))
    # Many readers of Markdown make links of bare addresses.
    assert re.findall(r"(?i)\bhttps?://|\bwww\.", said) == ["https://"]
    assert "https://named.example/page" in said
    assert "https:\\//evil.example/a" in said
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", said)
