"""The commands that measure again what a run measured, as anyone can paste them into a shell."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

import msgspec

from experiments.invocation import NAME
from experiments.measuring.choosing import any_of
from experiments.measuring.records import WORKLOAD, Scalar
from experiments.measuring.runs import RunInfo
from experiments.report.selecting import Grids, Selection, WantedTrials, selections
from systems.errors import FourgigError


class Repetition(msgspec.Struct, frozen=True, kw_only=True):
    """How to measure again what has these ``titles``: by a ``command``, or ``why`` nothing here does."""

    titles: tuple[str, ...]
    command: str = ""
    why: str = ""


class Repeating:
    """Finds the commands that repeat parts of runs; what a study would run is planned once a run and preset."""

    def __init__(self) -> None:
        self._grids: dict[tuple[str, str], Grids] = {}

    def repetitions(self, info: RunInfo, study: str, wanted: Sequence[WantedTrials]) -> list[Repetition]:
        """Return the commands that plan exactly what is ``wanted`` of ``study``, and last what none does, if any.

        ``info`` is that of the run in which it was measured.
        """
        grids = self._grids.setdefault((info.run_id, study), Grids(info, study))
        why = "no preset of this installation plans its trials"
        chosen: list[Selection] = []
        try:
            chosen = selections(grids, wanted)
        except FourgigError as error:
            why = str(error).rstrip(".")
        found = [Repetition(titles=one.titles, command=command(info, study, one)) for one in chosen]
        planned = {title for one in chosen for title in one.titles}
        left = tuple(dict.fromkeys(one.title for one in wanted if one.title not in planned))
        return [*found, Repetition(titles=left, why=why)] if left else found


def command(info: RunInfo, study: str, chosen: Selection) -> str:
    """Return the command that runs what was ``chosen`` of ``study``, as the run of ``info`` did.

    The program is called by its name alone: a page is read elsewhere, where a path of this machine says nothing.
    """
    words = [
        NAME, "run", study, "--systems", ",".join(info.systems), "--profile", info.profile.name,
        "--preset", chosen.preset, "--blocks", str(info.blocks), "--seed", str(info.seed), "--engine", info.engine.name,
    ]  # fmt: skip
    if info.engine.model and chosen.model:
        words += ["--model", info.engine.model_shape or info.engine.model]
    if "url" in info.engine.settings:
        words += ["--url", str(info.engine.settings["url"])]
    if info.workload != WORKLOAD:
        words += ["--workload", info.workload]
    for whose, settings in info.settings.items():
        for name, value in settings.items():
            words += ["--set", f"{whose}.{name}={_text(value)}"]
    if chosen.part is not None:
        words += ["--part", chosen.part]
    for factor, asked in chosen.only.items():
        for level in any_of(asked):
            words += ["--only", f"{factor}={level}"]
    if chosen.arms:
        words.append("--arms")
    return shlex.join(words)


def _text(value: Scalar | tuple[str, ...]) -> str:
    """Return a setting as ``--set`` reads it: of a list, the members with commas between them."""
    if value is None:
        return "null"
    return ",".join(value) if isinstance(value, list | tuple) else str(value)
