"""Settings that the built-in systems share, and the ways to set those of any system from text.

One typed definition serves all ways: a `msgspec.Struct` a system. What is set on the command line wins over the
environment, that over a file, and that over the default; runtime commands (`systems.turn.commands`) change a running
system.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_origin

import msgspec

from systems.errors import BadInput, UnknownName

S = TypeVar("S", bound=msgspec.Struct)

HISTORY_LIMIT = 1_000
CACHE_LIMIT = 100_000
MEMORIES_LIMIT = 500

NotNegative = Annotated[int, msgspec.Meta(ge=0)]
Positive = Annotated[int, msgspec.Meta(ge=1)]
HistoryLength = Annotated[int, msgspec.Meta(ge=0, le=HISTORY_LIMIT)]
Memories = Annotated[int, msgspec.Meta(ge=0, le=MEMORIES_LIMIT)]
CacheCapacity = Annotated[int, msgspec.Meta(ge=0, le=CACHE_LIMIT)]

CacheKey = Literal["prompt", "question"]
"""What the key of a cached reply covers: everything the answer depends on, or, as published, the question."""

LayoutName = Literal["bracketed", "list", "sentences", "passage", "question-first", "system"]
"""How a turn's prompt is laid out: where its notes stand and what is said besides (`systems.turn.layouts`)."""

# The published cache holds 50 replies on a machine of 4 GiB; other memories get their share, and never too few to
# serve a question that is asked again at once.
_PUBLISHED_CAPACITY, _PUBLISHED_BYTES, _LEAST_CAPACITY = 50, 4 * 2**30, 10


class SharedSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What both built-in systems can be set to; defaults are the published ones (docs/settings.md).

    ``note_tokens`` is how many tokens the notes of a turn, which say its memories, are together at most, ``layout``
    where they stand in its prompt. ``memory_bytes`` is the memory the system may use, which whoever builds it knows;
    ``cache_capacity`` None means derived from it.
    """

    history_length: HistoryLength = 10
    sessions: Positive = 1000
    memories: Memories = 3
    note_tokens: NotNegative = 768
    layout: LayoutName = "passage"
    memory_bytes: Positive = _PUBLISHED_BYTES
    cache_capacity: CacheCapacity | None = None
    cache_key: CacheKey = "prompt"

    def replies_cached(self) -> int:
        """Return how many replies the cache holds: what is set, or 50 at 4 GiB in proportion, and at least 10."""
        if self.cache_capacity is not None:
            return self.cache_capacity
        share = _PUBLISHED_CAPACITY * self.memory_bytes // _PUBLISHED_BYTES
        return min(max(share, _LEAST_CAPACITY), CACHE_LIMIT)


def names_of(kind: type[msgspec.Struct]) -> list[str]:
    """Return the names of everything that ``kind`` can be set to; a setting's own settings follow it after a dot."""
    return list(_fields(kind))


def nested(kind: type[msgspec.Struct], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``values`` by the `names_of` ``kind`` as `msgspec.convert` takes them.

    Of a list, text names the members with commas between them, or is a list in JSON.
    """
    fields = _fields(kind)
    found: dict[str, Any] = {}
    for name, value in values.items():
        *inside, last = name.split(".")
        place = found
        for each in inside:
            place = place.setdefault(each, {})
        is_list = name in fields and get_origin(fields[name]) is tuple
        place[last] = _members(value) if is_list and isinstance(value, str) else value
    return found


def parse(kind: type[msgspec.Struct], values: Mapping[str, Any], whose: str) -> dict[str, Any]:
    """Return the settings named in ``values``, by the `names_of` ``kind``, as it types them; ``null`` is nothing set.

    A value is text, or already of its type; text is as for `nested`. What has settings of its own is set by these, by a
    table of them, or by one in JSON.

    Raises `BadInput`, or `UnknownName` with the nearest names; ``whose`` says in them whose settings these are.
    """
    values = _flat(kind, values, whose)
    fields = _fields(kind)
    for name in values:
        if name not in fields:
            raise UnknownName(f"setting of {whose}", name, fields)
    try:
        settings = msgspec.convert(nested(kind, values), kind, strict=False)
    except msgspec.ValidationError as error:
        reason, _, name = str(error).partition(" - at `$.")
        name = name.rstrip("`")
        said = (
            f"The setting {name} of {whose} cannot be {values[name]!r}" if name in values else f"{whose} cannot be set"
        )
        raise BadInput(f"{said}: {reason}.") from error
    found = {name: attrgetter(name)(settings) for name in values}
    for name, value in found.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise BadInput(f"The setting {name} of {whose} cannot be {value}: no record can hold that.")
    return found


def _fields(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the type of everything that ``kind`` can be set to, by its name."""
    found: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        if _is_struct(field.type):
            found |= {f"{field.name}.{name}": inner for name, inner in _fields(field.type).items()}
        else:
            found[field.name] = field.type
    return found


def _flat(kind: type[msgspec.Struct], values: Mapping[str, Any], whose: str) -> dict[str, Any]:
    """Return ``values`` with those of each inner table under names of their own. Raises `BadInput`."""
    inner = {field.name: field.type for field in msgspec.structs.fields(kind) if _is_struct(field.type)}
    found: dict[str, Any] = {}
    for name, value in values.items():
        if name not in inner:
            found[name] = value
            continue
        table = value
        if isinstance(value, str):
            with suppress(msgspec.DecodeError):
                table = msgspec.json.decode(value)
        if not isinstance(table, Mapping):
            example = names_of(inner[name])[0]
            raise BadInput(
                f"The setting {name} of {whose} cannot be {value!r}: it is set by its parts, such as "
                f"{whose}.{name}.{example}."
            )
        parts = {str(each): part for each, part in table.items()}
        found |= {f"{name}.{each}": part for each, part in _flat(inner[name], parts, f"{whose}.{name}").items()}
    return found


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _members(text: str) -> list[Any]:
    if text.startswith("["):
        with suppress(msgspec.DecodeError):
            return msgspec.json.decode(text, type=list[Any])
    return [member for member in text.split(",") if member]


def by_system(assignments: Iterable[str], known: Collection[str] = ()) -> dict[str, dict[str, str]]:
    """Return what "SYSTEM.NAME=VALUE" assignments say, by system, for `parse`; the last of equal names wins.

    Names may have dots in them: the system is the longest of those ``known`` that the assignment begins with, or, of
    one that is not known, what is before the last dot. Raises `BadInput`.
    """
    texts: dict[str, dict[str, str]] = {}
    for assignment in assignments:
        target, equals, text = assignment.partition("=")
        system = max((each for each in known if target.startswith(f"{each}.")), key=len, default="")
        system, name = (system, target[len(system) + 1 :]) if system else target.rpartition(".")[::2]
        if not (equals and system and name):
            raise BadInput(
                f"{assignment!r} sets nothing: write SYSTEM.NAME=VALUE, for example asynchronous.history_length=20."
            )
        texts.setdefault(system, {})[name] = text
    return texts


def from_file(path: Path) -> dict[str, dict[str, Any]]:
    """Return the tables of the TOML file at ``path``, one a system, for `layered`. Raises `BadInput`."""
    try:
        return msgspec.toml.decode(path.read_bytes(), type=dict[str, dict[str, Any]])
    except OSError as error:
        raise BadInput(f"The settings file {path} cannot be read: {error.strerror}.") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadInput(f"The settings file {path} is malformed: {error}.") from error


def layered(
    kind: type[S],
    whose: str,
    *,
    command_line: Mapping[str, str],
    environ: Mapping[str, str],
    file: Mapping[str, Any],
    **given: Any,
) -> S:
    """Return the settings of ``whose``: the command line's, else the environment's, the file's, ``given``, the default.

    The environment's are the variables FOURGIG_<WHOSE>_<SETTING>, with an underscore for each dot. Raises as `parse`.

    For agents run for real. A trial must never ask this: only what its record says may influence it.
    """
    prefix = f"FOURGIG_{re.sub('[^A-Z0-9]', '_', whose.upper())}_"
    spelt = {name.replace(".", "_"): name for name in names_of(kind)}
    said = {name.removeprefix(prefix).lower(): text for name, text in environ.items() if name.startswith(prefix)}
    said = {spelt.get(name, name): text for name, text in said.items()}
    layers = [_flat(kind, layer, whose) for layer in (given, file, said, command_line)]
    found = parse(kind, {name: value for layer in layers for name, value in layer.items()}, whose)
    return msgspec.convert(nested(kind, found), kind)
