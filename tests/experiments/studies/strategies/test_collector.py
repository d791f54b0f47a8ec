"""The part `collector`: its grid, what each setting does to a service, and its figure."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from experiments.measuring import requirements
from experiments.report.figures.strategies import collector as figures
from experiments.studies.strategies import _collector, collector
from experiments.studies.strategies._collector_program import BODIES, CollectedService
from tests.experiments.studies.strategies.in_process import (
    check_claims,
    check_grid,
    drawn,
    planned,
    tried,
    value,
    words,
)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = tmp_path_factory.mktemp("collector")
    cells = [
        msgspec.structs.replace(cell, condition={**cell.condition, "requests": 200})
        for cell in planned(collector, "standard")
        if cell.condition["sessions"] == 500 and not any(requirements.lacking(name) for name in cell.requires)
    ]
    return [tried(collector, cell, folder) for cell in cells]


def test_the_grid_is_whole_and_the_claims_are_in_it():
    check_grid(collector, 180)
    check_claims(collector, "S2-gc", "S2-gc-latency", "S2-gc-mem")


def test_every_way_answers_the_same_and_off_never_collects(records):
    python = {record.spec.subject: record for record in records if record.spec.condition["runtime"] == "python"}
    assert set(python) == set(collector.WAYS["python"])
    for record in records:
        assert record.part().values["requests"] == record.spec.condition["requests"]
        assert all(value(name, record) >= 0 for name in collector.MEASURES)
    collections = {name: record.part().values["collections"] for name, record in python.items()}
    assert collections["untuned"] > collections["thresholds"]
    assert collections["off"] == value("collector_pause_max", python["off"]) == 0
    assert value("collector_peak", python["off"]) > value("collector_peak", python["untuned"])


def test_a_turn_is_garbage_that_only_the_collector_finds():
    service = CollectedService(3)
    gc.collect()
    gc.disable()
    try:
        answers = [json.loads(service.answer(number)) for number in range(BODIES)]
        assert gc.collect() > BODIES
    finally:
        gc.enable()
    assert [answer["id"] for answer in answers] == list(range(BODIES))


def test_node_answers_as_python_does(tmp_path):
    if requirements.lacking("node"):
        pytest.skip("there is no node")
    twin = Path(_collector.__file__).with_name("_collector_program.cjs").read_text().replace("\nmain();", "\n")
    (tmp_path / "twin.cjs").write_text(
        f"{twin}const service = new Service(3);\n"
        "console.log(JSON.stringify(Array.from({length: 70}, (_, each) => JSON.parse(service.answer(each)))));\n"
    )
    told = subprocess.run(["node", tmp_path / "twin.cjs"], capture_output=True, check=True).stdout
    service = CollectedService(3)
    assert json.loads(told) == [json.loads(service.answer(number)) for number in range(70)]


def test_the_figure_says_what_the_trials_did(records, tmp_path):
    found = drawn(figures, records, tmp_path)
    assert set(found) == {"strategies-collector"}
    assert "brings most requests a second" in words(found["strategies-collector"])


def test_the_program_loads_nothing_of_the_lab():
    program = Path(_collector.__file__).with_name("_collector_program.py")
    script = (
        f"import runpy, sys; runpy.run_path({str(program)!r}); print({{'experiments', 'systems'}} & {{*sys.modules}})"
    )
    assert subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True).stdout == "set()\n"
