"""The figure of live agents, from invented records."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments import load_run
from experiments.measuring import profiles
from experiments.measuring.records import Part, Record
from experiments.report.figures.density import agents
from experiments.report.scene import Scene, UnknownStudy, scene
from tests.experiments.analysis import synthetic


def trial(
    subject: str, block: int, held: int, *, profile: str = "512mb", came: int = 3, settled: bool = True
) -> Record:
    condition = {"part": "agents", "profile": profile, "period_s": 5.0, "words": "scripted"}
    spec = synthetic.spec("density", subject, block, condition=condition, profile=profiles.load(profile))
    series = {"agents": [2.0, 64.0], "came": [0.0, float(came)]}
    values = {"agents_held": float(held), "agents_settled": float(settled)}
    return synthetic.record(spec, Part(role="subject", series=series, values=values))


@pytest.fixture
def shown(tmp_path: Path) -> Scene:
    made = []
    for block in range(6):
        made += [trial("per-process", block, 3), trial("objects", block, 5 + block % 2, came=2)]
        made += [trial("tiered", block, 64, came=0, settled=False), trial("per-process", block, 7, profile="1gb")]
    run = load_run(synthetic.write(tmp_path, made))
    return scene(run, "density", UnknownStudy(references=("per-process",), primary=("live_agents",)))


def test_each_number_says_what_stopped_it_and_whether_it_is_the_largest(shown: Scene) -> None:
    [drawn] = agents.draw(shown)
    title = "Under 512 MiB, each asked every 5 s, tiered holds at least 64 live agents, per-process holds 3."
    assert drawn.title.replace("\N{NO-BREAK SPACE}", " ") == title
    assert drawn.data[1:] == [
        ("512mb", "tiered", "64", ", ".join(["≥ 64"] * 6), "nothing"),
        ("512mb", "objects", "5.5", "5, 6, 5, 6, 5, 6", "time"),
        ("512mb", "per-process", "3", "3, 3, 3, 3, 3, 3", "killed"),
        ("1gb", "per-process", "7", "7, 7, 7, 7, 7, 7", "killed"),
    ]
    assert "published" in drawn.svg.decode() or "claim-S1-density-0" in drawn.svg.decode()


def test_of_other_parts_nothing_is_drawn(shown: Scene) -> None:
    for record in shown.records:
        record.spec.condition["part"] = "another"
    assert agents.draw(shown) == []
