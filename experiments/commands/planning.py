"""From what was asked to the plan: first with models that are only named, then with the files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from experiments.commands import console
from experiments.commands.asking import Asked
from experiments.errors import Unrecordable
from experiments.measuring import calibrating, plan, records, runs
from experiments.measuring.plan import Plan
from experiments.measuring.recordable import refuse_unrecordable
from experiments.measuring.records import EngineSpec, Record
from systems import registry
from systems.errors import BadInput
from systems.models import find
from systems.models.check import ModelFile
from systems.models.fetching import CannotFetch


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A plan whose new models are not made yet. ``model`` None: none is needed; ``shapes`` are those needed besides.

    The estimate comes from the runs ``past``, and ``pace`` says whose they are.
    """

    plan: Plan
    past: list[list[Record]]
    pace: str
    model: str | None
    shapes: tuple[str, ...]


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """A plan with everything it takes. ``models`` holds every file by the name it was asked by.

    ``model`` is the name of the model of record: another than the draft's where the usual one could not be had.
    """

    plan: Plan
    engine: EngineSpec
    model: str | None
    shapes: dict[str, EngineSpec]
    models: dict[str, ModelFile]

    def files(self) -> dict[str, Path]:
        """Return the model files by their digests."""
        return {model.sha256: model.path for model in self.models.values()}


def draft(asked: Asked, resumed: Path | None) -> Draft:
    """Plan without making a model; whatever is misspelt is found here. Raises as `experiments.measuring.plan.make`."""
    runs_models = _runs_a_model(asked.engine)
    wanted = plan.shapes_needed(asked.studies, asked.preset) if runs_models else []
    if resumed is not None:
        wanted = _as_before(wanted, asked.shapes)
    unmade = {name: asked.shapes.get(name) or _unmade(asked.engine.name, name) for name in wanted}
    past, pace = _past(asked.studies, resumed)
    made = planned(asked, asked.engine, unmade, past)
    engines = [spec.engine for spec in made.trials if spec.engine is not None and _runs_a_model(spec.engine)]
    # A part of a study may need neither the model of record nor the other shapes: then nothing is made for it.
    own = [engine for engine in engines if engine.model in (None, asked.engine.model)]
    named = asked.model is not None or asked.engine.model is not None
    used = {engine.model for engine in engines}
    return Draft(
        plan=made,
        past=past,
        pace=pace,
        model=(asked.model or find.TIMED) if runs_models and (own or named) else None,
        shapes=tuple(name for name, engine in unmade.items() if engine.model in used or name in asked.shapes),
    )


def prepare(asked: Asked, drafted: Draft) -> Prepared:
    """Find, fetch or make every model, and plan with them. Raises `ModelError`.

    A model that a study needs besides the model of record, and that cannot be fetched just now, is done without: the
    plan skips what needs it.
    """
    engine, model = asked.engine, drafted.model
    models: dict[str, ModelFile] = {}
    if model is not None:
        found = None
        if asked.model is None:
            model, found = console.resolve_usual_model(find.TIMED)
        models[model] = found or console.resolve_model(model)
        engine = _with_model(engine, model, models[model])
    for name in drafted.shapes:
        # What was not to be had as the model of record is not to be had now.
        if name not in models and name != drafted.model:
            models |= _besides(name, begun_with_it=name in asked.shapes)
    shapes = {
        name: _with_model(EngineSpec(name=engine.name), name, models[name]) for name in drafted.shapes if name in models
    }
    made = planned(asked, engine, shapes, drafted.past)
    return Prepared(plan=made, engine=engine, model=model, shapes=shapes, models=models)


def calibrate(asked: Asked, prepared: Prepared, past: Sequence[Sequence[Record]]) -> tuple[Asked, Prepared]:
    """Find out how the engines are fastest here, and return what was asked and the plan with that."""
    found = calibrating.calibrated(prepared.plan.trials, prepared.files(), console.err.say)
    asked = msgspec.structs.replace(asked, calibrated=found)
    made = planned(asked, prepared.engine, prepared.shapes, past)
    return asked, msgspec.structs.replace(prepared, plan=made)


def _besides(name: str, *, begun_with_it: bool) -> dict[str, ModelFile]:
    """Return the model by its name, or nothing where it cannot be fetched and the run was not begun with it."""
    try:
        return {name: console.resolve_model(name)}
    except CannotFetch as error:
        if begun_with_it:
            raise
        console.err.say(str(error))
        return {}


def planned(
    asked: Asked, engine: EngineSpec, shapes: Mapping[str, EngineSpec], past: Sequence[Sequence[Record]]
) -> Plan:
    """Return the plan of what was asked on this engine; what trials of ``past`` runs took makes the estimate.

    Raises as `experiments.measuring.plan.make`, and `BadInput` for a trial that no record could hold.
    """
    made = plan.make(
        preset=asked.preset,
        study_names=asked.studies,
        system_names=asked.systems,
        engine=engine,
        profile=asked.profile,
        blocks=asked.blocks,
        seed=asked.seed,
        shapes=shapes,
        settings=asked.settings,
        workload=asked.workload,
        part=asked.part,
        only=asked.only,
        arms=asked.arms,
        past=past,
    )
    made = msgspec.structs.replace(made, trials=calibrating.applied(made.trials, asked.calibrated))
    for spec in made.trials:
        try:
            refuse_unrecordable(spec, f"the trial of {spec.subject} in the study {spec.study}")
        except Unrecordable as error:
            raise BadInput(f"A trial cannot be planned: {error}.") from error
    return made


def _runs_a_model(engine: EngineSpec) -> bool:
    return "model_path" in registry.engines.get(engine.name).Settings.__struct_fields__


def _with_model(engine: EngineSpec, asked: str, found: ModelFile) -> EngineSpec:
    return msgspec.structs.replace(
        engine,
        model=found.name,
        # A path of this machine says nothing elsewhere, and is not kept.
        model_shape=asked if find.is_named(asked) else None,
        model_sha256=found.sha256,
        words_are_meaningless=found.random_weights,
    )


def _as_before(wanted: Sequence[str], before: Mapping[str, EngineSpec]) -> list[str]:
    """Return the shapes of a resumed run: those it began with, or trials with and without one would be mixed.

    Raises `BadInput` where this machine lacks one now.
    """
    if lacking := [name for name in before if name not in wanted]:
        raise BadInput(f"The run was begun with the model {lacking[0]}, which is not there any more.")
    return [name for name in wanted if name in before]


def _unmade(engine: str, shape: str) -> EngineSpec:
    return EngineSpec(name=engine, model=shape, model_shape=shape, words_are_meaningless=True)


def _past(studies: Sequence[str], resumed: Path | None) -> tuple[list[list[Record]], str]:
    """Return runs that tell how long trials of ``studies`` take, and whose they are.

    They are the run's own, else those of the reference; of it no other parts are read: that takes longer than the
    planning.
    """
    reference = Path(__file__).parents[2] / "results" / "reference"
    for folder, whose in ((resumed, "this run"), (reference, "the reference run")):
        there = runs.folders(folder) if folder is not None else []
        parts = [part for part in there if not set(studies).isdisjoint(runs.read_info(part).studies)]
        read = [records.read(part / runs.TRIALS) for part in parts]
        if found := [run for run in read if run]:
            return found, f"at the pace of {whose}"
    return [], "by guess"
