"""The lazy-loading study: what its grid holds, and real starts of a real model, cold and warm."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import get_args

import pytest

from experiments.measuring import plan, profiles, runner
from experiments.measuring.limits import page_cache
from experiments.measuring.limits.select import choose
from experiments.measuring.plan import Plan
from experiments.measuring.profiles import Profile
from experiments.measuring.records import EngineSpec, Outcome, Record, TrialSpec
from experiments.measuring.resources import IN_ORDER, RESOURCES
from experiments.measuring.runs import RunFolder
from experiments.measuring.study import GRADED, Cell, GridRequest, Preset
from experiments.studies import joining
from experiments.studies.lazy_loading import LazyLoading

PRESETS: tuple[Preset, ...] = get_args(Preset)
LLAMA = EngineSpec(name="llama", model="tiny", model_sha256="0" * 64)
SEGMENTER = "baseline-fast-segmenter"
STRATEGIES = {"baseline", "asynchronous-eager", "asynchronous-lazy", "asynchronous-lazy-warm"}
PADDING = 64 * 2**20


def grid(preset: Preset, engine: EngineSpec = LLAMA, **shapes: EngineSpec) -> list[Cell]:
    request = GridRequest(preset=preset, systems=("baseline", "asynchronous"), engine=engine, shapes=shapes)
    return list(LazyLoading().grid(request))


def subjects(cells: list[Cell], **condition: object) -> set[str]:
    """Return the subjects of the two agents, and of no system, in a condition."""
    return {cell.subject for cell in cells if cell.condition == condition and cell.system not in joining.SYSTEMS}


@pytest.mark.parametrize("preset", PRESETS)
def test_no_cell_stands_twice_but_for_its_twin(preset: Preset) -> None:
    places = [(json.dumps(cell.condition), cell.subject, cell.twin) for cell in grid(preset)]
    assert len(places) == len(set(places))


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_starts_cold_and_warm_and_loads_and_imports(preset: Preset) -> None:
    cells = grid(preset)
    assert subjects(cells, page_cache="cold") == STRATEGIES | {SEGMENTER}
    assert "asynchronous-lazy" in subjects(cells, page_cache="warm") <= STRATEGIES
    assert "in-order" in subjects(cells, part="resources", page_cache="cold")
    assert subjects(cells, part="imports") == {"baseline", "asynchronous"}


def test_beside_the_baseline_stands_one_that_differs_in_the_segmenter_alone() -> None:
    cells = {cell.subject: cell for cell in grid("standard") if cell.condition == {"page_cache": "cold"}}
    assert (cells[SEGMENTER].system, cells[SEGMENTER].variant) == ("baseline", "fast-segmenter")
    assert cells[SEGMENTER].settings == {"fast_segmentation": True}


@pytest.mark.parametrize("preset", PRESETS)
def test_graded_presets_have_a_twin_of_each_system_as_it_comes_on_a_cold_page_cache(preset: Preset) -> None:
    twins = [cell for cell in grid(preset) if cell.twin]
    assert {cell.subject for cell in twins} == ({"baseline", "asynchronous-lazy"} if preset in GRADED else set())
    assert all(cell.condition == {"page_cache": "cold"} for cell in twins)


def test_the_standard_preset_keeps_to_less_than_a_minute_and_a_half_a_block() -> None:
    assert sum(cell.estimate_s * min(cell.blocks or 6, 6) / 6 for cell in grid("standard")) <= 85


def test_the_paper_also_has_other_orders_and_a_larger_model_where_a_model_runs() -> None:
    assert LazyLoading().shapes("paper") == ("1.1b",)
    cells = grid("paper", **{"1.1b": LLAMA})
    alone = {f"{name}-alone" for name in IN_ORDER if name != "turn"}
    for state in ("cold", "warm"):
        assert subjects(cells, page_cache=state, shape="1.1b") == STRATEGIES
        assert subjects(cells, part="resources", page_cache=state) == {"in-order", "reversed", *alone}
    simulated = grid("paper", EngineSpec(name="simulated"))
    assert not [cell for cell in simulated if "shape" in cell.condition or cell.subject == "library-alone"]


def test_every_metric_of_the_study_exists() -> None:
    from experiments import metrics

    assert set(LazyLoading.primary) <= set(LazyLoading.measures) <= set(metrics.registered())


class Site:
    """A folder in which single trials of the study can be run for real."""

    def __init__(self, folder: Path, tiny_model: Path) -> None:
        self.profile: Profile = profiles.load("4gb")
        self.backend = choose(self.profile, allow_unenforced=True)
        self.model = folder / "padded.gguf"
        shutil.copy(tiny_model, self.model)
        with self.model.open("ab") as file:  # so large that its pages are told from all others
            file.write(b"\1" * PADDING)
        if page_cache.evict([self.model]):
            pytest.skip("the temporary folder is in memory, so nothing in it is ever cold")
        self._folder = folder
        self._sha256 = hashlib.sha256(self.model.read_bytes()).hexdigest()

    def run(self, *wanted: tuple[str, dict[str, object]]) -> dict[str, Record]:
        """Run the trials of these subjects in these conditions, and return their records by page cache or part."""
        engine = EngineSpec(name="llama", model="padded", model_sha256=self._sha256)
        whole: Plan = plan.make(
            preset="paper",
            study_names=["lazy-loading"],
            system_names=["baseline", "asynchronous"],
            engine=engine,
            profile=self.profile,
            blocks=1,
            seed=1,
        )
        trials: list[TrialSpec] = [
            spec for spec in whole.trials if (spec.subject, spec.condition) in wanted and not spec.twin
        ]
        assert len(trials) == len(wanted)
        found: list[Record] = []
        (self._folder / "run").mkdir()
        runner.run(
            trials,
            RunFolder(self._folder / "run"),
            self.backend,
            self.profile,
            "test-lazy-loading",
            models={self._sha256: self.model},
            on_start=lambda _: None,
            on_finish=found.append,
            voids_noise=False,
        )
        assert [(record.outcome, record.reason) for record in found if record.outcome is not Outcome.OK] == []
        return {str(record.spec.condition.get("page_cache", "none")): record for record in found}


@pytest.fixture
def site(tmp_path: Path, tiny_model: Path) -> Site:
    return Site(tmp_path, tiny_model)


def test_a_warm_start_reads_everything_before_it_begins_and_a_cold_one_nothing(site: Site) -> None:
    found = site.run(*(("asynchronous-lazy", {"page_cache": state}) for state in ("cold", "warm")))
    for record in found.values():
        part = record.parts[0]
        assert record.outside.spawned_s < part.marks["started"] < part.marks["ready"] < part.marks["first_reply"]
        assert [row.outcome for row in part.requests] == ["ok", "ok"]
        assert record.outside.exit_status == {"subject": 0}
        assert part.memory["ready"].anonymous_bytes < part.memory["first_reply"].anonymous_bytes
    assert "read_bytes" not in found["cold"].parts[0].values
    assert found["warm"].parts[0].values["read_bytes"] > site.model.stat().st_size


@pytest.mark.needs_limits
def test_the_pages_of_a_warm_model_are_charged_to_the_trial(site: Site) -> None:
    if not site.backend.enforced:
        pytest.skip("no backend of this machine can make groups")
    # Neither loads the model, so only the warming can have brought its pages into the group.
    found = site.run(*(("agent-alone", {"part": "resources", "page_cache": state}) for state in ("cold", "warm")))
    charged = {state: record.outside.group.file_bytes or 0 for state, record in found.items()}
    assert charged["cold"] < PADDING <= charged["warm"]


def test_resources_are_loaded_in_the_order_asked_and_each_is_looked_at(site: Site) -> None:
    part = site.run(("in-order", {"part": "resources", "page_cache": "warm"}))["warm"].parts[0]
    assert tuple(part.memory) == RESOURCES
    assert all(part.values[f"{name}_s"] > 0 for name in RESOURCES)
    held = [sample.anonymous_bytes for sample in part.memory.values()]
    assert held[RESOURCES.index("keywords")] - held[RESOURCES.index("agent")] > 2**20


def test_each_import_is_made_by_a_fresh_interpreter(site: Site) -> None:
    part = site.run(("asynchronous", {"part": "imports"}))["none"].parts[0]
    assert len(part.series["import_s"]) == len(part.series["interpreter_s"]) > 1
    assert min(part.series["import_s"] + part.series["interpreter_s"]) > 0
    assert min(part.series["import_anonymous_bytes"]) > 0
