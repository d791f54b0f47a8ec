"""One file a metric (or a family that differs in one number): drop a file here and it is known by name.

A file defines ``METRICS``, a tuple of `experiments.metrics.interface.Metric`. A file whose name starts with
an underscore holds what several of them share. Another package adds its own under the entry-point group
``fourgig.metrics``: each entry names a `Metric`, or a module with ``METRICS``.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint
from typing import Any, NamedTuple

from experiments.errors import reason
from experiments.metrics.interface import Metric
from systems.errors import BadInput, UnknownName
from systems.registry import outside_entries

GROUP = "fourgig.metrics"


class _Outside(NamedTuple):
    metrics: dict[str, Metric]
    refused: dict[str, str]


@cache
def registered() -> dict[str, Metric]:
    """Return every metric by name: those of this folder in order of file name, then those of other packages."""
    return _built_in() | outside()


def outside() -> dict[str, Metric]:
    """Return the metrics that other packages add, by name."""
    return _outside().metrics


def refused() -> dict[str, str]:
    """Return, by the name of its entry, a sentence for each entry of another package that cannot be used."""
    return _outside().refused


def get(name: str) -> Metric:
    """Return the metric called ``name``. Raises `UnknownName`, or `BadInput` if another package's cannot be used."""
    if name in registered():
        return registered()[name]
    if name in refused():
        raise BadInput(refused()[name])
    raise UnknownName("metric", name, registered())


@cache
def _built_in() -> dict[str, Metric]:
    metrics: dict[str, Metric] = {}
    for module in pkgutil.iter_modules(__path__):
        if module.name != "interface" and not module.name.startswith("_"):
            family: tuple[Metric, ...] = importlib.import_module(f"{__name__}.{module.name}").METRICS
            metrics.update((metric.name, metric) for metric in family)
    return metrics


@cache
def _outside() -> _Outside:
    """Return the usable metrics of other packages, and a sentence for each entry that is refused."""
    metrics: dict[str, Metric] = {}
    sentences: dict[str, str] = {}
    for point in sorted(outside_entries(GROUP), key=lambda point: point.name):
        try:
            family = _family(point, taken=_built_in() | metrics)
        except Exception as error:  # noqa: BLE001 - another package may raise anything when it is imported
            sentences[point.name] = f"The metric {point.name!r} ({point.value}) cannot be used: {reason(error)}."
        else:
            metrics.update((metric.name, metric) for metric in family)
    return _Outside(metrics, sentences)


def _family(point: EntryPoint, taken: Mapping[str, Metric]) -> tuple[Metric, ...]:
    """Return the metrics that an entry names. Raises `BadInput`, and whatever its package raises when imported."""
    loaded: Any = point.load()
    family = (loaded,) if isinstance(loaded, Metric) else getattr(loaded, "METRICS", None)
    if not isinstance(family, tuple) or not all(isinstance(metric, Metric) for metric in family):
        raise BadInput("it is neither a Metric nor a module with METRICS, a tuple of them")
    for metric in family:
        if metric.name in taken:
            raise BadInput(f"there already is a metric called {metric.name}")
    return family
