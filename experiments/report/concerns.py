"""Agents by what whoever runs one cares about: levels as they were measured, each with its interval and its source.

``concerns.toml``, beside this module, says what is asked and of which agents; every figure is from a run's records.
Levels of one place are of the same work on the same machine. Those of other places, or of another run, are not.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import median

import msgspec
import pandas as pd

from experiments import metrics
from experiments.analysis import work
from experiments.analysis.cells import Condition, Side
from experiments.analysis.claims import Fitting
from experiments.analysis.intervals import Estimate
from experiments.analysis.pairing import ENOUGH_BLOCKS, Pair, counted
from experiments.analysis.run import Run
from experiments.analysis.scales import LEVEL
from experiments.metrics.interface import Metric
from experiments.report import provenance, text
from experiments.report.advice import NOT_MEASURED
from systems.errors import BadInput

_DECLARED = Path(__file__).with_name("concerns.toml")
_INSTALLED = "outside.{} bytes"


class ConcernSource(Fitting, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A metric in the conditions of ``study`` that fit; ``where`` says in words which they are."""

    where: str
    study: str
    metric: str


class Concern(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A column: ``title`` heads it, ``about`` says what its levels are, and ``sources`` where they are measured.

    One that is ``installed`` is what a run notes of the interpreter of an agent that has one of its own.
    """

    name: str
    title: str
    about: str
    sources: tuple[ConcernSource, ...] = ()
    installed: bool = False


class ListedAgent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row: an agent by its ``title``, and what it is ``about``.

    ``subjects`` has what a study calls it where that is not its ``name``.
    """

    name: str
    title: str
    about: str = ""
    subjects: dict[str, str] = {}

    def subject(self, study: str) -> str:
        """Return what a study calls the agent."""
        return self.subjects.get(study, self.name)


class DeclaredConcerns(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked, and of whom, in order."""

    concerns: tuple[Concern, ...]
    agents: tuple[ListedAgent, ...]


class MeasuredLevel(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured of an agent in one place.

    ``median`` is over ``blocks``, in ``unit``; None where no trial has a value. ``low`` and ``high`` are the ends of
    the 95 % interval of the median; where there are too few blocks for one, which is ``indicative``, the least and the
    most. What a run noted once has no blocks. ``notes`` must be shown with it. ``run``, ``study`` and ``condition`` say
    where it is from.
    """

    where: str
    run: str
    study: str
    condition: str
    metric: str
    unit: str
    blocks: int
    median: float | None
    low: float | None = None
    high: float | None = None
    indicative: bool = False
    notes: tuple[str, ...] = ()

    @property
    def value(self) -> str:
        """The median in its unit, shares in percent."""
        return "no value" if self.median is None else _shown(self.median, self.unit)

    @property
    def interval(self) -> str:
        """The interval in words; empty where there is nothing to bound."""
        if self.low is None or self.high is None or self.blocks < 2:
            return ""
        return f"{_shown(self.low, self.unit)} … {_shown(self.high, self.unit)}"

    @property
    def sure(self) -> str:
        """What the level rests on: how many blocks, and whether its interval is none but their range."""
        if self.median is not None and not self.blocks:
            return "as it was installed"
        blocks = f"{self.blocks} block{'s' if self.blocks != 1 else ''}"
        return f"least … most of {blocks}" if self.indicative and self.blocks > 1 else blocks


class AgentRow(msgspec.Struct, frozen=True, kw_only=True):
    """An agent with what was measured of it, by the names of the concerns; nothing where nothing was."""

    agent: ListedAgent
    cells: dict[str, list[MeasuredLevel]]


class ConcernTable(msgspec.Struct, frozen=True, kw_only=True):
    """Agents by concerns, as a run answers them; ``shared`` says whether levels of several runs stand in it."""

    concerns: tuple[Concern, ...]
    rows: list[AgentRow]
    shared: bool

    @property
    def empty(self) -> bool:
        """Whether nothing was measured."""
        return not any(levels for row in self.rows for levels in row.cells.values())


def load(path: Path = _DECLARED) -> DeclaredConcerns:
    """Return what is asked. Raises `BadInput` where the file is malformed, or names something twice."""
    try:
        declared = msgspec.toml.decode(path.read_bytes(), type=DeclaredConcerns)
    except (OSError, msgspec.MsgspecError) as error:
        raise BadInput(f"The concerns {path} cannot be read: {error}.") from error
    for names in ([one.name for one in declared.concerns], [one.name for one in declared.agents]):
        if len(set(names)) != len(names):
            raise BadInput(f"The concerns {path} name one twice.")
    return declared


def answered(run: Run, declared: DeclaredConcerns | None = None) -> ConcernTable:
    """Return the table of a run; None: what `load` returns is asked.

    Below the agents that are listed stands every other system that the run asked as it comes.
    """
    asked = load() if declared is None else declared
    rows = [
        AgentRow(agent=agent, cells={concern.name: [*_levels(run, concern, agent)] for concern in asked.concerns})
        for agent in (*asked.agents, *_others(run, asked))
    ]
    runs = {level.run for row in rows for levels in row.cells.values() for level in levels}
    return ConcernTable(concerns=asked.concerns, rows=rows, shared=len(runs) > 1)


def frame(table: ConcernTable) -> pd.DataFrame:
    """Return a row a level, for further computing; medians and the ends of intervals are in the row's unit."""
    columns = [name for name in MeasuredLevel.__struct_fields__ if name != "notes"]
    rows = [
        {"agent": row.agent.name, "concern": concern.name}
        | {name: getattr(level, name) for name in columns}
        | {"notes": "; ".join(level.notes)}
        for row in table.rows
        for concern in table.concerns
        for level in row.cells[concern.name]
    ]
    return pd.DataFrame(rows, columns=["agent", "concern", *columns, "notes"])


def section(run: Run) -> str:
    """Return the table in Markdown, and under it what each column is."""
    table = answered(run)
    rows = [
        f"| agent | {' | '.join(concern.title for concern in table.concerns)} |",
        f"|---{'|---' * len(table.concerns)}|",
    ]
    rows += [
        f"| {' | '.join([row.agent.title, *(_cell(row.cells[concern.name]) for concern in table.concerns)])} |"
        for row in table.rows
    ]
    rows += ["", *(f"- *{concern.title}*: {concern.about}." for concern in table.concerns)]
    return "\n".join(rows)


def _cell(levels: list[MeasuredLevel]) -> str:
    return "<br>".join(map(_written, levels)) or NOT_MEASURED


def _written(level: MeasuredLevel) -> str:
    beside = "; ".join([f"{level.study}, {level.where}", level.sure, *level.notes])
    ends = f" ({level.interval})" if level.interval else ""
    return f"{level.value}{ends}<br><small>{beside}</small>"


def _levels(run: Run, concern: Concern, agent: ListedAgent) -> Iterator[MeasuredLevel]:
    infos = {part.run: part.info for part in run.parts}
    for source in concern.sources:
        metric, subject = metrics.get(source.metric), agent.subject(source.study)
        places = run.cells.places(source.study, source.fits)
        several = len({place.run for place in places}) > 1
        for place in places:
            side = run.cells.side(place, subject, metric.name)
            if side is not None and side.blocks:
                which = f", {provenance.told_apart(infos[place.run])}" if several else ""
                yield _level(f"{source.where}{which}", place, metric, side)
    if concern.installed:
        yield from _installed(run, agent)


def _level(where: str, place: Condition, metric: Metric, side: Side) -> MeasuredLevel:
    pair = Pair(subject=side, reference=None, better=metric.better, scale=LEVEL, exact=metric.exact)
    numbers = list(pair.numbers.values())
    low, high = _bounds(numbers)
    return MeasuredLevel(
        where=where,
        run=place.run,
        study=place.study,
        condition=place.condition,
        metric=metric.name,
        unit=metric.unit,
        blocks=len(numbers),
        median=median(numbers) if numbers else None,
        low=low,
        high=high,
        indicative=len(numbers) < ENOUGH_BLOCKS,
        notes=tuple(text.plain(note) for note in _notes(pair)),
    )


def _bounds(numbers: list[float]) -> tuple[float | None, float | None]:
    """Return the ends of the interval of the median; of fewer numbers than it takes the least and the most."""
    if len(numbers) < ENOUGH_BLOCKS:
        return min(numbers, default=None), max(numbers, default=None)
    low, high = Estimate(numbers).robust()
    return float(low), float(high)


def _notes(pair: Pair) -> Iterator[str]:
    """Yield what must be known of a level: what was lost, what of it was not answered, and what ran in it."""
    records = list(pair.subject.records.values())
    if not all(record.enforced for record in records):
        yield "limits not enforced"
    if lost := pair.missing(pair.subject):
        yield f"lost {counted(lost, len(pair.subject.blocks))}"
    if pair.survivors:
        yield pair.survivors
    yield from dict.fromkeys(label for record in records for label in work.labels(record))
    engines = [record.spec.engine for record in records]
    if not all(engine is not None and engine.model is not None for engine in engines):
        yield "no language model ran"
    elif any(engine is not None and engine.words_are_meaningless for engine in engines):
        yield "the model's weights are random"


def _installed(run: Run, agent: ListedAgent) -> Iterator[MeasuredLevel]:
    """Yield what the interpreter of an agent takes; once, where several runs were made with the same."""
    told = set()
    for part in run.parts:
        size = part.info.environment.get(_INSTALLED.format(agent.name))
        if size is not None and size not in told:
            told.add(size)
            yield MeasuredLevel(
                where="its own interpreter",
                run=part.run,
                study=part.studies[0],
                condition="",
                metric="installed",
                unit="bytes",
                blocks=0,
                median=float(size),
            )


def _others(run: Run, asked: DeclaredConcerns) -> list[ListedAgent]:
    """Return the systems that were asked as they come and are not listed, in the order of their names."""
    listed = {agent.name for agent in asked.agents}
    found = set()
    for source in (source for concern in asked.concerns for source in concern.sources):
        for place in run.cells.places(source.study, source.fits):
            for subject in run.cells.subjects(place):
                side = run.cells.side(place, subject, source.metric)
                if side is not None and any(record.spec.system == subject for record in side.records.values()):
                    found.add(subject)
    return [ListedAgent(name=name, title=text.plain(name)) for name in sorted(found - listed)]


def _shown(value: float, unit: str) -> str:
    """Return a level in its unit: a share in percent."""
    return f"{text.significant(100 * value)}\N{NO-BREAK SPACE}%" if unit == "ratio" else text.quantity(value, unit)
