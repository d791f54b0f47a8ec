"""What a run is made of, whether the person says it now or said it when the resumed run began."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
import typer

from experiments.measuring.profiles import Profile
from experiments.measuring.records import Calibrated, EngineSpec, Levels, Scalar
from experiments.measuring.runs import RunInfo
from experiments.measuring.study import BLOCKS, Preset, studies
from systems import registry
from systems.errors import BadInput, UnknownName
from systems.settings import by_system, parse

Settings = dict[str, dict[str, Scalar]]
"""What was set on systems and engines, by their names."""

_WITH_RESUME = {
    *("resume", "blocks", "model", "dry_run", "allow_unenforced", "keep_going"),
    *("until_stable", "precision", "time_limit"),
}


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is made of.

    ``engine`` and ``shapes`` name a model only where the run was begun before; ``model`` is the one to find for
    ``engine``, None where nobody named one. ``calibrated`` is how the engines are fastest here, once that is known.
    """

    preset: Preset
    studies: tuple[str, ...]
    systems: tuple[str, ...]
    profile: Profile
    blocks: int
    seed: int
    engine: EngineSpec
    shapes: Mapping[str, EngineSpec] = {}
    model: str | None
    settings: Settings
    part: str | None
    only: dict[str, Levels]
    arms: bool = False
    workload: str
    calibrated: tuple[Calibrated, ...] = ()


def before(info: RunInfo, model: str | None, blocks: int | None) -> Asked:
    """Return what the run of ``info`` was asked, with as many or more blocks. Raises `BadInput`."""
    if blocks is not None and blocks < info.blocks:
        raise BadInput(f"The run has {info.blocks} blocks already; --blocks {blocks} cannot take any away.")
    if info.engine.model is not None and model is None and info.engine.model_shape is None:
        raise BadInput(f"The run used the model file {info.engine.model!r}: say where it is with --model.")
    return Asked(
        preset=preset(info.preset),
        studies=info.studies,
        systems=info.systems,
        profile=info.profile,
        blocks=blocks or info.blocks,
        seed=info.seed,
        engine=info.engine,
        shapes=info.shapes,
        model=model or info.engine.model_shape,
        settings=info.settings,
        part=info.part,
        only=info.only,
        arms=info.arms,
        workload=info.workload,
        calibrated=info.calibrated,
    )


def refuse_with_resume(context: typer.Context) -> None:
    """Refuse options that would make another run of the resumed one. Raises `BadInput`."""
    given = []
    for name in context.params:
        source = context.get_parameter_source(name)
        if name not in _WITH_RESUME and source is not None and source.name == "COMMANDLINE":
            given.append(name)
    if given:
        spelt = {"study": "STUDY", "settings": "--set"}
        names = ", ".join(spelt.get(name, "--" + name.replace("_", "-")) for name in given)
        raise BadInput(f"A resumed run keeps what it was started with: leave out {names}.")


def preset(name: str) -> Preset:
    """Return ``name`` as a preset. Raises `UnknownName`."""
    for each in BLOCKS:
        if name == each:
            return each
    raise UnknownName("preset", name, BLOCKS)


def each_once(named: Iterable[str]) -> tuple[str, ...]:
    """Return the names, of which several may stand in one text with commas between them, each once."""
    return tuple(dict.fromkeys(name for text in named for name in text.split(",")))


def engine(name: str, url: str | None, settings: Settings) -> EngineSpec:
    """Return the engine asked for. Raises `BadInput` for an address that is none, or of an engine that has none."""
    if url is None:
        return EngineSpec(name=name)
    kind = registry.engines.get(name)
    if "url" not in kind.Settings.__struct_fields__:
        raise BadInput(f"The engine {name} is not asked at an address: --url is for --engine openai.")
    if "url" in settings.get(name, {}):
        raise BadInput(f"--url and --set {name}.url say the same: give one of them.")
    kind(msgspec.convert({"url": url}, kind.Settings))  # refuses what is no address
    return EngineSpec(name=name, settings={"url": url})


def settings(assignments: Sequence[str]) -> Settings:
    """Return what ``WHOSE.NAME=VALUE`` assignments set on systems and engines. Raises `BadInput`."""
    known = (*registry.systems.names(), *registry.engines.names())
    return {whose: _parsed(whose, values) for whose, values in by_system(assignments, known).items()}


def _parsed(whose: str, values: Mapping[str, str]) -> dict[str, Scalar]:
    systems, engines = registry.systems.names(), registry.engines.names()
    if whose in systems and whose in engines:
        raise BadInput(f"{whose} is the name of a system and of an engine: nothing can be set on either by that name.")
    if whose not in (*systems, *engines) and ":" not in whose:
        raise UnknownName("system or engine", whose, [*systems, *engines])
    kind = registry.engines.get(whose).Settings if whose in engines else registry.systems.get(whose).settings
    given: dict[str, str] = {}
    if "model_path" in kind.__struct_fields__:
        if "model_path" in values:
            raise BadInput(f"The model of {whose} is chosen by --model, not by --set.")
        given["model_path"] = ""  # a trial has one, and nobody else
    found = parse(kind, {**given, **values}, whose)
    found.pop("model_path", None)
    # A record's values are no lists: what makes one is kept as text.
    return {
        name: msgspec.json.encode(value).decode() if isinstance(value, tuple) else value
        for name, value in found.items()
    }


def part(name: str | None, named: Sequence[str]) -> str | None:
    """Return the name of a part of the studies that were ``named``. Raises `BadInput`, which lists their parts."""
    if name is None:
        return None
    parts = {study: studies.get(study).parts for study in named}
    if not any(name in of for of in parts.values()):
        known = "; ".join(f"{study}: {', '.join(of) or 'none'}" for study, of in parts.items())
        raise BadInput(f"There is no part named {name!r}. The parts of each study are: {known}.")
    return name


def only(assignments: Sequence[str], chosen_part: str | None) -> dict[str, Levels]:
    """Return what ``FACTOR=LEVEL`` filters say: of one factor, any of its levels. An empty level is to have none.

    Raises `BadInput` for one that is no filter, and for one that excludes the part.
    """
    found: dict[str, list[str]] = {}
    for assignment in assignments:
        factor, equals, level = assignment.partition("=")
        if not (factor and equals):
            raise BadInput(f"{assignment!r} chooses nothing: write FACTOR=LEVEL, for example users=50.")
        if level not in found.setdefault(factor, []):
            found[factor].append(level)
    for level in found.get("part", ()):
        if chosen_part not in (None, level):
            raise BadInput(f"--part {chosen_part} and --only part={level} exclude each other.")
    return {factor: levels[0] if len(levels) == 1 else tuple(levels) for factor, levels in found.items()}
