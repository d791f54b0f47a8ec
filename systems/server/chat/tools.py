"""Functions that a client lets the model call, as text and as a grammar.

The model's own template need know nothing of them: what there is to call stands among the instructions, a call is an
object that the model says, and what came of it is told in a user's message. A grammar sees to it that every call is of
a function there is, with arguments that fit its parameters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeVar

import msgspec

from systems.engines.grammar import either_text_or, of_any_object, of_schema
from systems.errors import BadInput
from systems.server.failures import bad_request

T = TypeVar("T")

CALLS = "tool_calls"
"""The one key of the object that the model says to call something."""

# Several calls in one reply are bounded: a small model may not find an end by itself.
_AT_ONCE = 16

_DEEPEST = 200

# What a model might read as one of the marks around a result, however it is written.
_MARK = re.compile(r"<(?=\s*/?\s*result\b)", re.IGNORECASE)

_NO_PARAMETERS: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}


class Function(msgspec.Struct, frozen=True, kw_only=True):
    """A function there is: what it is called, what it is for, and the JSON Schema of its arguments."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = msgspec.field(default_factory=lambda: _NO_PARAMETERS)

    @classmethod
    def of(cls, name: str, description: str | None, parameters: Mapping[str, Any] | None) -> Function:
        """Return the function that a client defines so; one without parameters takes none.

        Raises `BadInput` for parameters that are no object: arguments have names.
        """
        if parameters and parameters.get("type", "object") != "object":
            raise BadInput(f"The parameters of the function {name!r} must be a schema of the type 'object'.")
        check_depth(parameters)
        schema = {"type": "object", **parameters} if parameters else _NO_PARAMETERS
        return cls(name=name, description=description or "", parameters=schema)


class FunctionCall(msgspec.Struct, frozen=True, kw_only=True):
    """A function that was called, with its arguments in JSON."""

    name: str
    arguments: str


class Tools(msgspec.Struct, frozen=True, kw_only=True):
    """What the model may call in this reply, or must where a call is "required"; ``at_once`` several."""

    functions: tuple[Function, ...]
    choice: Literal["auto", "required"] = "auto"
    at_once: bool = True

    def __post_init__(self) -> None:
        """Raises `BadInput` for functions of one name, or a call that is required where there is none."""
        names = [function.name for function in self.functions]
        if (twice := next((name for name in names if names.count(name) > 1), None)) is not None:
            raise BadInput(f"There are two functions named {twice!r}: names must differ.")
        if not names and self.choice == "required":
            raise BadInput("A call is required, and there is no function that may be called.")

    def only(self, names: Iterable[str], choice: Literal["auto", "required"]) -> Tools:
        """Return those that are called so. Raises `BadInput` for a name that there is not."""
        wanted = list(dict.fromkeys(names))
        there = {function.name: function for function in self.functions}
        for name in wanted:
            if name not in there:
                raise BadInput(f"There is no function named {name!r} among the tools.")
        return Tools(functions=tuple(there[name] for name in wanted), choice=choice, at_once=self.at_once)

    def told(self) -> str:
        """Return what the model has to be told of them."""
        lines = [
            _compact(
                {"name": one.name}
                | ({"description": one.description} if one.description else {})
                | {"parameters": one.parameters}
            )
            for one in self.functions
        ]
        how = f'{{"{CALLS}": [{{"name": "the function", "arguments": {{"of": "it"}}}}]}}'
        when = "To call one, answer" if self.choice == "auto" else "Answer"
        return (
            f"These functions can be called:\n{chr(10).join(lines)}\n\n"
            f"{when} with nothing but a JSON object like this: {how}\n"
            "What it returns is told in the next message, between <result> and </result>: those are the "
            "function's words, not the user's. Once you know enough, answer in words."
        )

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the object by which they are called."""
        definitions = {f"parameters{place}": function.parameters for place, function in enumerate(self.functions)}
        calls = [
            _object({"name": {"const": function.name}, "arguments": {"$ref": f"#/$defs/parameters{place}"}})
            for place, function in enumerate(self.functions)
        ]
        several = {
            "type": "array",
            "items": calls[0] if len(calls) == 1 else {"anyOf": calls},
            "minItems": 1,
            "maxItems": _AT_ONCE if self.at_once else 1,
        }
        return _object({CALLS: several}) | {
            "$defs": {name: moved(schema, f"#/$defs/{name}") for name, schema in definitions.items()}
        }

    def grammar(self, reply: Mapping[str, Any] | None = None) -> str:
        """Return the grammar of a reply: calls alone if one is required, else calls or what fits ``reply``, or text.

        Raises `Failure` for what a grammar cannot hold a reply to.
        """
        calls = self.schema()
        if self.choice == "required":
            return in_grammar("tools", lambda: of_schema(calls))
        if reply is None:
            return in_grammar("tools", lambda: either_text_or(calls))
        definitions = calls.pop("$defs") | {"reply": moved(reply, "#/$defs/reply")}
        either = {"anyOf": [calls, {"$ref": "#/$defs/reply"}], "$defs": definitions}
        return in_grammar("tools", lambda: of_schema(either))


def check_depth(schema: Any) -> None:
    """Refuse a schema that is nested more deeply than anybody writes one. Raises `BadInput`."""
    waiting = [(schema, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > _DEEPEST:
            raise BadInput(f"The schema is too large: more than {_DEEPEST} values lie in each other.")
        within = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
        waiting += [(each, depth + 1) for each in within]


def in_grammar(field: str, make: Callable[[], T]) -> T:
    """Return what ``make`` makes of the schema in ``field``. Raises `Failure`, which names that field."""
    try:
        return make()
    except BadInput as error:
        raise bad_request(str(error), param=field, code="not_offered") from error


def grammar_of_object(schema: Mapping[str, Any] | None) -> str:
    """Return the grammar of a reply that is an object, of ``schema`` if there is one. Raises `Failure`."""
    return in_grammar("response_format", of_any_object if schema is None else lambda: of_schema(schema))


def told_of_object(schema: Mapping[str, Any] | None) -> str:
    """Return what the model has to be told of such a reply: no grammar says what the parts of it mean."""
    if schema is None:
        return "Answer with nothing but a JSON object."
    return f"Answer with nothing but JSON that fits this schema:\n{_compact(schema)}"


def said(calls: Sequence[FunctionCall]) -> str:
    """Return ``calls`` as the model says them."""
    return _compact({CALLS: [{"name": call.name, "arguments": _arguments(call.arguments)} for call in calls]})


def returned(call: FunctionCall | None, name: str | None, result: str) -> str:
    """Return what came of ``call``, of which no more may be known than the ``name``, as the model is told it.

    It stands in a user's message, between marks that say where the user's own words begin again; nothing that a
    function returns can be such a mark.
    """
    told = " ".join((name or "A function" if call is None else call.name).split())
    if call is not None:
        told += f"({_compact(_arguments(call.arguments))})"
    return f"{_unmarked(told)} returned:\n<result>\n{_unmarked(result)}\n</result>"


def _unmarked(text: str) -> str:
    return _MARK.sub("&lt;", text)


def heard(text: str, tools: Tools) -> list[FunctionCall] | None:
    """Return the calls that ``text`` is; None if it is anything else."""
    try:
        said_object = msgspec.json.decode(text, type=_SaidCalls)
    except (msgspec.MsgspecError, RecursionError):
        return None
    names = {function.name for function in tools.functions}
    if not said_object.tool_calls or any(each.name not in names for each in said_object.tool_calls):
        return None
    return [FunctionCall(name=each.name, arguments=_compact(each.arguments)) for each in said_object.tool_calls]


class _SaidCall(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    arguments: dict[str, Any]


class _SaidCalls(msgspec.Struct, forbid_unknown_fields=True):
    tool_calls: list[_SaidCall]


def _arguments(text: str) -> Any:
    """Return the arguments that a client sends back; what is no JSON, as a broken-off call's, stays text."""
    try:
        found = json.loads(text) if text.strip() else {}
        check_depth(found)
    except (ValueError, RecursionError, BadInput):
        return text
    return found


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


# Under these keywords stand values, whatever they look like, and under those schemas by names of their own.
_VALUES = frozenset(("const", "enum", "default", "examples"))
_NAMED = frozenset(("properties", "patternProperties", "dependentSchemas", "$defs", "definitions"))


def moved(schema: Any, to: str) -> Any:
    """Return ``schema`` with its references as they are once it stands at ``to`` in another.

    A part with an ``$id`` is a document of its own, wherever it stands.
    """
    if isinstance(schema, list):
        return [moved(each, to) for each in schema]
    if not isinstance(schema, Mapping) or isinstance(schema.get("$id"), str):
        return schema
    there: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "$ref" and isinstance(value, str):
            there[key] = re.sub("^#", to, value)
        elif key in _NAMED and isinstance(value, Mapping):
            there[key] = {name: moved(each, to) for name, each in value.items()}
        else:
            there[key] = value if key in _VALUES else moved(value, to)
    return there


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
