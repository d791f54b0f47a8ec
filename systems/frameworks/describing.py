"""From a folder to the description by which plans, lists and reports know a system."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from systems.description import Description, Topic, Variants
from systems.errors import BadInput
from systems.frameworks import environments
from systems.frameworks.folders import ADAPTER, SAYS, Framework
from systems.settings import NotNegative

IMPLEMENTATION = f"{ADAPTER.removesuffix('.py')}:Agent"
"""The class that every adapter has, found where the folder is on its interpreter's path."""

# Its model is on this machine: a proxy that is set for other addresses must not be asked for it.
# An empty PYTHONHOME is none: that of the shell is of another Python.
_ALWAYS = {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost", "PYTHONHOME": ""}


class AdapterSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What can be set on every system that has an interpreter of its own.

    ``window`` is how many messages of a history stand in a prompt besides the question, kept by the framework's own
    means; 0 leaves it at its default. ``instructions`` is the system prompt; with an empty one the
    framework's own default counts. Trials set it to that of the lab's agents unless they choose it themselves.
    """

    window: NotNegative = 0
    instructions: str = ""


class InProcessSettings(AdapterSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The same, where the framework takes a model as an object.

    With ``in_process`` such an object answers, and no endpoint is asked. It says how many messages it was given, in
    the framework's own count, and then "word" until the reply has as many words as it may have tokens.
    """

    in_process: bool = False


def describe(framework: Framework) -> Description:
    """Return the description of ``framework``. Raises `BadInput` for settings that its file cannot have."""
    says = framework.says
    return Description(
        name=says.name,
        summary=says.summary,
        implementation=IMPLEMENTATION,
        settings=_settings(framework),
        blocks=False,
        variants=_variants(framework),
        asks_address=True,
        interpreter=environments.interpreter(framework),
        # Nothing of the lab's is on its path, nor what the shell has put there.
        environment={**_ALWAYS, **says.environment, "PYTHONPATH": str(framework.folder)},
        requires=(says.name,),
    )


def _variants(framework: Framework) -> Mapping[Topic, Variants]:
    found: dict[Topic, Variants] = {}
    if framework.says.variants:
        found["storage"] = {each.name: dict(each.settings) for each in framework.says.variants}
    if framework.answers_in_process:
        found["model"] = {"in-process": {"in_process": True}}
    return found


def _settings(framework: Framework) -> type[msgspec.Struct]:
    own = framework.says.settings
    every = InProcessSettings if framework.answers_in_process else AdapterSettings
    if both := own.keys() & set(every.__struct_fields__):
        raise BadInput(f"{framework.folder / SAYS} sets {sorted(both)[0]} anew, which every such system has.")
    try:
        return msgspec.defstruct(
            "OwnSettings",
            [(name, type(default), default) for name, default in own.items()],
            bases=(every,),
            module=__name__,
            frozen=True,
            kw_only=True,
            forbid_unknown_fields=True,
        )
    except (TypeError, ValueError) as error:
        raise BadInput(f"{framework.folder / SAYS} names a setting that cannot be one: {error}.") from error
