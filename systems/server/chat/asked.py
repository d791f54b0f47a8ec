"""A request for a chat completion as a question to what is hosted: the one place that knows both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import msgspec

from systems.engines.grammar import of_gbnf
from systems.errors import BadInput, NotHeeded
from systems.server.asking import ClientAsk
from systems.server.chat.laying_out import has_results, laid_out
from systems.server.chat.request import (
    AnyObject,
    ChatRequest,
    FittingSchema,
    FunctionDefinition,
    NamedFunction,
    NamedTool,
    OnlyAllowed,
)
from systems.server.chat.tools import Function, Tools, check_depth, grammar_of_object, in_grammar, told_of_object
from systems.server.conversation import person_of
from systems.server.failures import bad_request


class ChatAsked(msgspec.Struct, frozen=True):
    """What a client asks, and how to take the reply apart: the ``tools`` that it may call, and in which words.

    A reply that is ``formed`` is an object also where it calls nothing. A client of ``functions`` is answered in that
    older form.
    """

    asked: ClientAsk
    tools: Tools | None
    formed: bool
    functions: bool


def chat_asked(request: ChatRequest) -> ChatAsked:
    """Return what ``request`` asks. Raises `Failure`."""
    older = bool(request.functions) and not request.tools
    try:
        tools = _functions(request) if older else _tools(request)
    except BadInput as error:
        raise bad_request(str(error), param="functions" if older else "tools") from error
    schema, formed = _form(request)
    in_grammar("response_format", partial(check_depth, schema))
    if request.grammar and (formed or tools is not None):
        raise bad_request(
            "A `grammar` is the whole form of a reply: it goes with no tools and no schema.", param="grammar"
        )
    told = [] if tools is None else [tools.told()]
    grammar = in_grammar("grammar", partial(of_gbnf, request.grammar)) if request.grammar else None
    if formed and (tools is None or tools.choice == "auto"):
        told.append(told_of_object(schema))
    if tools is not None:
        grammar = tools.grammar(({"type": "object"} if schema is None else schema) if formed else None)
    elif formed:
        grammar = grammar_of_object(schema)
    asked = ClientAsk(
        messages=laid_out(request.messages),
        told="\n\n".join(told),
        person=person_of(request.safety_identifier, request.user),
        conversation=request.prompt_cache_key or None,
        kept=request.store is not False and not has_results(request.messages),
        max_tokens=request.most(),
        sampling=request.sampling(),
        grammar=grammar,
        likeliest=request.likeliest(),
    )
    return ChatAsked(asked, tools, formed, older)


@contextmanager
def named(chat: ChatAsked) -> Iterator[None]:
    """Give what the engine would not heed the name of the field that asked for it. Raises `Failure` instead."""
    try:
        yield
    except NotHeeded as error:
        form = "response_format" if chat.formed else "grammar"
        if chat.tools is not None:
            form = "functions" if chat.functions else "tools"
        field = {"grammar": form, "likeliest": "logprobs"}.get(error.field, error.field)
        raise bad_request(str(error), param=field, code="not_offered") from error


def _form(request: ChatRequest) -> tuple[dict[str, object] | None, bool]:
    """Return the schema of the reply, if there is one, and whether it is to be an object at all."""
    match request.response_format:
        case FittingSchema(json_schema):
            return json_schema.schema, True
        case AnyObject(schema):
            return schema or None, True
    return request.json_schema, request.json_schema is not None


def _tools(request: ChatRequest) -> Tools | None:
    """Return what may be called in the reply; None if nothing may. Raises `BadInput`."""
    tools = _of([tool.function for tool in request.tools or ()], request.parallel_tool_calls is not False)
    match request.tool_choice:
        case NamedTool(function):
            return tools.only([function.name], "required")
        case OnlyAllowed(allowed):
            return tools.only([tool.function.name for tool in allowed.tools], allowed.mode)
        case "required":
            return tools.only([function.name for function in tools.functions], "required")
        case "none":
            return None
    return tools if tools.functions else None


def _functions(request: ChatRequest) -> Tools | None:
    """The same in the older form, which knows no several calls at once."""
    tools = _of(request.functions or [], False)
    match request.function_call:
        case NamedFunction(name):
            return tools.only([name], "required")
        case "none":
            return None
    return tools


def _of(functions: list[FunctionDefinition], at_once: bool) -> Tools:
    made = tuple(Function.of(each.name, each.description, each.parameters) for each in functions)
    return Tools(functions=made, at_once=at_once)
