"""The command ``fourgig run``: measure what the person asks for, go on with a run, extend it until it is stable.

What is asked is gathered in `asking`, planned in `planning`, looked at in `checking` and run in `running`.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import msgspec
import typer

from experiments.analysis import environments
from experiments.commands import asking, checking, console, planning, presets, running
from experiments.commands.asking import Asked
from experiments.commands.completing import completing, levels, model_names, parts, settings_of_trials
from experiments.commands.extending import UntilStable
from experiments.commands.places import check_places
from experiments.errors import RunFolderError
from experiments.invocation import command
from experiments.measuring import code, environment, profiles, records, runs
from experiments.measuring.limits.select import judge
from experiments.measuring.plan import Plan
from experiments.measuring.profiles import Profile
from experiments.measuring.records import WORKLOAD, Outcome
from experiments.measuring.runs import TRIALS, RunInfo, read_info
from experiments.measuring.study import BLOCKS, studies
from experiments.measuring.workload import workloads
from systems import registry
from systems.errors import ExitCode
from systems.models.check import ModelFile

_RESULTS = Path("results")


def run(
    context: typer.Context,
    study: Annotated[
        list[str] | None,
        typer.Argument(help="Studies to run; all of them if none is named.", autocompletion=completing(studies.names)),
    ] = None,
    part: Annotated[
        str | None,
        typer.Option(help="Only this part of the studies; `list parts` names them.", autocompletion=parts),
    ] = None,
    only: Annotated[
        list[str],
        typer.Option(
            metavar="FACTOR=LEVEL",
            help="Only trials of this condition (users=50, subject=baseline, system=baseline); give it several times. "
            "Of one factor, any of its levels will do; pause_s= is to have no such factor.",
            autocompletion=levels,
        ),
    ] = [],  # noqa: B006 - typer reads the default, nobody changes it
    arms: Annotated[
        bool,
        typer.Option(
            "--arms", help="With --part or --only: also the A/A arms that give what is chosen its noise floor."
        ),
    ] = False,
    systems: Annotated[
        list[str],
        typer.Option(
            help="A system to compare, by its name or as module:Class; give it several times, or names with commas.",
            autocompletion=completing(registry.systems.names),
        ),
    ] = ["baseline", "asynchronous"],  # noqa: B006 - as above
    profile: Annotated[
        str, typer.Option(help="The limits to enforce.", autocompletion=completing(profiles.names))
    ] = "4gb",
    preset: Annotated[
        str,
        typer.Option(
            help=f"How much. {presets.described()}.",
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
            help="smollm2, a shape (135m, 360m, 1.1b, 3b, 8b), or the path of any GGUF file; smollm2:q4_0 if not "
            "given, fetched on first use.",
            autocompletion=completing(model_names),
        ),
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="Where the endpoint of the engine openai is, up to /chat/completions.")
    ] = None,
    settings: Annotated[
        list[str],
        typer.Option(
            "--set",
            metavar="WHOSE.NAME=VALUE",
            help="A setting of a system or of an engine, in every trial that does not choose it itself; give it "
            "several times.",
            autocompletion=completing(settings_of_trials),
        ),
    ] = [],  # noqa: B006 - as above
    workload: Annotated[
        str,
        typer.Option(help="What the users say.", autocompletion=completing(workloads.names)),
    ] = WORKLOAD,
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
        bool,
        typer.Option("--allow-unenforced", help="Run even where the profile is not to be had; every table says so."),
    ] = False,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Run on even where every trial of a block was void.")
    ] = False,
) -> None:
    """Run studies, and write a report.

    Every trial is a fresh process inside the profile's limits. Records are on disk as soon as they exist: an
    interrupted run goes on with --resume.
    """
    info = None
    if resume is not None:
        asking.refuse_with_resume(context)
        info = read_info(resume)
        asked = asking.before(info, model, blocks)
    else:
        named = tuple(dict.fromkeys(study or studies.names()))
        set_to = asking.settings(settings)
        asked = Asked(
            preset=asking.preset(preset),
            studies=named,
            systems=asking.each_once(systems),
            profile=profiles.load(profile),
            blocks=blocks or BLOCKS[asking.preset(preset)],
            seed=seed,
            engine=asking.engine(engine, url, set_to),
            model=model,
            settings=set_to,
            part=asking.part(part, named),
            only=asking.only(only, part),
            arms=arms,
            workload=workload,
        )
    now = datetime.now(UTC)
    run_id = info.run_id if info else f"{now:%Y%m%d-%H%M%S}-{asked.preset}"
    path = resume or out or runs.free(_RESULTS, run_id)
    check_places(path)
    drafted = planning.draft(asked, resume)
    checking.check(asked, drafted, path, resume)
    if dry_run:
        console.print_plan(drafted.plan, records.read(path / TRIALS), drafted.pace)
        console.print_skipped(drafted.plan.skipped)
        obstacle = checking.obstacle(asked.profile, allow_unenforced=allow_unenforced)
        if obstacle is not None:
            console.err.say(f"Note: {obstacle}")
        return

    limits = judge(asked.profile)
    limits.require(allow_unenforced=allow_unenforced)
    backend = limits.backend
    console.print_skipped(drafted.plan.skipped)
    if not drafted.plan.trials:
        _say_that_all_was_skipped(path)
    running.prepare()
    prepared = planning.prepare(asked, drafted)
    console.print_skipped([each for each in prepared.plan.skipped if each not in drafted.plan.skipped])
    if not prepared.plan.trials:
        _say_that_all_was_skipped(path)
    if prepared.model is not None:
        _warn_if_larger(prepared.models[prepared.model], asked.profile)
    if info is None:
        asked, prepared = planning.calibrate(asked, prepared, drafted.past)
        # Two runs may begin in the same second. Of folders that were chosen elsewhere nobody knows here.
        path = out or runs.claim(_RESULTS, run_id)
        run_id = path.name if out is None else f"{run_id}-{secrets.token_hex(2)}"
    wanted = RunInfo(
        run_id=run_id,
        created=info.created if info else now.isoformat(timespec="seconds"),
        preset=asked.preset,
        blocks=asked.blocks,
        seed=asked.seed,
        studies=asked.studies,
        systems=asked.systems,
        profile=asked.profile,
        backend=backend.name,
        enforced=limits.enforced,
        lacking=limits.lacking,
        engine=prepared.engine,
        shapes=prepared.shapes,
        settings=asked.settings,
        part=asked.part,
        only=asked.only,
        arms=asked.arms,
        workload=asked.workload,
        calibrated=asked.calibrated,
        code_version=code.version_of_run(asked.systems, asked.studies),
        code_versions=prepared.plan.code_versions(info.code_versions if info else ()),
        environment=environment.describe(asked.systems, prepared.plan.trials, info),
        planned=prepared.plan.count(records.read(path / TRIALS)),
        skipped=prepared.plan.skipped,
    )
    if info is not None:
        _must_match(info, wanted)

    def planned(blocks: int) -> Plan:
        longer = msgspec.structs.replace(asked, blocks=blocks)
        return planning.planned(longer, prepared.engine, prepared.shapes, [records.read(path / TRIALS)])

    files = prepared.files()
    longer = UntilStable(precision / 100, time_limit, planned, files) if until_stable else running.no_longer
    running.run_all(
        wanted,
        prepared.plan,
        path,
        files,
        backend,
        resuming=resume is not None,
        longer=longer,
        keep_going=keep_going,
    )


def _say_that_all_was_skipped(path: Path) -> NoReturn:
    """Say that this machine runs no trial of the run, and what the run holds already."""
    recorded = {record.key: record for record in records.read(path / TRIALS)}
    if not recorded:
        console.err.say("Every trial was skipped: nothing was measured.")
        raise typer.Exit(ExitCode.NOTHING_MEASURED)
    ok = sum(record.outcome is Outcome.OK for record in recorded.values())
    console.err.say(
        f"Every trial was skipped: nothing was added to the {len(recorded)} trials that are recorded, of which {ok} "
        f"ended ok. Their report: {command('report', path)}"
    )
    raise typer.Exit(ExitCode.DONE if ok else ExitCode.NOTHING_MEASURED)


def _must_match(before: RunInfo, now: RunInfo) -> None:
    """Refuse to mix trials that cannot be compared in one run. Raises `RunFolderError`."""
    changed = [*environments.differences(before, now), *environments.software(before, now)]
    if changed:
        raise RunFolderError(
            f"This run cannot be resumed. What changed since it began: {'; '.join(changed)}. Start a new one; "
            f"`{command('report')}` still reads this one."
        )


def _warn_if_larger(model: ModelFile, profile: Profile) -> None:
    if model.size_bytes > profile.memory_bytes:
        console.err.say(
            f"Note: the model ({model.size_bytes / 2**30:.1f} GiB) is larger than the profile {profile.name} "
            f"({profile.memory_bytes / 2**30:g} GiB). It runs from the page cache, and may be very slow.",
        )
