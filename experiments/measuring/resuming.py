"""The command that goes on with a run, with every option without which it would be refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from experiments.invocation import command
from experiments.measuring.runs import RunInfo


def command_to_resume(folder: Path, info: RunInfo, *more: object, models: Mapping[str, Path] = {}) -> str:
    """Return the command that goes on with the run in ``folder``, with the options ``more``.

    A run that was not enforced says again that it may be so; one on a model file of the person's own names it, where
    the file is among ``models``, by SHA-256. Where it is not, the command asks for it.
    """
    words: list[object] = ["run", "--resume", folder, *more]
    own = info.engine.model_sha256 if info.engine.model_shape is None else None
    if own is not None and own in models:
        words += ["--model", models[own]]
    if not info.enforced:
        words.append("--allow-unenforced")
    return command(*words)
