"""Calibrations between loads: each a file of the cache, by what it holds for. One that cannot be kept is made anew."""

from __future__ import annotations

import fcntl
import logging
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

import msgspec

from systems.engines.calibration.case import CalibrationCase, EngineChoice
from systems.engines.calibration.machine import build, processor, usable_cpus
from systems.engines.calibration.measuring import Calibration, count_of, measured
from systems.errors import CannotWrite, EngineBusy, EngineError, ModelError
from systems.logs import event, swallowed
from systems.models.cache import cache_folder

log = logging.getLogger(__name__)

_SCHEMA = 2
_FOLDER = "calibrations"

# How long a process waits for another one that measures, in seconds, and how often it looks. Two at once would each
# measure what the other leaves.
_WAITS_S, _LOOKS_S = 60.0, 0.1


class HoldsFor(msgspec.Struct, frozen=True, kw_only=True):
    """What a calibration holds for, and for nothing else. The file of a model is known by its name and size."""

    model: str
    size_bytes: int
    processor: str
    cpus: int
    llama_cpp: str
    conversations: int
    threads: int
    threads_are_set: bool
    flash_attention: bool | None
    key_value: str
    batch_tokens: int
    repack: bool

    @property
    def said(self) -> str:
        """The model and what tells its calibrations apart, in words."""
        together = f"{self.conversations} conversations" if self.conversations > 1 else "one conversation"
        parts = [self.model, together, self.key_value, f"{self.cpus} CPUs"]
        if self.threads_are_set or self.threads != self.cpus:
            parts.append(f"{'' if self.threads_are_set else 'at most '}{count_of(self.threads)}")
        if self.flash_attention is not None:
            parts.append(f"flash attention set {'on' if self.flash_attention else 'off'}")
        return ", ".join(parts if self.repack else [*parts, "not repacked"])


class KeptCalibration(msgspec.Struct, frozen=True, kw_only=True):
    """A calibration as it is kept."""

    schema_version: int = _SCHEMA
    holds_for: HoldsFor
    calibration: Calibration


def choice_for(case: CalibrationCase) -> EngineChoice:
    """Return what is kept for ``case``; else measure some seconds, and keep that if it can be kept.

    Where it cannot be measured now, the choice is the usual one.
    """
    if not case.worth_measuring():
        return case.usual
    try:
        return found(case).choice
    except (EngineError, ModelError, MemoryError) as error:  # loading the model says what is amiss, if anything is
        swallowed(log, "not calibrated", error)
        return case.usual


def found(case: CalibrationCase) -> Calibration:
    """Return what is kept for ``case``, else measure and keep it. Raises as `measured`."""
    holds_for = _holds_for(case)
    place = _place(holds_for)
    kept = _read(place, holds_for)
    if kept is None:
        with _alone(place):
            # The other process that was waited for may have measured the same.
            kept = _read(place, holds_for) or _measured(case, place, holds_for)
    return kept.calibration


def folder() -> Path:
    """Return where calibrations are kept. Raises `CannotWrite` where nothing can be."""
    return cache_folder() / _FOLDER


def of_this_machine() -> list[KeptCalibration]:
    """Return what is kept for this processor and this llama.cpp, by the names of the models."""
    try:
        files = sorted(folder().glob("*.json"))
    except (OSError, CannotWrite):
        return []
    kept = [each for each in map(_read, files) if each is not None]
    if not kept:
        return []
    here = processor(), build()
    ours = [each for each in kept if (each.holds_for.processor, each.holds_for.llama_cpp) == here]
    return sorted(ours, key=lambda each: (each.holds_for.model, each.holds_for.conversations))


def _holds_for(case: CalibrationCase) -> HoldsFor:
    path = Path(case.model_path)
    return HoldsFor(
        model=os.fsencode(path.name).decode("utf-8", "replace"),
        size_bytes=path.stat().st_size,
        processor=processor(),
        cpus=usable_cpus(),
        llama_cpp=build(),
        conversations=case.conversations,
        threads=case.threads,
        threads_are_set=case.threads_are_set,
        flash_attention=case.flash_attention,
        key_value=case.key_value,
        batch_tokens=case.batch_tokens,
        repack=case.repack,
    )


def _place(holds_for: HoldsFor) -> Path | None:
    """Return where a calibration is kept; None where nothing can be."""
    digest = sha256(msgspec.json.encode(holds_for, order="deterministic")).hexdigest()
    try:
        return folder() / f"{digest[:32]}.json"
    except CannotWrite:
        return None


def _read(place: Path | None, holds_for: HoldsFor | None = None) -> KeptCalibration | None:
    """Return what is kept there, if it can be read and is for what it is wanted for."""
    if place is None:
        return None
    try:
        kept = msgspec.json.decode(place.read_bytes(), type=KeptCalibration)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        swallowed(log, "calibration not read", error)
        return None
    return kept if kept.schema_version == _SCHEMA and holds_for in (None, kept.holds_for) else None


@contextmanager
def _alone(place: Path | None) -> Iterator[None]:
    """Be the one process that measures. Raises `EngineBusy` where another one does for too long.

    Where no lock can be had, nothing can be kept either, and nobody is waited for.
    """
    descriptor = None
    if place is not None:
        with suppress(OSError):
            place.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(place.parent / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    if descriptor is None:
        yield
        return
    try:
        _lock(descriptor, time.monotonic() + _WAITS_S)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, until_s: float) -> None:
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until_s:
                raise EngineBusy("Another process has been calibrating for long.") from None
            time.sleep(_LOOKS_S)
        except OSError:  # a file system without locks
            return None


def _measured(case: CalibrationCase, place: Path | None, holds_for: HoldsFor) -> KeptCalibration:
    """Measure, and keep it if that can be done: else the next load measures anew."""
    event(log, logging.INFO, "calibrating", model=holds_for.model)
    began = time.monotonic()
    kept = KeptCalibration(holds_for=holds_for, calibration=measured(case))
    event(
        log,
        logging.INFO,
        "calibrated",
        model=holds_for.model,
        seconds=round(time.monotonic() - began, 1),
        **msgspec.structs.asdict(kept.calibration.choice),
    )
    if place is not None:
        try:
            _keep(place, kept)
        except OSError as error:
            swallowed(log, "calibration not kept", error)
    return kept


def _keep(place: Path, kept: KeptCalibration) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as folder:
        whole = Path(folder) / place.name
        whole.write_bytes(msgspec.json.format(msgspec.json.encode(kept), indent=2) + b"\n")
        whole.replace(place)
