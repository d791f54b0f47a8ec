"""Where figures are from: said once where the parts of a run agree, and of each where they differ."""

from pathlib import Path

import pytest

from experiments import load_run
from experiments.analysis.run import Run
from experiments.measuring import records
from experiments.measuring.records import Calibrated, Part
from experiments.report import provenance, sections
from experiments.report.build import build
from experiments.report.paper import run_facts, tables
from experiments.report.paper.declared import Declared
from experiments.report.paper.numbers import Numbers
from tests.experiments.analysis import synthetic


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Three runs, one of which differs from the others."""
    place = {"cpus": 2, "cpu_model": "Small", "memory_bytes": 4 << 30, "kernel": "6.1-x"}
    for at, study in enumerate(("load", "memory", "isolation")):
        made = [synthetic.record(synthetic.spec(study, "baseline"))]
        other = {"blocks": 6, "environment": place | {"cpus": 8}, "created": "2001-01-01T00:00:00Z"} if at == 0 else {}
        synthetic.write(
            tmp_path / study, made, **{"run_id": f"run-{at}", "studies": (study,), "environment": place} | other
        )
    return load_run(tmp_path)


def test_a_line_under_the_table_tells_of_each_group_of_parts(run: Run, tmp_path: Path) -> None:
    others, load = provenance.note(run).splitlines()
    assert others.startswith(
        "- isolation, memory. Preset smoke, 3 blocks: indicative, no verdicts. 2 trials on 2 × Small"
    )
    assert load.startswith("- load. Preset smoke, 6 blocks: 95 % intervals. 1 trial on 8 × Small, 4 GiB, Linux 6.1;")
    assert load.endswith("2001-01-01, code test.")
    assert provenance.note(load_run(tmp_path / "load")) == load.removeprefix("- load. ")


def test_a_banner_that_does_not_hold_for_every_part_says_for_which(run: Run) -> None:
    words = [banner.words for banner in sections.banners(run)]
    assert "isolation, memory: Indicative only: 3 blocks. No intervals and no verdicts below 6 blocks." in words
    assert any(each.startswith("The model ") for each in words)


def test_the_facts_say_what_a_calibration_chose(tmp_path: Path) -> None:
    chosen = Calibrated(
        engine="batched", model_sha256="ab" * 32, settings={"slots": 4}, cpus=2, chosen={"flash_attention": True}
    )
    made = [synthetic.record(synthetic.spec("load", "baseline"))]
    for name, found in (("one", (chosen,)), ("none", ())):
        synthetic.write(tmp_path / name, made, calibrated=found)
        facts = {fact.name: fact.values for fact in provenance.facts(load_run(tmp_path / name))}
        words = "batched (slots 4) with the model abababababab on 2 processors: flash_attention True"
        assert facts["calibrated"] == [words if found else "no"]
        assert facts["users say"] == ["generated"]


def test_facts_that_parts_share_are_told_apart_from_those_they_do_not(run: Run) -> None:
    facts = {fact.name: fact for fact in provenance.facts(run)}
    assert facts["cpu_model"].shared
    assert facts["cpus"].values == ["2", "8", "2"]
    assert facts["cpus"].held == {"2": [0, 2], "8": [1]}
    assert facts["run"].values == ["run-2", "run-0", "run-1"]


def test_the_report_tells_the_parts_at_its_head_and_of_each_section_whose_it_is(run: Run) -> None:
    graph = run.folder / "memory" / "artifacts" / "graph.html"
    graph.parent.mkdir(exist_ok=True)
    graph.write_text("")
    trial = synthetic.spec("memory", "x", condition={"part": "memray", "turns": 2}, traced=True)
    traced = synthetic.record(trial, Part(role="subject", artifacts={"flames": "artifacts/graph.html"}))
    records.append(run.folder / "memory" / "trials.jsonl", traced)
    page = build(run.folder).read_text()
    head, _, rest = page.partition('<main id="main">')
    assert "<title>What 3 runs say</title>" in head
    assert [head.count(f"<td>run-{at}</td>") for at in range(3)] == [1, 1, 1]
    assert "<td>8 × Small, 4 GiB, Linux 6.1</td>" in head
    load = rest.partition('<h2 id="load">')[2].partition("</section>")[0]
    assert "Run run-0 of 2001-01-01: preset smoke, 6 blocks, 1 trial on 8 × Small" in load
    assert "<td>2</td><td>all but load</td>" in rest
    assert "<td>8</td><td>load</td>" in rest
    # A link leads from the page, which stands beside the parts, into the part.
    assert 'href="./memory/artifacts/graph.html"' in rest


def test_the_paper_says_where_the_parts_differ(run: Run, tmp_path: Path) -> None:
    facts = run_facts.facts(run)
    assert facts["cores"]() == "2 (isolation, memory) and 8 (load)"
    assert facts["machines"]() == 2
    parts = tables.table("parts", Numbers(run, Declared()))[1:]
    assert sorted(row[0] for row in parts) == ["isolation", "load", "memory"]
    assert {tuple(row[1:5]) for row in parts} == {
        ("2000-01-01", "smoke, 3 blocks", "1", "Small"),
        ("2001-01-01", "smoke, 6 blocks", "1", "Small"),
    }
    alone = run_facts.facts(load_run(tmp_path / "load"))
    assert (alone["machines"](), alone["cores"]()) == (1, "8")
