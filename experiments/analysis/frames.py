"""The records of a run as tidy tables. docs/notebooks.md tells every column."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Self

import msgspec
import pandas as pd

from experiments import metrics
from experiments.analysis import older, work
from experiments.analysis.order import describe
from experiments.analysis.parts import RunPart, read_parts
from experiments.errors import RunFolderError, reason
from experiments.measuring import runs
from experiments.measuring.records import Allocator, Record, RequestRow, Scalar
from experiments.measuring.runs import RunInfo
from experiments.metrics.interface import Missing

TRIAL = ("key", "run", "study", "condition", "factors", "subject", "twin", "block")
_TRIALS = (
    *TRIAL, "system", "variant", "workload", "hosting", "seed", "traced", "outcome", "reason", "enforced", "backend",
    "engine", "model", "words_are_meaningless", "labels", "started_at", "duration_s", "peak_bytes",
    "oom_kills", "tree_pss_bytes", "group_cpu_s", "shared_files_left_bytes", "host_steal_share",
    "host_others_cpu_share", "host_frequency_mhz", "host_load_start", "profile", "code_version",
)  # fmt: skip
_REQUESTS = (*TRIAL, *RequestRow.__struct_fields__, "latency_s", "time_to_first_token_s")
_MEASURES = (*TRIAL, "traced", "metric", "unit", "value")
_TIMELINE = (*TRIAL, "at_s", "current_bytes", "anonymous_bytes", "file_bytes")
_SERIES = (*TRIAL, "role", "series", "position", "value")
_ALLOCATORS = (*TRIAL, *Allocator.__struct_fields__)


class RunFrames(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """The records of one run, or of the runs of a folder, which ``parts`` has in order.

    The column ``run`` of every frame tells which run a row is from: a trial is known by its run and its key, as two
    runs may hold the same. ``factors`` columns hold a condition as a dict, ``condition`` the same as text.

    ``measures`` come from trials that ended well, ``requests`` from all but the traced ones.
    ``refused`` has a sentence for every metric of another package that could not be used.
    """

    folder: Path
    parts: tuple[RunPart, ...]
    trials: pd.DataFrame
    requests: pd.DataFrame
    measures: pd.DataFrame
    environment: pd.DataFrame
    refused: tuple[str, ...] = ()

    @property
    def info(self) -> RunInfo:
        """What the ``run.json`` of the one run says. Raises `RunFolderError` where there are several: ask `parts`."""
        if len(self.parts) > 1:
            raise RunFolderError(
                f"{self.folder} holds {len(self.parts)} runs: each of its parts has an info of its own."
            )
        return self.parts[0].info

    def info_of(self, study: str) -> RunInfo:
        """Return what is said of the first run that has this study, or of the first of all where none has it."""
        return next((part.info for part in self.parts if study in part.studies), self.parts[0].info)

    @property
    def studies(self) -> tuple[str, ...]:
        """The studies of all runs, in the order of the runs."""
        return tuple(dict.fromkeys(study for part in self.parts for study in part.studies))

    @property
    def systems(self) -> tuple[str, ...]:
        """The systems that the runs were asked for, in the order of the runs."""
        return tuple(dict.fromkeys(system for part in self.parts for system in part.info.systems))

    @property
    def created(self) -> str:
        """When the latest of the runs was begun: UTC, as ISO 8601 writes it."""
        return max(part.info.created for part in self.parts)

    @property
    def records(self) -> list[Record]:
        """Every record, each trial of a run once, by its last one."""
        return [record for part in self.parts for record in part.records]

    @property
    def repeated(self) -> int:
        """How many records are left out because their trial was run again."""
        return sum(part.repeated for part in self.parts)

    @cached_property
    def timeline(self) -> pd.DataFrame:
        """The group's memory at every moment that was noted in a trial; nothing of the traced ones."""
        return _frame(self.parts, _timeline, _TIMELINE)

    @cached_property
    def series(self) -> pd.DataFrame:
        """Every number of every list a role noted in a trial, in its order; the list's name tells its unit."""
        return _frame(self.parts, _series, _SERIES)

    @cached_property
    def allocators(self) -> pd.DataFrame:
        """The places in the code that held most memory at the peak, from the traced trials."""
        return _frame(self.parts, _allocators, _ALLOCATORS)

    def first_with(self, study: str, **factors: Scalar) -> Self:
        """Return the first run that has this study by itself, or the first of all where none has it.

        With ``factors`` the first that has trials of the study whose condition has these.
        """

        def has(part: Self) -> bool:
            return study in part.studies and (not factors or len(where(of_study(part.trials, study), **factors)) > 0)

        parts = self.split()
        return next((part for part in parts if has(part)), parts[0])

    def split(self) -> list[Self]:
        """Return each run by itself, in order: what a comparison must not reach beyond."""
        return [self] if len(self.parts) == 1 else list(self._each)

    @cached_property
    def _each(self) -> list[Self]:
        return [self._only(part) for part in self.parts]

    def _only(self, part: RunPart) -> Self:
        frames = {name: getattr(self, name) for name in ("trials", "requests", "measures", "environment")}
        mine = {name: of_run(frame, part.run) for name, frame in frames.items()}
        return type(self)(folder=part.folder, parts=(part,), refused=self.refused, **mine)


def read_frames(
    path: str | Path | None = None, *, unfinished: bool = False, studies: Collection[str] = ()
) -> RunFrames:
    """Read the run in folder ``path``, or every run in a folder of runs; None: the reference.

    With ``studies`` only the runs that were asked for one of these, each whole: the others are not opened. With
    ``unfinished`` runs are read, too, of which some trials are still to be run; without, those raise `UnfinishedRun`.
    Raises `RunFolderError` where the folder holds no run, none of ``studies``, one of another schema, records of
    different environments in one run, or one run twice.
    """
    folder = Path(path) if path is not None else _reference()
    parts = read_parts(folder, unfinished=unfinished, studies=studies)
    refused = dict(metrics.refused())
    return RunFrames(
        folder=folder,
        parts=parts,
        trials=_frame(parts, _trial, _TRIALS),
        requests=_frame(parts, _requests, _REQUESTS),
        measures=_frame(parts, partial(_measures, refused=refused), _MEASURES),
        environment=pd.DataFrame(
            [row for part in parts for row in _environment(part.info)], columns=["run", "name", "value"]
        ),
        refused=tuple(refused.values()),
    )


def of_run(frame: pd.DataFrame, run: str) -> pd.DataFrame:
    """Return the rows of one run."""
    return frame[frame["run"] == run].reset_index(drop=True)


def where(frame: pd.DataFrame, **factors: Scalar) -> pd.DataFrame:
    """Return the rows of ``frame`` whose condition has these factors; None: conditions without it."""
    # The rows of a trial share one dict, and are many: each is looked at once.
    each = {id(given): given for given in frame["factors"]}
    fits = {of: all(given.get(name) == level for name, level in factors.items()) for of, given in each.items()}
    chosen = [fits[id(given)] for given in frame["factors"]]
    return frame[pd.Series(chosen, index=frame.index, dtype=bool)]


def lists(series: pd.DataFrame, *names: str) -> pd.DataFrame:
    """Return lists of the frame `RunFrames.series` side by side: a row a place in them, a column a list.

    Beside the lists of these ``names`` a row has the columns of a trial, ``role`` and ``position``. Roles that did not
    note all of them have no rows.
    """
    place = ["run", "key", "role"]
    chosen = series[series["series"].isin(names)]
    values = chosen.pivot(index=[*place, "position"], columns="series", values="value").reindex(columns=list(names))
    trials = chosen[[*TRIAL, "role"]].drop_duplicates(place)
    return trials.merge(values.dropna().reset_index(), on=place)


def of_study(frame: pd.DataFrame, name: str, *, twins: bool = True) -> pd.DataFrame:
    """Return the rows of one study; without ``twins`` those of the second halves of A/A arms are left out."""
    return frame[(frame["study"] == name) & (twins | ~frame["twin"].astype(bool))].reset_index(drop=True)


def as_they_come(trials: pd.DataFrame) -> set[str]:
    """Return the subjects of trials that are a system itself, and no variant of one."""
    return set(trials.loc[trials["subject"] == trials["system"], "subject"])


def _reference() -> Path:
    candidates = (Path.cwd(), Path(__file__).resolve().parents[2])
    for folder in (candidate / "results" / "reference" for candidate in candidates):
        if runs.folders(folder):
            return folder
    raise RunFolderError("There is no reference run in results/reference; name a run folder of your own.")


def _frame(
    parts: Iterable[RunPart], rows: Callable[[Record], Iterable[dict[str, Any]]], columns: tuple[str, ...]
) -> pd.DataFrame:
    """Return the ``rows`` of every record of every run, with what says whose they are."""
    made: list[dict[str, Any]] = []
    counts: list[int] = []
    whose: list[dict[str, Any]] = []
    for part in parts:
        for record in part.records:
            before = len(made)
            made += rows(record)
            counts.append(len(made) - before)
            whose.append(_identity(part.run, record))
    if not made:
        return pd.DataFrame([], columns=list(columns))
    identities = pd.DataFrame(whose, columns=list(TRIAL))
    repeated = identities.loc[identities.index.repeat(counts)].reset_index(drop=True)
    return repeated.join(pd.DataFrame(made, columns=list(columns[len(TRIAL) :])))


def _identity(run: str, record: Record) -> dict[str, Any]:
    spec = record.spec
    return {
        "key": record.key,
        "run": run,
        "study": spec.study,
        "condition": describe(older.condition(spec)),
        "factors": dict(older.condition(spec)),
        "subject": spec.subject,
        "twin": spec.twin,
        "block": spec.block,
    }


def _trial(record: Record) -> Iterator[dict[str, Any]]:
    spec, engine = record.spec, record.spec.engine
    yield {
        "system": spec.system,
        "variant": older.variant(spec),
        "workload": spec.workload,
        "hosting": spec.hosting,
        "seed": spec.seed,
        "traced": spec.traced,
        "outcome": str(record.outcome),
        "reason": record.reason,
        "enforced": record.enforced,
        "backend": record.backend,
        "engine": engine.name if engine else None,
        "model": engine.model if engine else None,
        "words_are_meaningless": engine.words_are_meaningless if engine else False,
        "labels": (*spec.labels, *work.labels(record)),
        "started_at": record.started_at,
        "duration_s": record.outside.duration_s,
        "peak_bytes": record.outside.group.peak_bytes,
        "oom_kills": record.outside.group.oom_kills,
        "tree_pss_bytes": record.outside.tree_pss_bytes,
        "group_cpu_s": record.outside.cpu_seconds,
        "shared_files_left_bytes": record.outside.shared_files_left_bytes,
        "host_steal_share": record.outside.host.get("steal_share"),
        "host_others_cpu_share": record.outside.host.get("others_cpu_share"),
        "host_frequency_mhz": record.outside.host.get("frequency_mhz"),
        "host_load_start": record.outside.host.get("load_start"),
        "profile": spec.profile.name,
        "code_version": spec.code_version,
    }


def _requests(record: Record) -> Iterator[dict[str, Any]]:
    part = None if record.spec.traced else record.part("client") or record.part("subject")
    for row in part.requests if part else ():
        first = row.first_token_s
        yield msgspec.structs.asdict(row) | {
            "latency_s": row.finished_s - row.intended_s,
            "time_to_first_token_s": None if first is None else first - row.intended_s,
        }


def _measures(record: Record, refused: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Yield a row a metric; note in ``refused`` the metrics of other packages that fail."""
    for metric in metrics.registered().values():
        try:
            value = metric.of(record)
        except Exception as error:
            if metric.name not in metrics.outside():
                raise
            sentence = (
                f"The metric {metric.name!r} failed on trial {record.key}, which has no value of it: {reason(error)}."
            )
            refused.setdefault(metric.name, sentence)
            continue
        if not isinstance(value, Missing):
            yield {"traced": metric.traced, "metric": metric.name, "unit": metric.unit, "value": value}


def _timeline(record: Record) -> Iterator[dict[str, Any]]:
    yield from () if record.spec.traced else map(msgspec.structs.asdict, record.outside.timeline)


def _series(record: Record) -> Iterator[dict[str, Any]]:
    for part in record.parts:
        noted = part.series | ({"loop_delay_s": part.loop_delay_s} if part.loop_delay_s else {})
        for name, values in noted.items():
            for position, value in enumerate(values):
                yield {"role": part.role, "series": name, "position": position, "value": value}


def _allocators(record: Record) -> Iterator[dict[str, Any]]:
    for part in record.parts:
        for one in part.allocators:
            yield msgspec.structs.asdict(one)


def _environment(info: RunInfo) -> Iterator[dict[str, Any]]:
    def flat(prefix: str, value: Any) -> Iterator[dict[str, Any]]:
        if isinstance(value, dict):
            for name, inner in value.items():
                yield from flat(f"{prefix}.{name}" if prefix else str(name), inner)
        else:
            text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            yield {"run": info.run_id, "name": prefix, "value": text}

    yield from flat("", info.environment)
