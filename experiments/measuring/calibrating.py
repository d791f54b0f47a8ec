"""How llama.cpp is used in a run's trials: calibrated before the first of them, outside the limits, and then said.

A trial never calibrates itself: it would measure that. What was chosen stands in the settings of its engine, and in the
run, which keeps it when it is resumed.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, cast

import msgspec

from experiments.measuring import engines
from experiments.measuring.records import Calibrated, EngineSpec, Scalar, TrialSpec
from systems import registry
from systems.engines.calibration.case import CalibrationCase, EngineChoice


class _Calibratable(Protocol):
    """Settings of an engine that can be calibrated."""

    def case(self, cpus: int) -> CalibrationCase:
        """Return what is calibrated for them."""


def calibrated(
    trials: Iterable[TrialSpec], files: Mapping[str, Path], say: Callable[[str], None]
) -> tuple[Calibrated, ...]:
    """Calibrate for every engine, model and number of processors in ``trials``; ``files`` are models by SHA-256.

    What was calibrated on this machine before is only looked up. Where it cannot be done, nothing is chosen.
    """
    found: list[Calibrated] = []
    measured: dict[CalibrationCase, EngineChoice | None] = {}
    for spec in trials:
        engine, cpus = spec.engine, spec.profile.cpus
        if engine is None or engine.model_sha256 is None or _chosen(engine, cpus, found) is not None:
            continue
        settings = _settings(engine, files)
        if settings is None:
            continue
        case = cast(_Calibratable, settings).case(cpus)
        if not case.worth_measuring():
            continue
        if case not in measured:
            say(f"Looking how llama.cpp is fastest here with {engine.model}: some seconds, once a machine.")
            measured[case] = _measured(case, say)
        choice = measured[case]
        found.append(
            Calibrated(
                engine=engine.name,
                model_sha256=engine.model_sha256,
                settings=engine.settings,
                cpus=cpus,
                chosen={} if choice is None else dict(choice.unset(settings)),
            )
        )
    return tuple(found)


def applied(trials: Iterable[TrialSpec], chosen: Sequence[Calibrated]) -> tuple[TrialSpec, ...]:
    """Return the trials with what was chosen among their engines' settings; what those say themselves stays."""
    found = []
    for spec in trials:
        more = None if spec.engine is None else _chosen(spec.engine, spec.profile.cpus, chosen)
        if spec.engine is not None and more:
            engine = msgspec.structs.replace(spec.engine, settings={**more, **spec.engine.settings})
            spec = msgspec.structs.replace(spec, engine=engine)
        found.append(spec)
    return tuple(found)


def _chosen(engine: EngineSpec, cpus: int, chosen: Iterable[Calibrated]) -> dict[str, Scalar] | None:
    wanted = (engine.name, engine.model_sha256, engine.settings, cpus)
    for each in chosen:
        if (each.engine, each.model_sha256, each.settings, each.cpus) == wanted:
            return each.chosen
    return None


def _settings(engine: EngineSpec, files: Mapping[str, Path]) -> msgspec.Struct | None:
    """Return the settings of ``engine`` if it can be calibrated, and nobody said that it shall not be."""
    kind = registry.engines.get(engine.name).Settings
    path = files.get(engine.model_sha256 or "")
    if path is None or engines.CALIBRATE not in kind.__struct_fields__:
        return None
    settings = engines.settings_of(kind, {**engine.settings, "model_path": str(path)}, f"engine {engine.name}")
    return settings if getattr(settings, engines.CALIBRATE) else None


def _measured(case: CalibrationCase, say: Callable[[str], None]) -> EngineChoice | None:
    """Measure in a process of its own: this one must neither load a model nor be ended by one."""
    done = subprocess.run(
        [sys.executable, "-m", "systems.engines.calibration"],
        input=msgspec.json.encode(case),
        capture_output=True,
        check=False,
    )
    try:
        return msgspec.json.decode(done.stdout, type=EngineChoice)
    except msgspec.DecodeError:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        why = lines[-1] if lines else f"exit status {done.returncode}"
        say(f"Note: llama.cpp is used as usual, which is perhaps not the fastest here: {why}")
        return None
