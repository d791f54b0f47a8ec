"""The parts about wires: what is planned, each way against its real server or reader, and one run to its figure."""

from __future__ import annotations

import asyncio
import gc
import json
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.asyncio.server import ServerConnection, serve

from experiments import metrics
from experiments.analysis import claims
from experiments.measuring import records
from experiments.measuring.records import EngineSpec, Outcome, Record, Scalar
from experiments.measuring.role import Assignment, Role
from experiments.measuring.study import BLOCKS, GRADED, Cell, GridRequest, Preset
from experiments.metrics.interface import Missing
from experiments.studies.strategies import Strategies, _json, _json_child, connections, deflate, fetches, json_reading
from experiments.studies.strategies._pool import Multiplexed
from systems.errors import SystemFailed
from tests.experiments.analysis import synthetic

PARTS = (deflate, connections, json_reading, fetches)
CLAIMS = {"S2-deflate": deflate, "S2-connpool": connections, "S2-json": json_reading}


def planned(part: ModuleType, preset: Preset) -> list[Cell]:
    found: list[Cell] = part.cells(GridRequest(preset=preset, systems=(), engine=EngineSpec(name="simulated")))
    return found


# What is planned


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.PART)
@pytest.mark.parametrize("preset", BLOCKS)
def test_every_cell_is_one_trial_and_every_measure_a_metric(part: ModuleType, preset: Preset) -> None:
    cells = planned(part, preset)
    assert len({(str(cell.condition), cell.subject, cell.twin) for cell in cells}) == len(cells)
    assert any(cell.twin for cell in cells) is (preset in GRADED)
    assert any(cell.subject in part.REFERENCES for cell in cells)
    for cell in cells:
        assert cell.condition["part"] == cell.part == part.PART
        assert 0 < cell.estimate_s < cell.timeout_s
        assert json.dumps(cell.condition)
        assert cell.labels[0].startswith("no model runs: ")
    assert all(metrics.get(name) for name in part.MEASURES)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.PART)
def test_the_standard_preset_keeps_to_its_time(part: ModuleType) -> None:
    blocks = BLOCKS["standard"]
    assert sum(cell.estimate_s * (cell.blocks or blocks) for cell in planned(part, "standard")) < 180


@pytest.mark.parametrize("claim_id", CLAIMS)
def test_the_standard_preset_tests_every_condition_of_the_claim(claim_id: str) -> None:
    claim, part = claims.get(claim_id), CLAIMS[claim_id]
    assert claim.study == Strategies.name
    for test in claim.tests:
        fitting = [cell for cell in planned(part, "standard") if test.fits(cell.condition)]
        assert len({str(cell.condition) for cell in fitting}) == 1, test.title
        assert {test.subject, test.reference} - {None} <= {cell.subject for cell in fitting}, test.title
        assert (test.metric or claim.metric) in part.MEASURES


def test_planning_imports_nothing_of_what_the_trials_measure() -> None:
    look = "import sys, experiments.studies.strategies; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert {"websockets", "uvicorn", "ijson", "asyncio", "h11"} & set(done.stdout.split()) == set()


def test_what_a_machine_lacks_is_said_in_the_cells_that_need_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_reading, "find_spec", lambda _: None)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    said = {cell.subject: cell.impossible for cell in planned(json_reading, "standard")}
    assert {way for way, why in said.items() if why} == {"streamed", "rebuilt"}
    assert "the extra `strategies`" in said["streamed"]
    for cell in planned(connections, "standard"):
        assert ("openssl" in cell.impossible) is cell.condition["tls"]


# One trial, both of its sides in this process


class Alone(Role):
    """A role without a runner: it meets its client, if it has one, in the thread that waits for it."""

    def __init__(self, part: ModuleType, assignment: Assignment) -> None:
        super().__init__(assignment, to_runner=-1)
        self._module, self._assignment = part, assignment
        self.met: list[Role] = []

    def listening(self, address: str) -> None:
        given = {name: getattr(self._assignment, name) for name in Assignment.__struct_fields__}
        client = Role(Assignment(**{**given, "role": "client", "address": address}), to_runner=-1)
        self._module.run_client(client)
        self.met.append(client)

    def outside_look(self, name: str = "end") -> None:
        pass


def trial(part: ModuleType, folder: Path, condition: dict[str, Scalar], subject: str, **settings: Scalar) -> Record:
    spec = synthetic.spec(
        "strategies", subject, condition={"part": part.PART, **condition}, engine=None, settings=settings
    )
    folder.mkdir(exist_ok=True)
    role = Alone(
        part,
        Assignment(
            role="subject", spec=spec, work_dir=str(folder), part_path=str(folder / "part"), cpus=(), runner_pid=1
        ),
    )
    part.run(role)
    return synthetic.record(spec, role.part, *(client.part for client in role.met))


def value(metric: str, record: Record) -> float:
    found = metrics.get(metric).of(record)
    assert not isinstance(found, Missing), found.reason
    return found


# Deflate


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Record]:
    """Return a trial of every way, of each kind of messages."""
    folder = tmp_path_factory.mktemp("deflate")
    return {(frames, way): sent_in(folder, frames, way) for frames in ("tokens", "states") for way in deflate.SUBJECTS}


def sent_in(folder: Path, frames: str, way: str) -> Record:
    condition: dict[str, Scalar] = {"frames": frames, "connections": 3, "replies": 2}
    gc.collect()
    gc.freeze()  # what the tests hold is not looked through by the trial
    return trial(deflate, folder, condition, way, **deflate.SUBJECTS[way])


@pytest.mark.parametrize("frames", ["tokens", "states"])
def test_every_way_says_the_same_and_deflated_takes_fewer_bytes(sent: dict[Any, Record], frames: str) -> None:
    said = {record.parts[1].values["said_characters"] for (kind, _), record in sent.items() if kind == frames}
    assert len(said) == 1
    [characters] = said
    plain = value("wire_bytes", sent[frames, "uncompressed"])
    assert plain > characters / 6
    for way in ("context-kept", "whole-window"):
        assert value("wire_bytes", sent[frames, way]) < plain


def test_a_window_that_holds_the_last_state_takes_it_off_the_next_one(sent: dict[Any, Record]) -> None:
    bytes_of = {way: value("wire_bytes", sent["states", way]) for way in deflate.SUBJECTS}
    assert bytes_of["whole-window"] < 0.8 * bytes_of["context-kept"]


def test_bytes_are_the_same_whenever_they_are_sent(sent: dict[Any, Record], tmp_path: Path) -> None:
    again = sent_in(tmp_path, "tokens", "context-kept")
    assert value("wire_bytes", again) == value("wire_bytes", sent["tokens", "context-kept"])
    assert metrics.get("wire_bytes").exact


# Connections


def asked(folder: Path, way: str, speaks: str = "http", *, drops: str = "none", **other: Scalar) -> Record:
    rounds = 1 if drops == "none" else 2
    condition: dict[str, Scalar] = {"speaks": speaks, "tls": False, "at_once": 3, "requests": 12} | other
    condition |= {"rounds": rounds, "drops": drops, "deadline_s": 30.0 if drops == "none" else 0.4}
    return trial(connections, folder, condition, way, **connections.SUBJECTS[way])


@pytest.mark.parametrize("speaks", ["http", "websocket"])
def test_a_pool_opens_as_many_as_ask_at_once_and_without_one_each_request_opens_its_own(
    speaks: str, tmp_path: Path
) -> None:
    anew, pooled = (asked(tmp_path, way, speaks) for way in ("new-connection", "pooled"))
    assert value("requests_answered", anew) == value("requests_answered", pooled) == 1
    assert value("connections_opened", anew) == 1
    assert value("connections_opened", pooled) <= 3 / 12
    for name in connections.MEASURES:
        assert value(name, pooled) > 0


def test_a_bound_on_the_pool_holds_and_one_connection_can_carry_all(tmp_path: Path) -> None:
    bounded = asked(tmp_path, "pooled-4", at_once=6, requests=30)
    assert value("requests_answered", bounded) == 1
    assert value("connections_opened", bounded) <= 4 / 30
    shared = asked(tmp_path, "multiplexed", "websocket")
    assert value("requests_answered", shared) == 1
    assert value("connections_opened", shared) == 1 / 12


async def test_one_connection_for_all_is_opened_by_the_first_request_as_those_of_a_pool_are() -> None:
    async def answers(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(f"{message} answered")

    async with serve(answers, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        shared = Multiplexed(f"127.0.0.1:{port}", "/", 30.0)
        assert shared.opened == 0
        await asyncio.gather(shared.ask(), shared.ask())
        await shared.ask()
        assert shared.opened == len(server.connections) == 1
        await shared.close()
    never = Multiplexed(f"127.0.0.1:{port}", "/", 30.0)
    with pytest.raises(ConnectionRefusedError):
        await never.ask()
    await never.close()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
def test_over_tls_the_certificate_is_checked_and_all_are_answered(tmp_path: Path) -> None:
    assert value("requests_answered", asked(tmp_path, "pooled", tls=True, requests=3)) == 1


@pytest.mark.parametrize(
    ("way", "closed", "silent"),
    [
        ("new-connection", True, True),
        ("unchecked", False, False),
        ("looked-at", True, False),
        ("pinged", True, True),
        ("asked-again", True, False),
    ],
)
def test_what_a_pool_does_with_dead_connections_decides_what_is_answered(
    way: str, closed: bool, silent: bool, tmp_path: Path
) -> None:
    for drops, all_answered in (("closed", closed), ("silent", silent)):
        share = value("requests_answered", asked(tmp_path, way, "websocket", drops=drops))
        assert (share == 1) is all_answered, drops
        assert share >= 1 / 2


# JSON


def read(folder: Path, way: str, **other: Scalar) -> Record:
    return trial(json_reading, folder, {"megabytes": 1, **other}, way)


@settings(max_examples=10)
@given(st.lists(st.tuples(st.text(max_size=40), st.integers(0, 2**31)), max_size=8))
def test_every_way_finds_the_same_in_any_records(said: list[tuple[str, int]]) -> None:
    found = [{"id": number, "text": text, "tokens": tokens} for number, (text, tokens) in enumerate(said)]
    with TemporaryDirectory() as folder:
        whole, lines = Path(folder, "whole.json"), Path(folder, "lines.json")
        whole.write_text(json.dumps({"version": 1, "records": found}))
        lines.write_text("".join(json.dumps(record) + "\n" for record in found))
        for way in json_reading.SUBJECTS:
            seen = _json_child.read(way, lines if way == "lines" else whole)
            assert (seen.records, seen.tokens) == (len(said), sum(tokens for _, tokens in said)), way
            assert seen.longest == max((len(text) for text, _ in said), default=0), way


def test_streamed_the_peak_does_not_grow_as_it_does_read_whole(tmp_path: Path) -> None:
    found = {way: read(tmp_path, way) for way in ("read-whole", "streamed")}
    for record in found.values():
        assert value("json_read", record) == 1
        assert value("json_first", record) <= value("json_time", record)
        assert value("json_peak", record) >= 0
    assert value("json_growth", found["streamed"]) < value("json_growth", found["read-whole"]) / 2


def test_a_reader_that_is_killed_has_read_nothing_and_the_trial_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_json, "PROGRAM", "import os; os.kill(os.getpid(), 9)")
    record = read(tmp_path, "read-whole", profile="512mb")
    assert record.parts[0].went_beyond
    assert value("json_read", record) == 0
    assert isinstance(metrics.get("json_growth").of(record), Missing)


def test_a_kill_that_no_limit_explains_ends_the_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_json, "PROGRAM", "import os; os.kill(os.getpid(), 9)")
    with pytest.raises(SystemFailed, match="status -9"):
        read(tmp_path, "read-whole")


def test_the_record_says_which_parser_streamed(tmp_path: Path) -> None:
    ijson = pytest.importorskip("ijson")
    assert read(tmp_path, "streamed").parts[0].counters == {f"ijson {ijson.backend}": 1}
    assert read(tmp_path, "lines").parts[0].counters == {}


# From a run to its figure


def test_a_small_run_measures_everything_and_is_drawn(
    fourgig: partial[Any], enforcement: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    arguments = ("strategies", "--part", "deflate", "--engine", "simulated", "--preset", "smoke", "--out", out)
    done = fourgig("run", *arguments, *enforcement)
    assert done.returncode == 0, done.stderr
    found = records.read(out / "trials.jsonl")
    assert {record.outcome for record in found} == {Outcome.OK}, [record.reason for record in found]
    assert {record.spec.subject for record in found} == {"uncompressed", "context-kept"}
    for record in found:
        for name in deflate.MEASURES:
            assert value(name, record) > 0
    assert {path.name for path in (out / "figures").glob("strategies-*.svg")} == {"strategies-deflate.svg"}
