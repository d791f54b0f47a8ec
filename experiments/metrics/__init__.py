"""One file a metric (or a family that differs in one number): drop a file here and it is known by name.

A file defines ``METRICS``, a tuple of `experiments.metrics.interface.Metric`. A file whose name starts with
an underscore holds what several of them share.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from experiments.metrics.interface import Metric
from systems.errors import UnknownName


@cache
def registered() -> dict[str, Metric]:
    """Return every metric of this folder by name, in order of file name."""
    found: dict[str, Metric] = {}
    for module in pkgutil.iter_modules(__path__):
        if module.name != "interface" and not module.name.startswith("_"):
            metrics: tuple[Metric, ...] = importlib.import_module(f"{__name__}.{module.name}").METRICS
            found.update((metric.name, metric) for metric in metrics)
    return found


def get(name: str) -> Metric:
    """Return the metric called ``name``. Raises `UnknownName`."""
    if name not in registered():
        raise UnknownName("metric", name, registered())
    return registered()[name]
