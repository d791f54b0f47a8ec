"""The records of a run as tidy tables. docs/notebooks.md tells every column."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd

from experiments import metrics
from experiments.analysis import older, work
from experiments.analysis.environments import refuse_mixed
from experiments.analysis.order import describe, natural
from experiments.errors import RunFolderError, UnfinishedRun, reason
from experiments.invocation import command
from experiments.measuring import records, runs
from experiments.measuring.records import Allocator, Record, RequestRow, Scalar
from experiments.measuring.runs import RunInfo
from experiments.metrics.interface import Missing

TRIAL = ("key", "study", "condition", "factors", "subject", "twin", "block")
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
    """The records of one run. ``factors`` columns hold a condition as a dict, ``condition`` the same as text.

    ``measures`` come from trials that ended well; ``requests`` and ``timeline`` from all but the traced ones.
    A trial that was run again counts once, by its last record; ``repeated`` says how often that was so.
    ``refused`` has a sentence for every metric of another package that could not be used.
    """

    folder: Path
    info: RunInfo
    records: list[Record]
    repeated: int
    trials: pd.DataFrame
    requests: pd.DataFrame
    measures: pd.DataFrame
    timeline: pd.DataFrame
    environment: pd.DataFrame
    refused: tuple[str, ...] = ()

    @cached_property
    def series(self) -> pd.DataFrame:
        """Every number of every list a role noted in a trial, in its order; the list's name tells its unit."""
        return _frame((row for record in self.records for row in _series(record)), _SERIES)

    @cached_property
    def allocators(self) -> pd.DataFrame:
        """The places in the code that held most memory at the peak, from the traced trials."""
        return _frame((row for record in self.records for row in _allocators(record)), _ALLOCATORS)


def read_frames(path: str | Path | None = None, *, unfinished: bool = False) -> RunFrames:
    """Read the run in folder ``path``; None: the reference run.

    With ``unfinished`` a run is read, too, of which some trials are still to be run; without, that raises
    `UnfinishedRun`. Raises `RunFolderError` where the folder holds no run, one of another schema, or records of
    different environments.
    """
    folder = Path(path) if path is not None else _reference()
    info = runs.read_info(folder)
    every = records.read(folder / runs.TRIALS)
    refuse_mixed(info, every)
    last = {record.key: record for record in every}
    if len(last) < info.planned and not unfinished:
        raise UnfinishedRun(
            f"{folder} has {len(last)} of {info.planned} trials: go on with {command('run', '--resume', folder)}, or "
            "read what there is with load_run(..., unfinished=True)."
        )
    kept = sorted(last.values(), key=_order)
    untraced = [record for record in kept if not record.spec.traced]
    refused = dict(metrics.refused())
    measures = _frame((row for record in kept for row in _measures(record, refused)), _MEASURES)
    return RunFrames(
        folder=folder,
        info=info,
        records=kept,
        repeated=len(every) - len(kept),
        trials=_frame(map(_trial, kept), _TRIALS),
        requests=_frame((row for record in untraced for row in _requests(record)), _REQUESTS),
        measures=measures,
        timeline=_frame((row for record in untraced for row in _timeline(record)), _TIMELINE),
        environment=_frame(_environment(info), ("name", "value")),
        refused=tuple(refused.values()),
    )


def where(frame: pd.DataFrame, **factors: Scalar) -> pd.DataFrame:
    """Return the rows of ``frame`` whose condition has these factors; None: conditions without it."""
    chosen = [all(given.get(name) == level for name, level in factors.items()) for given in frame["factors"]]
    return frame[pd.Series(chosen, index=frame.index, dtype=bool)]


def of_study(frame: pd.DataFrame, name: str, *, twins: bool = True) -> pd.DataFrame:
    """Return the rows of one study; without ``twins`` those of the second halves of A/A arms are left out."""
    return frame[(frame["study"] == name) & (twins | ~frame["twin"].astype(bool))].reset_index(drop=True)


def _reference() -> Path:
    candidates = (Path.cwd(), Path(__file__).resolve().parents[2])
    for folder in (candidate / "results" / "reference" for candidate in candidates):
        if (folder / runs.INFO).is_file():
            return folder
    raise RunFolderError("There is no reference run in results/reference; name a run folder of your own.")


def _order(record: Record) -> tuple[Any, ...]:
    spec = record.spec
    return spec.study, natural(describe(spec.condition)), natural(spec.subject), spec.block, record.key


def _frame(rows: Iterable[dict[str, Any]], columns: tuple[str, ...]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=list(columns))


def _identity(record: Record) -> dict[str, Any]:
    spec = record.spec
    return {
        "key": record.key,
        "study": spec.study,
        "condition": describe(older.condition(spec)),
        "factors": dict(older.condition(spec)),
        "subject": spec.subject,
        "twin": spec.twin,
        "block": spec.block,
    }


def _trial(record: Record) -> dict[str, Any]:
    spec, engine = record.spec, record.spec.engine
    return _identity(record) | {
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
    part = record.part("client") or record.part("subject")
    identity = _identity(record)
    for row in part.requests if part else ():
        first = row.first_token_s
        yield (
            identity
            | {name: getattr(row, name) for name in RequestRow.__struct_fields__}
            | {
                "latency_s": row.finished_s - row.intended_s,
                "time_to_first_token_s": None if first is None else first - row.intended_s,
            }
        )


def _measures(record: Record, refused: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Yield a row a metric; note in ``refused`` the metrics of other packages that fail."""
    identity = _identity(record)
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
            yield identity | {
                "traced": metric.traced,
                "metric": metric.name,
                "unit": metric.unit,
                "value": value,
            }


def _timeline(record: Record) -> Iterator[dict[str, Any]]:
    identity = _identity(record)
    for sample in record.outside.timeline:
        yield identity | {name: getattr(sample, name) for name in sample.__struct_fields__}


def _series(record: Record) -> Iterator[dict[str, Any]]:
    identity = _identity(record)
    for part in record.parts:
        noted = part.series | ({"loop_delay_s": part.loop_delay_s} if part.loop_delay_s else {})
        for name, values in noted.items():
            for position, value in enumerate(values):
                yield identity | {"role": part.role, "series": name, "position": position, "value": value}


def _allocators(record: Record) -> Iterator[dict[str, Any]]:
    identity = _identity(record)
    for part in record.parts:
        for one in part.allocators:
            yield identity | msgspec.structs.asdict(one)


def _environment(info: RunInfo) -> Iterator[dict[str, Any]]:
    def flat(prefix: str, value: Any) -> Iterator[dict[str, Any]]:
        if isinstance(value, dict):
            for name, inner in value.items():
                yield from flat(f"{prefix}.{name}" if prefix else str(name), inner)
        else:
            text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            yield {"name": prefix, "value": text}

    yield from flat("", info.environment)
