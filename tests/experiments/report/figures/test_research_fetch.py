"""The figures of fetching, from invented records: what they say must follow from the trials."""

from __future__ import annotations

from pathlib import Path

from experiments import load_run
from experiments.measuring.records import EngineSpec, Part, Record
from experiments.report import drawing
from experiments.report.drawing import Drawn
from experiments.report.figures.research import fetch
from experiments.report.scene import UnknownStudy, scene
from tests.experiments.analysis import synthetic

MIB = 2**20


def trial(
    subject: str, pages: int, took_s: float, block: int, *, delays: str = "equal", within_s: float = 60.0, had: int = -1
) -> Record:
    condition = {
        "part": "fetch", "addresses": pages, "hosts": pages, "delays": delays, "mean_ms": 50, "failing": 0,
        "within_s": within_s,
    }  # fmt: skip
    spec = synthetic.spec("research", subject, block, condition=condition, engine=EngineSpec(name="simulated"))
    values = {
        "fetch_s": took_s,
        "fetch_cpu_s": 0.1,
        "fetch_peak_bytes": 30.0 * MIB,
        "pages_served": float(pages),
        "pages_had": float(pages if had < 0 else had),
    }
    return synthetic.record(spec, Part(role="subject", values=values, loop_delay_s=[0.0, took_s / 10]))


def drawn(folder: Path, records: list[Record]) -> dict[str, Drawn]:
    run = load_run(synthetic.write(folder / "run", records))
    with drawing.style():
        shown = scene(run, "research", UnknownStudy(references=("sequential",)))
        return {each.name: each for each in fetch.draw(shown)}


def made(blocks: int = 6) -> list[Record]:
    return [
        trial(subject, pages, each * (1 + block / 1000), block, delays=delays)
        for block in range(blocks)
        for pages in (3, 10)
        for delays in ("equal", "heavy-tailed")
        for subject, each in (("sequential", 0.05 * pages), ("threads", 0.06), ("tasks", 0.05))
    ]


def test_the_title_says_how_tasks_change_the_time(tmp_path: Path) -> None:
    found = drawn(tmp_path, made())
    assert set(found) == {"research-fetch", "research-fetch-costs"}
    title = found["research-fetch"].title.replace("\N{NO-BREAK SPACE}", " ")
    changes = "−66.7 % for 3 pages, −90.0 % for 10 pages"
    assert title == f"Fetched as tasks instead of one after another, time changes by {changes}"
    svg = found["research-fetch"].svg.decode()
    assert "claim-S4-async-1" in svg


def test_what_each_costs_is_told_of_the_most_pages(tmp_path: Path) -> None:
    hurried = [trial("tasks", 10, 1.0, block, within_s=1.0, had=9) for block in range(6)]
    costs = drawn(tmp_path, [*made(), *hurried])["research-fetch-costs"]
    assert costs.title.startswith("While 10 pages are fetched the event loop stands still for")
    row = next(row for row in costs.data if row[0] == "tasks")
    assert row[2] == "30"
    assert row[-1] == "90"


def test_without_records_or_without_a_reference_nothing_is_drawn(tmp_path: Path) -> None:
    other = synthetic.record(synthetic.spec("research", "tasks", 0, condition={"part": "saving"}), Part(role="subject"))
    assert drawn(tmp_path, [other]) == {}
    alone = [trial("tasks", 3, 0.1, block) for block in range(2)]
    assert set(drawn(tmp_path / "alone", alone)) == {"research-fetch-costs"}
