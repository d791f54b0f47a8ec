"""One module a study: its question, its grid, its measures, and what its roles do."""

from __future__ import annotations

from experiments.studies.interface import Study
from systems.registry import Registry

studies: Registry[Study] = Registry(
    "study",
    "fourgig.studies",
    {
        "isolation": "experiments.studies.isolation:Isolation",
        "lazy-loading": "experiments.studies.lazy_loading:LazyLoading",
        "memory": "experiments.studies.memory:Memory",
        "load": "experiments.studies.load:Load",
    },
)
