"""The figures of analyses, from invented records: what they say must follow from the trials."""

from experiments import load_run
from experiments.measuring.records import EngineSpec, Part
from experiments.report import drawing
from experiments.report.figures.research import analysis
from experiments.report.scene import UnknownStudy, scene
from tests.experiments.analysis import synthetic


def trial(subject, case, returned, contained, *, grown=0.0, outcome="report", block=0, part="analysis"):
    condition = {"part": part, "case": case, "deadline_s": 1.0}
    seen = Part(
        role="subject",
        values={"analysis_deadline_s": 1.0},
        series={
            "analysis_returned_s": [returned],
            "analysis_contained": [contained],
            "analysis_left": [0.0],
            "analysis_grown_bytes": [grown],
        },
        counters={f"analysis/{outcome}": 1},
    )
    spec = synthetic.spec("research", subject, block, condition=condition, engine=EngineSpec(name="simulated"))
    return synthetic.record(spec, seen)


def drawn(folder, records):
    run = load_run(synthetic.write(folder / "run", records))
    with drawing.style():
        return {each.name: each for each in analysis.draw(scene(run, "research", UnknownStudy()))}


def words(figure):
    return figure.title.replace("\N{NO-BREAK SPACE}", " ")


def test_the_titles_say_what_is_contained_how_late_and_in_what_memory(tmp_path):
    found = drawn(
        tmp_path,
        [
            each
            for block in range(2)
            for each in (
                trial("in-loop", "works", 0.1, 1.0, block=block),
                trial("in-loop", "hangs", 2.2, 0.0, outcome="never-returned", block=block),
                trial("in-loop", "crashes", 0.1, 0.0, outcome="agent-died", block=block),
                trial("as-listed", "leaves-grandchild", 2.0, 0.0, outcome="failed", block=block),
                trial("as-listed", "floods", 0.5, 0.0, outcome="raised", grown=300 * 2.0**20, block=block),
                trial("process", "hangs", 1.04, 1.0, outcome="failed", block=block),
                trial("process", "floods", 0.2, 1.0, outcome="failed", grown=2.0**20, block=block),
            )
        ],
    )
    assert set(found) == {f"research-analysis-{name}" for name in ("contained", "overrun", "memory")}
    contained, late, memory = (found[f"research-analysis-{name}"] for name in ("contained", "overrun", "memory"))
    assert "Of 5 things" in words(contained)
    assert words(contained).endswith("in the loop 1, subprocess as listed 0, overseen process 2")
    assert ("hangs", "0 %", "", "100 %") in contained.data
    assert "subprocess as listed 1.00 s, overseen process 40.0 ms" in words(late)
    assert words(late).endswith("some calls never return in the loop")
    assert ("crashes", "in the loop", "0", "agent died") in late.data
    assert "subprocess as listed 300 MiB (prints 80 MiB)" in words(memory)


def test_other_parts_are_not_drawn(tmp_path):
    assert drawn(tmp_path, [trial("process", "works", 0.1, 1.0, part="fetch")]) == {}
