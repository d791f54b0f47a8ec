"""JSON Schema as alternatives without references: what a value must be like, put together from all that applies to it.

A keyword of the standard that a grammar cannot hold a reply to is refused. What follows may be narrower than a schema
(no property that is not declared, unless the schema speaks of them), never wider.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from systems.engines.forms.keywords import KINDS, bound, count, listed, shown, typed
from systems.errors import BadInput

# The standard's keywords, of all its drafts, that say something of a value which is not held to here; of the second
# ones some values say nothing.
_REFUSED = ("not", "if", "contains", "unevaluatedItems", "$dynamicRef", "$recursiveRef", "extends", "disallow")
_SAY_NOTHING: tuple[Any, ...] = ({}, True, {"type": "string"})  # of names of properties, which are strings
_REFUSED_UNLESS_EMPTY = (
    *("patternProperties", "propertyNames", "dependentRequired", "dependentSchemas", "dependencies", "divisibleBy"),
)

# Bounds of what is taken apart: values in a schema, how deep they lie in each other, alternatives of one value, and
# schemas looked at in all.
_MOST_PARTS, _DEEPEST, _MOST_ALTERNATIVES, _MOST_WORK = 50_000, 64, 256, 100_000


class SelfReference(BadInput):
    """A schema applies to a value by way of itself."""


class SchemaPart(NamedTuple):
    """A schema within a schema: true and false are schemas too. Its references are found in ``document``."""

    schema: Any
    document: Mapping[str, Any]


Parts = tuple[SchemaPart, ...]
"""Schemas that apply to the same value, all of them."""

_ANYTHING: Parts = ()


@dataclass(frozen=True, kw_only=True)
class Alternative:
    """What a value may be like. ``kinds`` None means any; ``number`` among them includes integers.

    ``declares`` is whether properties are declared at all. ``others`` applies to the properties that are not named,
    ``rest`` to the items after ``first``; None: not said. ``low`` and ``high`` bound numbers, with whether the bound
    itself is left out.
    """

    kinds: frozenset[str] | None = None
    values: tuple[Any, ...] | None = None
    properties: Mapping[str, Parts] = field(default_factory=dict)
    declares: bool = False
    required: tuple[str, ...] = ()
    others: Parts | None = None
    most_properties: int | None = None
    least_properties: int = 0
    first: tuple[Parts, ...] = ()
    rest: Parts | None = None
    least_items: int = 0
    most_items: int | None = None
    least_length: int = 0
    most_length: int | None = None
    format: str | None = None
    patterns: tuple[str, ...] = ()
    low: tuple[Decimal, bool] | None = None
    high: tuple[Decimal, bool] | None = None

    def speaks_of(self) -> frozenset[str]:
        """Return of which kinds of values something is said; of all of them if it is of none."""
        said = {
            "object": self.declares or self.required or self.others is not None or self.least_properties,
            "array": self.first or self.rest is not None or self.least_items or self.most_items is not None,
            "string": self.least_length or self.most_length is not None or self.format or self.patterns,
            "number": self.low or self.high,
        }
        return frozenset(kind for kind, anything in said.items() if anything) or frozenset(KINDS)


def whole(schema: Any) -> Parts:
    """Return ``schema`` as what applies to a value. Raises `BadInput` for one that is too large."""
    waiting, count = [(schema, 0)], 0
    while waiting:
        one, depth = waiting.pop()
        count += 1
        if count > _MOST_PARTS or depth > _DEEPEST:
            raise BadInput(f"The schema is too large: at most {_MOST_PARTS} values, {_DEEPEST} deep, are looked at.")
        inner = one.values() if isinstance(one, Mapping) else one if isinstance(one, list | tuple) else ()
        waiting += [(each, depth + 1) for each in inner]
    return (SchemaPart(schema, schema if isinstance(schema, Mapping) else {}),)


class SchemaReader:
    """Takes one schema apart. It gives up, with `BadInput`, rather than look at parts without end."""

    def __init__(self) -> None:
        self._work = 0

    def alternatives(self, parts: Parts, within: frozenset[int] = frozenset()) -> list[Alternative]:
        """Return what a value may be like to which all of ``parts`` apply; nothing if no value fits."""
        found = [Alternative()]
        for part in parts:
            found = self._both(found, self._of(part, within))
        return found

    def _of(self, part: SchemaPart, within: frozenset[int]) -> list[Alternative]:
        schema, document = part
        self._spend(1)
        if schema is True:
            return [Alternative()]
        if schema is False:
            return []
        if not isinstance(schema, Mapping):
            raise BadInput(f"A schema is an object, true or false, not {shown(schema)}.")
        if id(schema) in within or len(within) > _DEEPEST:
            raise SelfReference(
                f"The schema refers to itself, or more than {_DEEPEST} times to another, for one value."
            )
        within |= {id(schema)}
        if isinstance(schema.get("$id"), str):
            document = schema
        found = [_own(schema, document)]
        if "$ref" in schema:
            found = self._both(found, self._of(_referred(schema["$ref"], document), within))
        for each in _schemas(schema, "allOf", document):
            found = self._both(found, self._of(each, within))
        for name in ("anyOf", "oneOf"):
            if name in schema:
                branches = [self._of(each, within) for each in _schemas(schema, name, document)]
                if name == "oneOf":
                    branches = self._told_apart(branches, schema.get("discriminator"), within)
                found = self._both(found, [each for branch in branches for each in branch])
        return found

    def _both(self, ours: Sequence[Alternative], theirs: Sequence[Alternative]) -> list[Alternative]:
        """Return what fits one of ``ours`` and one of ``theirs``."""
        if max(len(ours), len(theirs), len(ours) * len(theirs)) > _MOST_ALTERNATIVES:
            raise BadInput(f"The schema has too many alternatives for one value: more than {_MOST_ALTERNATIVES}.")
        self._spend(len(ours) * len(theirs))
        nothing = Alternative()
        return [
            their if our == nothing else our if their == nothing else _merged(our, their)
            for our in ours
            for their in theirs
            if our.kinds is None or their.kinds is None or our.kinds & their.kinds
        ]

    def _told_apart(
        self, branches: list[list[Alternative]], discriminator: Any, within: frozenset[int]
    ) -> list[list[Alternative]]:
        """Return ``branches`` if no value can fit two of them: exactly one is to fit."""
        name = discriminator.get("propertyName") if isinstance(discriminator, Mapping) else None
        if isinstance(name, str):  # it is to be there in any case, and then tells them apart
            branches = [
                [replace(one, required=tuple(dict.fromkeys((*one.required, name)))) for one in branch]
                for branch in branches
            ]
        for place, ours in enumerate(branches):
            for theirs in branches[place + 1 :]:
                if not all(self._apart(our, their, within) for our in ours for their in theirs):
                    raise BadInput("Two alternatives of the schema's 'oneOf' may fit one value: 'anyOf' allows that.")
        return branches

    def _apart(self, our: Alternative, their: Alternative, within: frozenset[int]) -> bool:
        """Return whether it is plain that no value fits both."""
        self._spend(1)
        if our.values is not None and their.values is not None:
            return not {same(value) for value in our.values} & {same(value) for value in their.values}
        ours, theirs = (
            one.kinds if one.values is None else frozenset(kind for value in one.values for kind in kinds_of(value))
            for one in (our, their)
        )
        common = frozenset(KINDS) if ours is None or theirs is None else ours & theirs
        if common != {"object"}:
            return not common
        return any(self._property_apart(name, our, their, within) for name in (*our.required, *their.required))

    def _property_apart(self, name: str, our: Alternative, their: Alternative, within: frozenset[int]) -> bool:
        """Return whether it is plain, by the property ``name`` that one of them must have, that no value fits both."""
        try:
            ours, theirs = (self.alternatives(of_property(one, name), within) for one in (our, their))
        except SelfReference:  # what comes again within itself tells nothing apart
            return False
        return all(self._apart(a, b, within) for a in ours for b in theirs)

    def _spend(self, work: int) -> None:
        self._work += work
        if self._work > _MOST_WORK:
            raise BadInput("The schema is put together in too many ways to be looked at.")


def _referred(reference: Any, document: Mapping[str, Any]) -> SchemaPart:
    """Return the schema that ``reference`` names: a path in its document."""
    named, _, path = str(reference).partition("#")
    if not isinstance(reference, str) or (named and named != document.get("$id")) or (path and path[0] != "/"):
        raise BadInput(f"The schema refers to {shown(reference)}, which is no path within it, such as #/$defs/name.")
    found: Any = document
    from urllib.parse import unquote

    for step in unquote(path).split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list) and name.isdecimal() and int(name) < len(found):
            found = found[int(name)]
        elif isinstance(found, Mapping) and name in found:
            found = found[name]
        else:
            raise BadInput(f"The schema refers to {shown(reference)}, which it does not have.")
        if isinstance(found, Mapping) and isinstance(found.get("$id"), str):
            document = found
    return SchemaPart(found, document)


def _own(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Alternative:
    """Return what ``schema`` says by itself, without what it refers to or is put together from."""
    for name in (*_REFUSED, *_REFUSED_UNLESS_EMPTY):
        nothing = _SAY_NOTHING if name == "propertyNames" else ({},)
        if name in schema and (name in _REFUSED or schema[name] not in nothing):
            raise BadInput(f"The schema's {name!r} is not supported: a reply cannot be held to it.")
    if schema.get("uniqueItems") and count(schema, "maxItems", 2) > 1:
        raise BadInput("The schema's 'uniqueItems' is not supported: a reply cannot be held to it.")
    if "multipleOf" in schema and schema["multipleOf"] != 1:
        raise BadInput("The schema's 'multipleOf' is not supported, unless it is 1.")

    def part(inner: Any) -> Parts:
        return (SchemaPart(inner, document),)

    kinds = typed(schema)
    if schema.get("multipleOf") == 1:
        kinds = (frozenset(KINDS) if kinds is None else kinds) - {"number"}
    values = schema.get("enum")
    if values is not None and not isinstance(values, list | tuple):
        raise BadInput("The schema's 'enum' is no list.")
    if "const" in schema:
        values = [each for each in values or [schema["const"]] if same(each) == same(schema["const"])]
    properties = schema.get("properties", {})
    if not isinstance(properties, Mapping):
        raise BadInput("The schema's 'properties' is no object.")
    others = schema.get("additionalProperties", schema.get("unevaluatedProperties"))
    if "unevaluatedProperties" in schema and {"$ref", "allOf", "anyOf", "oneOf"} & set(schema):
        raise BadInput("The schema's 'unevaluatedProperties' beside other schemas is not supported.")
    items, first = schema.get("items"), schema.get("prefixItems")
    if isinstance(items, list | tuple):  # as it was said in older drafts
        first, items = items, schema.get("additionalItems")
    if first is not None and not isinstance(first, list | tuple):
        raise BadInput("The schema's 'prefixItems' is no list.")
    form, pattern = schema.get("format"), schema.get("pattern")
    return Alternative(
        kinds=kinds,
        values=None if values is None else tuple(values),
        properties={name: part(inner) for name, inner in properties.items()},
        declares="properties" in schema,
        required=listed(schema, "required"),
        others=None if others is None else part(others),
        least_properties=count(schema, "minProperties", 0),
        most_properties=count(schema, "maxProperties", None),
        first=tuple(part(inner) for inner in first or ()),
        rest=None if items is None else part(items),
        least_items=count(schema, "minItems", 0),
        most_items=count(schema, "maxItems", None),
        least_length=count(schema, "minLength", 0),
        most_length=count(schema, "maxLength", None),
        format=form if isinstance(form, str) else None,
        patterns=() if pattern is None else (str(pattern),),
        low=bound(schema, "minimum", "exclusiveMinimum"),
        high=bound(schema, "maximum", "exclusiveMaximum"),
    )


def _merged(our: Alternative, their: Alternative) -> Alternative:
    if our.format and their.format and our.format != their.format:
        raise BadInput(f"The schema asks of one value to be both {our.format!r} and {their.format!r}.")
    values = our.values if their.values is None else their.values
    if our.values is not None and their.values is not None:
        also = {same(value) for value in their.values}
        values = tuple(value for value in our.values if same(value) in also)
    names = [*our.properties, *(name for name in their.properties if name not in our.properties)]
    return Alternative(
        kinds=our.kinds if their.kinds is None else their.kinds if our.kinds is None else our.kinds & their.kinds,
        values=values,
        properties={name: _all(of_property(our, name), of_property(their, name)) for name in names},
        declares=our.declares or their.declares,
        required=tuple(dict.fromkeys((*our.required, *their.required))),
        others=_said(our.others, their.others),
        least_properties=max(our.least_properties, their.least_properties),
        most_properties=_least(our.most_properties, their.most_properties),
        first=tuple(
            _all(of_item(our, place), of_item(their, place)) for place in range(max(len(our.first), len(their.first)))
        ),
        rest=_said(our.rest, their.rest),
        least_items=max(our.least_items, their.least_items),
        most_items=_least(our.most_items, their.most_items),
        least_length=max(our.least_length, their.least_length),
        most_length=_least(our.most_length, their.most_length),
        format=our.format or their.format,
        patterns=tuple(dict.fromkeys((*our.patterns, *their.patterns))),
        low=max(filter(None, (our.low, their.low)), default=None),
        high=min(filter(None, (our.high, their.high)), key=lambda high: (high[0], not high[1]), default=None),
    )


def of_property(one: Alternative, name: str) -> Parts:
    """Return what applies to the property ``name``."""
    return one.properties.get(name, one.others or _ANYTHING)


def of_item(one: Alternative, place: int) -> Parts:
    """Return what applies to the item at ``place``."""
    return one.first[place] if place < len(one.first) else one.rest or _ANYTHING


def same(value: Any) -> tuple[str, Any]:
    """Return what is equal for values that JSON Schema holds to be equal: 1 is 1.0, but not true."""
    if isinstance(value, bool) or value is None:
        return ("literal", value)
    if isinstance(value, int | float):
        return ("number", value)
    if isinstance(value, str):
        return ("string", value)
    return ("structure", msgspec.json.encode(value, order="deterministic"))


def kinds_of(value: Any) -> frozenset[str]:
    """Return the kinds that ``value`` is of: an integer is a number too."""
    if value is None or isinstance(value, bool):
        return frozenset({"null" if value is None else "boolean"})
    if isinstance(value, int | float):
        return frozenset({"number"} if value % 1 else {"integer", "number"})
    return frozenset({"string" if isinstance(value, str) else "object" if isinstance(value, Mapping) else "array"})


def _schemas(schema: Mapping[str, Any], name: str, document: Mapping[str, Any]) -> Iterator[SchemaPart]:
    found = schema.get(name, ())
    if not isinstance(found, list | tuple):
        raise BadInput(f"The schema's {name!r} is no list.")
    return (SchemaPart(each, document) for each in found)


def _all(*parts: Parts) -> Parts:
    return tuple({id(part.schema): part for each in parts for part in each}.values())


def _said(ours: Parts | None, theirs: Parts | None) -> Parts | None:
    return ours if theirs is None else theirs if ours is None else _all(ours, theirs)


def _least(*found: int | None) -> int | None:
    return min((each for each in found if each is not None), default=None)
