"""The figures of memory over conversations, from invented records: what they say must follow from the trials."""

from experiments import load_run
from experiments.measuring.records import EngineSpec, Part
from experiments.report import drawing
from experiments.report.figures.density import timeline, timeline_ladder
from experiments.report.scene import UnknownStudy, scene
from tests.experiments.analysis import synthetic

MIB = 2**20


def trial(subject, mib, share, *, block=0, work="no model", tasks="code", variant="", **more):
    condition = {"part": "timeline", "work": work, "tasks": tasks, "turns": 4, "sessions": 1, **more}
    spec = synthetic.spec(
        "density", subject, block, condition=condition, engine=EngineSpec(name="simulated"), variant=variant
    )
    name = "tasks/right" if work == "own words" else "tasks/in_prompt"
    sizes = [size * MIB for size in mib]
    part = Part(
        role="subject",
        series={"turn": [float(at) for at in range(len(sizes))], "anonymous_bytes": sizes},
        values={name: share},
    )
    return synthetic.record(spec, part)


def drawn(folder, records):
    run = load_run(synthetic.write(folder / "run", records))
    with drawing.style():
        shown = scene(run, "density", UnknownStudy(references=("objects",)))
        figures = [figure for module in (timeline, timeline_ladder) for figure in module.draw(shown)]
    return {each.name: (each.title.replace("\N{NO-BREAK SPACE}", " "), each.svg.decode()) for each in figures}


def test_the_titles_say_mean_memory_and_what_the_prompts_held(tmp_path):
    records = [
        trial(subject, mib, share, block=block)
        for block in range(2)
        for subject, mib, share in (("objects", [20, 40, 60, 80], 0.5), ("tiered", [30, 30, 30, 30], 0.75))
    ]
    records += [trial("tiered", [1, 1, 1, 1], 0.25, work="own words")]
    records += [trial("tiered", [900] * 4, 0.0, case="overhead")]  # in no figure
    found = drawn(tmp_path, records)
    assert set(found) == {"density-timeline", "density-timeline-success"}
    assert "objects 50.0 MiB, tiered 30.0 MiB" in found["density-timeline"][0]
    assert "objects 50 %, tiered 75 %" in found["density-timeline-success"][0]
    assert "−52 % against objects" in found["density-timeline"][1]
    assert "ollow: the real model replied rightly" in found["density-timeline-success"][1]


def test_the_ladder_names_the_mechanism_that_moves_memory_most(tmp_path):
    rungs = (("none", "none", 200), ("none+a_thing", "a_thing", 150), ("none+other", "other", 199), ("all", "all", 30))
    records = [
        trial(subject, [mib] * 4, 0.5, variant=variant, ladder="add-one", of="tiered")
        for subject, variant, mib in rungs
    ]
    found = drawn(tmp_path, records)
    assert set(found) == {"density-timeline-ladder-add-one"}
    assert "a thing moves memory most, from 200 MiB to 150 MiB" in found["density-timeline-ladder-add-one"][0]


def test_without_records_nothing_is_drawn(tmp_path):
    assert not drawn(tmp_path, [trial("tiered", [1, 1, 1, 1], 1.0, work="inference")])
