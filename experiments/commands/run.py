"""The command ``fourgig run``: measure what the person asks for, go on with a run, extend it until it is stable."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from experiments.analysis import environments
from experiments.commands import console
from experiments.commands.completing import completing, settings_of_systems, shape_names
from experiments.errors import Interrupted, RunFolderError
from experiments.measuring import code, plan, profiles, records, runner
from experiments.measuring.limits.interface import Backend
from experiments.measuring.limits.select import choose
from experiments.measuring.plan import Plan
from experiments.measuring.probes.host import environment
from experiments.measuring.profiles import Profile
from experiments.measuring.records import EngineSpec, Outcome, Scalar
from experiments.measuring.runs import TRIALS, RunFolder, RunInfo, read_info
from experiments.measuring.study import BLOCKS, GRADED, Preset, studies
from systems import registry
from systems.errors import BadInput, UnknownName
from systems.models.check import ModelFile
from systems.settings import by_system, parse

NOTHING_MEASURED = 7
"""The exit code of a run in which no trial ended ok."""


def run(
    context: typer.Context,
    study: Annotated[
        list[str] | None,
        typer.Argument(help="Studies to run; all of them if none is named.", autocompletion=completing(studies.names)),
    ] = None,
    systems: Annotated[
        list[str],
        typer.Option(
            help="A system to compare, by its name or as module:Class; give it several times, or names with commas.",
            autocompletion=completing(registry.systems.names),
        ),
    ] = ["baseline", "asynchronous"],  # noqa: B006 - typer reads the default, nobody changes it
    profile: Annotated[
        str, typer.Option(help="The limits to enforce.", autocompletion=completing(profiles.names))
    ] = "4gb",
    preset: Annotated[
        str,
        typer.Option(
            help="How much: smoke (a minute), quick (a quarter of an hour), standard (an hour and a quarter, for "
            "verdicts), wide (two hours, more conditions) or paper (everything).",
            autocompletion=completing(lambda: BLOCKS),
        ),
    ] = "quick",
    blocks: Annotated[
        int | None, typer.Option(min=1, help="Repetitions of everything; the preset's if not given.")
    ] = None,
    engine: Annotated[
        str, typer.Option(help="What generates text.", autocompletion=completing(registry.engines.names))
    ] = "llama",
    model: Annotated[
        str | None,
        typer.Option(
            help="A shape (135m, 360m, 1.1b, 3b, 8b), made if need be, or the path of any GGUF file. [default: 135m]"
        ),
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="Where the endpoint of the engine openai is, up to /chat/completions.")
    ] = None,
    settings: Annotated[
        list[str],
        typer.Option(
            "--set",
            metavar="SYSTEM.NAME=VALUE",
            help="A system's setting, in every trial that does not choose it itself; give it several times.",
            autocompletion=completing(settings_of_systems),
        ),
    ] = [],  # noqa: B006 - as above
    seed: Annotated[int, typer.Option(help="Everything random comes from it.")] = 0,
    out: Annotated[Path | None, typer.Option(help="The run's folder; results/<time>-<preset> if not given.")] = None,
    resume: Annotated[
        Path | None, typer.Option(help="Go on with this run: run the trials that have no record yet.")
    ] = None,
    until_stable: Annotated[
        bool,
        typer.Option(
            "--until-stable",
            help="Add blocks until every comparison that blocks can settle has an answer or is precise enough.",
        ),
    ] = False,
    precision: Annotated[
        float, typer.Option(min=0.1, help="With --until-stable: precise enough is ± this many percent.")
    ] = 5.0,
    time_limit: Annotated[
        float, typer.Option(min=0.0, help="With --until-stable: begin no block that would end after so many minutes.")
    ] = 120.0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan with an estimate, and run nothing.")
    ] = False,
    allow_unenforced: Annotated[
        bool, typer.Option("--allow-unenforced", help="Run even where no limit can be enforced; every table says so.")
    ] = False,
) -> None:
    """Run studies, and write a report.

    Every trial is a fresh process inside the profile's limits. Records are on disk as soon as they exist: an
    interrupted run goes on with --resume.
    """
    before = None
    if resume is not None:
        _only_with_resume(context)
        before = read_info(resume)
        asked = _asked_before(before, model, blocks)
    else:
        asked = _Asked(
            preset=_preset(preset),
            studies=tuple(dict.fromkeys(study or studies.names())),
            systems=tuple(dict.fromkeys(name for each in systems for name in each.split(","))),
            profile=profiles.load(profile),
            blocks=blocks or BLOCKS[_preset(preset)],
            seed=seed,
            engine=_engine(engine, url),
            model=model or "135m",
            settings=_settings(settings),
        )
    needs_model = "model_path" in registry.engines.get(asked.engine.name).Settings.__struct_fields__
    shapes = plan.shapes_needed(asked.studies, asked.preset) if needs_model else []
    # Whatever is misspelt is found before a model is made.
    unmade = {shape: _unmade(asked.engine.name, shape) for shape in shapes}
    made = _plan(asked, asked.engine, unmade, resume)
    if dry_run:
        console.print_plan(made, done=records.read(resume / TRIALS) if resume else ())
        console.print_skipped(made.skipped)
        return

    backend = choose(asked.profile, allow_unenforced=allow_unenforced)
    found = {name: console.resolve_model(name) for name in dict.fromkeys([asked.model, *shapes])} if needs_model else {}
    engine_spec = asked.engine
    if asked.model in found:
        engine_spec = _with_model(asked.engine.name, asked.model, found[asked.model])
        _warn_if_larger(found[asked.model], asked.profile)
    engines = {shape: _with_model(asked.engine.name, shape, found[shape]) for shape in shapes}
    made = _plan(asked, engine_spec, engines, resume)
    now = datetime.now(UTC)
    wanted = RunInfo(
        run_id=before.run_id if before else f"{now:%Y%m%d-%H%M%S}-{asked.preset}",
        created=before.created if before else now.isoformat(timespec="seconds"),
        preset=asked.preset,
        blocks=asked.blocks,
        seed=asked.seed,
        studies=asked.studies,
        systems=asked.systems,
        profile=asked.profile,
        backend=backend.name,
        enforced=backend.enforced,
        engine=engine_spec,
        shapes=engines,
        settings=asked.settings,
        code_version=code.version_of_run(asked.systems, asked.studies),
        code_versions=tuple(sorted({spec.code_version for spec in made.trials})),
        environment={**environment(), **code.outside(asked.systems)},
        planned=made.count(records.read(resume / TRIALS) if resume else ()),
        skipped=made.skipped,
    )
    if before is not None:
        _must_match(before, wanted)
    console.print_skipped(made.skipped)
    if not made.trials:
        console.err.print("Every trial was skipped: nothing was measured.")
        raise typer.Exit(NOTHING_MEASURED)
    models = {model.sha256: model.path for model in found.values()}
    path = resume or out or Path("results") / wanted.run_id

    def longer(blocks: int) -> Plan:
        return _plan(msgspec.structs.replace(asked, blocks=blocks), engine_spec, engines, path)

    stop = _Stop(precision=precision / 100, at_s=time.monotonic() + 60 * time_limit) if until_stable else None
    _run(wanted, made, path, models, resuming=bool(resume), backend=backend, longer=longer, stop=stop)


class _Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is made of, whether the person says it now or said it when the resumed run began."""

    preset: Preset
    studies: tuple[str, ...]
    systems: tuple[str, ...]
    profile: Profile
    blocks: int
    seed: int
    engine: EngineSpec
    model: str
    settings: dict[str, dict[str, Scalar]]


class _Stop(msgspec.Struct, frozen=True, kw_only=True):
    """When a run that goes on until it is stable stops: the share that is precise enough, the moment it must end."""

    precision: float
    at_s: float


def _engine(name: str, url: str | None) -> EngineSpec:
    """Return the engine asked for. Raises `BadInput` for an address that is none, or of an engine that has none."""
    if url is None:
        return EngineSpec(name=name)
    kind = registry.engines.get(name)
    if "url" not in kind.Settings.__struct_fields__:
        raise BadInput(f"The engine {name} is not asked at an address: --url is for --engine openai.")
    kind(msgspec.convert({"url": url}, kind.Settings))  # refuses what is no address
    return EngineSpec(name=name, settings={"url": url})


def _settings(assignments: list[str]) -> dict[str, dict[str, Scalar]]:
    return {
        system: parse(registry.systems.get(system).settings, values, system)
        for system, values in by_system(assignments).items()
    }


def _asked_before(before: RunInfo, model: str | None, blocks: int | None) -> _Asked:
    if blocks is not None and blocks < before.blocks:
        raise BadInput(f"The run has {before.blocks} blocks already; --blocks {blocks} cannot take any away.")
    if before.engine.model is not None and model is None and before.engine.model_shape is None:
        raise BadInput(f"The run used the model file {before.engine.model!r}: say where it is with --model.")
    return _Asked(
        preset=_preset(before.preset),
        studies=before.studies,
        systems=before.systems,
        profile=before.profile,
        blocks=blocks or before.blocks,
        seed=before.seed,
        engine=before.engine,
        model=model or before.engine.model_shape or "",
        settings=before.settings,
    )


def _plan(asked: _Asked, engine: EngineSpec, shapes: dict[str, EngineSpec], resume: Path | None) -> Plan:
    return plan.make(
        preset=asked.preset,
        study_names=asked.studies,
        system_names=asked.systems,
        engine=engine,
        profile=asked.profile,
        blocks=asked.blocks,
        seed=asked.seed,
        shapes=shapes,
        settings=asked.settings,
        past=_past(resume),
    )


def _with_model(engine: str, asked: str, found: ModelFile) -> EngineSpec:
    return EngineSpec(
        name=engine,
        model=found.name,
        # A path of this machine says nothing elsewhere, and is not kept.
        model_shape=asked if asked.partition(":")[0] in shape_names() else None,
        model_sha256=found.sha256,
        words_are_meaningless=found.random_weights,
    )


def _unmade(engine: str, shape: str) -> EngineSpec:
    return EngineSpec(name=engine, model=shape, model_shape=shape, words_are_meaningless=True)


def _run(
    info: RunInfo,
    made: Plan,
    path: Path,
    models: dict[str, Path],
    *,
    resuming: bool,
    backend: Backend,
    longer: Callable[[int], Plan],
    stop: _Stop | None,
) -> None:
    from experiments.report.build import build

    with RunFolder(path) as folder:
        if not resuming and folder.trials.exists():
            raise RunFolderError(
                f"{path} already holds a run; go on with it by --resume {path}, or choose another --out."
            )
        _measure(info, made, folder, models, backend)
        while stop is not None and (found := _extended(info, path, longer, stop)) is not None:
            info, made = found
            _measure(info, made, folder, models, backend)
        all_records = records.read(folder.trials)
        console.print_outcomes(all_records)
        console.out.print(f"Report: {build(path)}", markup=False, soft_wrap=True)
        if not any(record.outcome is Outcome.OK for record in all_records):
            console.err.print("No trial ended ok: nothing was measured.")
            raise typer.Exit(NOTHING_MEASURED)


def _measure(info: RunInfo, made: Plan, folder: RunFolder, models: dict[str, Path], backend: Backend) -> None:
    """Run the trials of the plan that have no record yet. Raises `Interrupted`."""
    folder.write_info(info)
    todo = runner.missing(made.trials, records.read(folder.trials))
    estimates = {spec.key: seconds for spec, seconds in zip(made.trials, made.seconds, strict=True)}
    console.err.print(
        f"{len(todo)} of {len(made.trials)} trials to run under {info.profile.name} "
        f"({info.backend}), about {console.duration(sum(estimates[spec.key] for spec in todo))}; "
        f"records in {folder.path}",
        markup=False,
        soft_wrap=True,
    )
    try:
        with console.TrialProgress({spec.key: estimates[spec.key] for spec in todo}) as progress:
            runner.run(
                todo,
                folder,
                backend,
                info.profile,
                info.run_id,
                models=models,
                voids_noise=info.preset in GRADED,
                on_start=progress.started,
                on_finish=progress.finished,
            )
    except KeyboardInterrupt:
        done = len(records.read(folder.trials))
        raise Interrupted(
            f"Interrupted. {done} of {info.planned} trials are recorded; go on with: fourgig run --resume {folder.path}"
        ) from None


def _extended(info: RunInfo, path: Path, longer: Callable[[int], Plan], stop: _Stop) -> tuple[RunInfo, Plan] | None:
    """Return the run with as many more blocks as it needs and the time allows; None where it is done."""
    from experiments.analysis.frames import load_run
    from experiments.report.scene import standing

    found = standing(load_run(path), stop.precision)
    said = f"{found.unstable} of {found.comparisons} comparisons are not stable"
    if found.blocks is None:
        console.err.print(
            f"{said}, and more blocks would not help." if found.unstable else "Every comparison is stable."
        )
        return None
    # What few blocks say of many is rough: the run at most doubles before it looks again.
    blocks, ends_s = info.blocks, time.monotonic()
    whole = longer(min(found.blocks, max(2 * info.blocks, BLOCKS["standard"])))
    while blocks <= whole.trials[-1].block:
        ends_s += sum(s for spec, s in zip(whole.trials, whole.seconds, strict=True) if spec.block == blocks)
        if ends_s > stop.at_s:
            break
        blocks += 1
    if blocks == info.blocks:
        again = f"fourgig run --resume {path} --blocks {found.blocks}"
        console.err.print(f"{said}, and the time is up. Go on with: {again}", markup=False, soft_wrap=True)
        return None
    console.err.print(f"{said}; going on to {blocks} blocks.")
    extended = longer(blocks)
    planned = extended.count(records.read(path / TRIALS))
    return msgspec.structs.replace(info, blocks=blocks, planned=planned), extended


def _preset(name: str) -> Preset:
    for preset in BLOCKS:
        if name == preset:
            return preset
    raise UnknownName("preset", name, BLOCKS)


def _past(resume: Path | None) -> list[records.Record]:
    """Return records that tell how long trials take: the run's own, else the reference run's."""
    reference = Path(__file__).parents[2] / "results" / "reference"
    for folder in (resume, reference):
        if folder is not None and (found := records.read(folder / TRIALS)):
            return found
    return []


def _only_with_resume(context: typer.Context) -> None:
    """Refuse options that would make another run of the resumed one."""
    allowed = {"resume", "blocks", "model", "dry_run", "allow_unenforced", "until_stable", "precision", "time_limit"}
    given = []
    for name in context.params:
        source = context.get_parameter_source(name)
        if name not in allowed and source is not None and source.name == "COMMANDLINE":
            given.append(name)
    if given:
        names = ", ".join("STUDY" if name == "study" else "--" + name.replace("_", "-") for name in given)
        raise BadInput(f"A resumed run keeps what it was started with: leave out {names}.")


def _must_match(before: RunInfo, now: RunInfo) -> None:
    """Refuse to mix trials that cannot be compared in one run. Raises `RunFolderError`."""
    changed = [*environments.differences(before, now), *environments.software(before, now)]
    if changed:
        raise RunFolderError(
            f"This run cannot be resumed: {' and '.join(changed)} changed since it began. Start a new one; "
            f"`fourgig report` still reads this one."
        )


def _warn_if_larger(model: ModelFile, profile: Profile) -> None:
    if model.size_bytes > profile.memory_bytes:
        console.err.print(
            f"Note: the model ({model.size_bytes / 2**30:.1f} GiB) is larger than the profile {profile.name} "
            f"({profile.memory_bytes / 2**30:g} GiB). It runs from the page cache, and may be very slow.",
            soft_wrap=True,
        )
