"""The command that measures again what a run measured, as anyone can paste it into a shell."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from experiments.invocation import NAME
from experiments.measuring.records import Scalar
from experiments.measuring.runs import RunInfo


def command(info: RunInfo, study: str, *, part: str | None = None, only: Mapping[str, Scalar] = {}) -> str:
    """Return the command that runs ``study`` as this run did.

    ``part`` and ``only`` (levels by factor, or a subject or system) leave the rest of it out: without the study's A/A
    arms such a run may have no noise floor, so it shows a value again and not a verdict.

    The program is called by its name alone: a page is read elsewhere, where a path of this machine says nothing.
    """
    words = [
        NAME, "run", study, "--systems", ",".join(info.systems), "--profile", info.profile.name,
        "--preset", info.preset, "--blocks", str(info.blocks), "--seed", str(info.seed), "--engine", info.engine.name,
    ]  # fmt: skip
    if info.engine.model:
        words += ["--model", info.engine.model_shape or info.engine.model]
    if "url" in info.engine.settings:
        words += ["--url", str(info.engine.settings["url"])]
    for whose, settings in info.settings.items():
        for name, value in settings.items():
            words += ["--set", f"{whose}.{name}={_text(value)}"]
    if (chosen := part or info.part) is not None:
        words += ["--part", chosen]
    for factor, level in {**info.only, **only}.items():
        words += ["--only", f"{factor}={level}"]
    return shlex.join(words)


def _text(value: Scalar | tuple[str, ...]) -> str:
    """Return a setting as ``--set`` reads it: of a list, the members with commas between them."""
    if value is None:
        return "null"
    return ",".join(value) if isinstance(value, list | tuple) else str(value)
