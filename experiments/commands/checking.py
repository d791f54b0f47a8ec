"""What would stop a run, or void every trial of it, looked at before the first trial and before a model is made."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from experiments.commands.asking import Asked, Settings
from experiments.commands.planning import Draft
from experiments.errors import CannotEnforce, RunFolderError, StorageError
from experiments.invocation import command
from experiments.measuring import code, engines, records, requirements
from experiments.measuring.limits.select import choose
from experiments.measuring.profiles import Profile
from experiments.measuring.records import EngineSpec, TrialSpec
from experiments.measuring.runs import TRIALS
from systems import registry
from systems.errors import BadInput
from systems.models import find

# Says in one line, the last one, why a system is none.
_IMPORT = """
import sys
from systems import registry
from systems.errors import FourgigError
try:
    registry.systems.get(sys.argv[1]).load()
except FourgigError as error:
    sys.exit(str(error))
except Exception as error:
    sys.exit(f"The system {sys.argv[1]!r} cannot be imported: {type(error).__name__}: {error}.")
"""


def check(asked: Asked, drafted: Draft, folder: Path, resumed: Path | None) -> None:
    """Look at the systems, the settings, the model, the engines and the folder of a run that is about to begin.

    Raises `ModelError`, `BadInput`, `EngineError`, `StorageError` or `RunFolderError`, which name what is amiss.
    """
    check_systems(asked.systems)
    if resumed is None:
        check_settings(asked.settings, drafted.plan.trials)
    if drafted.model is not None:
        find.look(drafted.model)
    check_engines(spec.engine for spec in drafted.plan.trials if spec.engine is not None)
    records.refuse_if_finished(folder / TRIALS)
    if resumed is None and (folder / TRIALS).exists():
        raise RunFolderError(
            f"{folder} already holds a run; go on with it by `{command('run', '--resume', folder)}`, or choose another "
            "--out."
        )
    check_writable(folder)


def check_systems(names: Iterable[str]) -> None:
    """Let the interpreter that runs it import each system that is not of the lab's own code. Raises `BadInput`.

    Here it is not imported: what an implementation brings with it is no business of the runner's. What this machine
    lacks is no fault: trials that need it are skipped.
    """
    for name in names:
        description = registry.systems.get(name)
        if any(map(requirements.lacking, description.requires)):
            continue
        if description.interpreter is not None:
            code.version_of_run([name], [])  # of which its interpreter says its part, once
            continue
        if name in registry.systems.built_in_names():
            continue
        done = subprocess.run(
            [sys.executable, "-P", "-c", _IMPORT, name],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
        )
        if done.returncode:
            words = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if line.strip()]
            raise BadInput(words[-1].strip() if words else f"The system {name!r} cannot be imported.")


def check_settings(settings: Settings, trials: Sequence[TrialSpec]) -> None:
    """Raise `BadInput` for a setting of what no trial uses: it would change nothing, unseen."""
    used = {spec.system for spec in trials} | {spec.engine.name for spec in trials if spec.engine is not None}
    for whose, names in settings.items():
        if whose not in used:
            raise BadInput(
                f"No trial of this run uses {whose}: --set {whose}.{next(iter(names))} would change nothing."
            )


def check_engines(specs: Iterable[EngineSpec]) -> None:
    """Construct each different engine, and let one that asks an endpoint ask whether it answers.

    Raises `BadInput` for settings that do not fit, `EngineError` for an endpoint that does not answer.
    """
    different = {msgspec.json.encode((spec.name, spec.settings)): spec for spec in specs}
    for spec in different.values():
        kind = registry.engines.get(spec.name)
        settings: dict[str, Any] = dict(spec.settings)
        if "model_path" in kind.Settings.__struct_fields__:
            settings["model_path"] = ""  # looked at by its name, above, or not made yet
        kind(engines.settings_of(kind.Settings, settings, f"engine {spec.name}")).examine()


def check_writable(folder: Path) -> None:
    """Make and remove a folder where ``folder`` is or will be; nothing is left. Raises `StorageError`."""
    there = folder.absolute()
    while not there.exists() and there != there.parent:
        there = there.parent
    try:
        with tempfile.TemporaryDirectory(dir=there, prefix=".fourgig-"):
            pass
    except OSError as error:
        raise StorageError(f"Cannot write to the run folder {folder}: {there}: {error.strerror}.") from error


def obstacle(profile: Profile, *, allow_unenforced: bool) -> str | None:
    """Return why ``profile`` cannot be enforced here, with the remedy; None if it can, or need not."""
    try:
        choose(profile, allow_unenforced=allow_unenforced)
    except CannotEnforce as error:
        return str(error)
    return None
