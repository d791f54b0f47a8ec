"""Where figures are from: the code, machine, limits, date and model of each part of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from experiments.analysis.frames import RunFrames
from experiments.analysis.pairing import ENOUGH_BLOCKS
from experiments.analysis.parts import RunPart
from experiments.measuring.runs import RunInfo
from experiments.report import text

_LACKING = "–"


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """One part in words. ``called`` is its studies, with its run where others have the same."""

    run: str
    called: str
    studies: str
    date: str
    preset: str
    trials: int
    machine: str
    limits: str
    model: str
    code: str

    @property
    def sentence(self) -> str:
        """Everything of it but its studies."""
        return (
            f"Run {self.run} of {self.date}: {self.preset}, {_trials(self.trials)} on {self.machine}; {self.limits}; "
            f"{self.model}; code {self.code}."
        )


class PartFact(msgspec.Struct, frozen=True, kw_only=True):
    """What something was in each part, in order; a dash where one lacks it."""

    name: str
    values: list[str]

    @property
    def shared(self) -> bool:
        """Whether it was the same in all of them."""
        return len(set(self.values)) == 1

    @property
    def held(self) -> dict[str, list[int]]:
        """Each thing that it was, and the places of the parts in which it was that."""
        places: dict[str, list[int]] = {}
        for place, value in enumerate(self.values):
            if value != _LACKING:
                places.setdefault(value, []).append(place)
        return places


def provenances(run: RunFrames) -> list[Provenance]:
    """Return where each part of ``run`` is from."""
    return [
        Provenance(
            run=text.plain(part.run),
            called=text.plain(", ".join(title(run, part.run, study) for study in part.studies)),
            studies=studies(part),
            date=part.info.created[:10],
            preset=f"preset {text.plain(part.info.preset)}, {blocks(part.info)}",
            trials=len(part.records),
            machine=machine(part.info),
            limits=f"profile {text.plain(part.info.profile.name)}, {enforced(part.info)}",
            model=text.plain(f"engine {part.info.engine.name}, model {model(part.info)}"),
            code=text.plain(", ".join(part.info.code_versions or (part.info.code_version,))),
        )
        for part in run.parts
    ]


def named(run: RunFrames) -> str:
    """Return what a page of ``run`` is said to be of."""
    return f"run {text.plain(run.info.run_id)}" if len(run.parts) == 1 else f"{len(run.parts)} runs"


def title(run: RunFrames, part: str, study: str) -> str:
    """Return how the ``study`` of the run ``part`` is called: by its run, too, where others have the same study."""
    owners = [each.run for each in run.parts if study in each.studies]
    return study if len(owners) < 2 else f"{study} ({part})"


def facts(run: RunFrames) -> list[PartFact]:
    """Return what each part was asked for and where it ran, by name."""
    said: dict[str, Callable[[RunPart], object]] = {
        "run": lambda part: part.run,
        "studies": studies,
        "preset": lambda part: f"{part.info.preset}, {blocks(part.info)}, seed {part.info.seed}",
        "systems": lambda part: ", ".join(part.info.systems),
        "engine": lambda part: ", ".join(
            [part.info.engine.name, *(f"{name} {value}" for name, value in part.info.engine.settings.items())]
        ),
        "model": lambda part: model(part.info),
        "users say": lambda part: ", ".join(sorted({record.spec.workload for record in part.records})),
        "profile": lambda part: f"{part.info.profile.name}: {part.info.profile.description}",
        "limits": lambda part: enforced(part.info),
        "calibrated": lambda part: calibrated(part.info),
        "trials": lambda part: f"{len(part.records)} recorded of {part.info.planned} planned",
        "created": lambda part: part.info.created,
        "code": lambda part: ", ".join(part.info.code_versions or (part.info.code_version,)),
    }
    asked = [PartFact(name=name, values=[text.plain(of(part)) for part in run.parts]) for name, of in said.items()]
    return [*asked, *_environment(run)]


def note(run: RunFrames) -> str:
    """Return on what the figures of ``run`` were measured, in Markdown: a line, or a list where parts differ."""
    groups: dict[tuple[str, str], list[RunPart]] = {}
    for part in run.parts:
        info = part.info
        certainty = "95 % intervals" if info.blocks >= ENOUGH_BLOCKS else "indicative, no verdicts"
        before = f"Preset {info.preset}, {blocks(info)}: {certainty}"
        after = (
            f"{machine(info)}; profile {info.profile.name}, {enforced(info)}; model {model(info)}; "
            f"{info.created[:10]}, code {info.code_version}"
        )
        groups.setdefault((before, after), []).append(part)
    lines = []
    for (before, after), parts in groups.items():
        whose = "" if len(groups) == 1 else f"- {', '.join(map(studies, parts))}. "
        lines.append(f"{whose}{before}. {_trials(sum(len(part.records) for part in parts))} on {after}.")
    return "\n".join(lines)


def differing(run: RunFrames, of: Callable[[RunPart], object]) -> str:
    """Return what ``of`` says of the parts: once where it is the same, else with the studies that it holds for."""
    holders: dict[str, list[str]] = {}
    for part in run.parts:
        holders.setdefault(str(of(part)), []).append(studies(part))
    if len(holders) == 1:
        return next(iter(holders))
    return " and ".join(f"{value} ({', '.join(names)})" for value, names in holders.items())


def studies(part: RunPart) -> str:
    """Return the studies of a part, with commas between them."""
    return text.plain(", ".join(part.studies))


def blocks(info: RunInfo) -> str:
    """Return how many blocks a run has, in words."""
    return f"{info.blocks} block{'s' if info.blocks != 1 else ''}"


def _trials(count: int) -> str:
    return f"{count} trial{'s' if count != 1 else ''}"


def machine(info: RunInfo) -> str:
    """Return what a run's trials ran on."""
    place = info.environment
    size = place.get("memory_bytes")
    memory = f"{size / 2**30:.0f} GiB" if isinstance(size, int | float) else "memory unknown"
    kernel = str(place.get("kernel")).split("-")[0]
    return text.plain(f"{place.get('cpus')} × {place.get('cpu_model')}, {memory}, Linux {kernel}")


def told_apart(info: RunInfo) -> str:
    """Return what tells a run from another one of the same study: its processor, and its day."""
    return text.plain(f"{str(info.environment.get('cpu_model')).replace('(R)', '')}, {info.created[:10]}")


def calibrated(info: RunInfo) -> str:
    """Return what a run's calibration chose, by engine and model, in words."""
    said = []
    for each in info.calibrated:
        chosen = ", ".join(f"{name} {value}" for name, value in each.chosen.items()) or "as usual"
        settings = ", ".join(f"{name} {value}" for name, value in each.settings.items())
        whose = f"{each.engine} ({settings})" if settings else each.engine
        said.append(f"{whose} with the model {each.model_sha256[:12]} on {each.cpus} processors: {chosen}")
    return text.plain("; ".join(said) or "no")


def enforced(info: RunInfo) -> str:
    """Return whether a run's limits were enforced, and by what."""
    return text.plain(info.enforcement)


def model(info: RunInfo) -> str:
    """Return the model of a run, and whether what it says means anything."""
    words = " (its words mean nothing)" if info.engine.words_are_meaningless else ""
    return f"{info.engine.model or 'none'}{words}"


def _environment(run: RunFrames) -> Iterable[PartFact]:
    """Yield what the environments hold; what one of them lacks is a dash."""
    of_runs = {
        part.run: dict(zip(mine["name"], mine["value"], strict=True))
        for part in run.parts
        for mine in [run.environment[run.environment["run"] == part.run]]
    }
    for name in dict.fromkeys(run.environment["name"]):
        values = [text.plain(mine.get(name, _LACKING)) for mine in of_runs.values()]
        yield PartFact(name=text.plain(name), values=values)
