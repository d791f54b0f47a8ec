"""Any OpenAI-compatible endpoint as an engine: a server that somebody else runs, on this machine or another.

What such a server keeps between requests is its own business, and so is how it cuts messages into tokens: known markup
of chat templates is broken before it is sent. Some servers count the bound of the reply as part of the prompt: what is
refused as too long is sent again with a modest bound, then without its history, half of it first, and then with fewer
notes. It cannot be made to say a scripted reply: where one is asked for, it is asked to ignore the end of text, so that
it generates as many tokens.
"""

from __future__ import annotations

import builtins
import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from socket import gaierror
from time import perf_counter
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

import msgspec

from systems.engines.fitting import Shortened, ever_shorter
from systems.engines.interface import AddressedEngine, Call, Generation, Message, SaidToken, Sampling
from systems.engines.likelihood import within
from systems.engines.markup import broken
from systems.engines.sampling import said
from systems.errors import BadInput, EngineBusy, EngineError, PromptTooLong, words

# Answers that mean "not now": too many requests, and a server, or one behind it, that is down or starting.
_NOT_NOW = (429, 502, 503, 504)

# How servers say that a prompt is longer than their context: OpenAI and this project, llama.cpp, vLLM.
_TOO_LONG = (b"context_length_exceeded", b"exceed_context_size", b"maximum context length")

# The bound of a reply, in tokens, for which a prompt that was refused as too long is sent again.
_MODEST = 256

# The longest line of an answer, in bytes.
_LONGEST_LINE = 1 << 20

# How long to wait, in seconds, for the list of models, and how many of them a message names.
_LOOK_S, _SHOWN = 10.0, 8

# Characters of an endpoint's own words that a message repeats.
_SHOWN_WORDS = 300


class OpenAISettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the endpoint is and how it is asked.

    What ``sampling`` does not say is left to the endpoint. What it says is sent by the names of llama.cpp's server, of
    which others may refuse all but ``temperature``, ``top_p``, ``seed`` and ``stop``.
    ``url`` is what comes before ``/chat/completions``. ``api_key_variable`` names the environment variable that holds
    the key, if the endpoint wants one: a key belongs in no record. ``timeout_s`` bounds each wait for the next part of
    an answer, in seconds; ``requests`` how many are under way at once.
    """

    url: str = "http://127.0.0.1:8080/v1"
    model: str = "default"
    api_key_variable: str = "OPENAI_API_KEY"
    timeout_s: Annotated[float, msgspec.Meta(gt=0)] = 120.0
    requests: Annotated[int, msgspec.Meta(ge=1)] = 16
    sampling: Sampling = Sampling()


class _Delta(msgspec.Struct):
    content: str | None = None


class _Likely(msgspec.Struct):
    token: str
    logprob: float
    bytes: list[int] | None = None
    top_logprobs: list[_Likely] = []

    @property
    def said(self) -> builtins.bytes:
        """The token as bytes: its text, where the endpoint does not tell them."""
        return self.token.encode() if self.bytes is None else builtins.bytes(self.bytes)


class _Likelihoods(msgspec.Struct):
    content: list[_Likely] | None = None


class _Choice(msgspec.Struct):
    delta: _Delta = msgspec.field(default_factory=_Delta)
    logprobs: _Likelihoods | None = None
    finish_reason: str | None = None


class _Details(msgspec.Struct):
    cached_tokens: int = 0


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: _Details | None = None


class _Dropped(msgspec.Struct):
    dropped_messages: int = 0
    seed: int | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] = []
    usage: _Usage | None = None
    fourgig: _Dropped | None = None  # a server of this project says what had no room


class _Error(msgspec.Struct):
    message: str


class _Refused(msgspec.Struct):
    error: _Error


class _Model(msgspec.Struct):
    id: str


class _Models(msgspec.Struct):
    data: list[_Model]


class OpenAIEngine(AddressedEngine):
    """Asks an endpoint for each reply, streamed, on a connection of its own."""

    name: ClassVar[str] = "openai"
    summary: ClassVar[str] = "an OpenAI-compatible endpoint, over HTTP; it cannot be made to say a scripted reply"
    says_scripts: ClassVar[bool] = False
    Settings: ClassVar[type[msgspec.Struct]] = OpenAISettings

    def __init__(self, settings: OpenAISettings) -> None:
        """Raises `BadInput` for an address that is none."""
        self._settings = settings
        parts = urlsplit(settings.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadInput(f"{settings.url!r} is no http address.")
        self._secure = parts.scheme == "https"
        try:
            self._where = (parts.hostname, parts.port or (443 if self._secure else 80))
        except ValueError as error:
            raise BadInput(f"{settings.url!r} is no http address: {error}.") from error
        self._path = parts.path.rstrip("/")

    def __reduce__(self) -> tuple[object, ...]:
        """Return what it is made of: another process makes it anew, not loaded."""
        return type(self), (self._settings,)

    @property
    def url(self) -> str:
        """The address that was set."""
        return self._settings.url

    @property
    def parallelism(self) -> int:
        """How many requests may be under way."""
        return self._settings.requests

    @property
    def identity(self) -> str:
        """The address, the model's name there, and what is said of sampling."""
        sampling = msgspec.json.encode(said(self._settings.sampling)).decode()
        return f"openai:{self._settings.url}:{self._settings.model}:{sampling}"

    @property
    def samples_as_asked(self) -> bool:
        """True: the endpoint is told."""
        return True

    def check_heeds(self, sampling: Sampling | None, grammar: str | None, likeliest: int | None) -> None:  # noqa: ARG002
        """Refuse a form, which few endpoints know of and others ignore; probabilities can be asked for."""
        super().check_heeds(sampling, grammar, None)

    def examine(self) -> None:
        """Ask the endpoint which models it has; if ours is not among them, whether it answers by that name anyway.

        Raises `EngineError`, which tells an endpoint where nobody listens from one without this model, or this path.
        """
        listed = self._models()
        if listed is not None and self._settings.model in listed:
            return
        try:
            # Some servers have no list; and some hold one model, and do not care by which name it is asked.
            self.generate(Call(messages=[Message("user", "Hello")], max_tokens=1))
        except EngineError as error:
            if listed:
                raise EngineError(
                    f"The endpoint {self._settings.url} has no model named {self._settings.model!r} ({error}) It has "
                    f"{', '.join(listed[:_SHOWN])}: choose one by the setting {self.name}.model."
                ) from error
            raise EngineError(
                f"{error} Is this the address up to /chat/completions, such as http://127.0.0.1:8080/v1?"
            ) from error

    def load(self) -> None:
        """Nothing is loaded here."""

    def generate(self, call: Call) -> Generation:
        """Do what ``call`` says; where it has a script generate freely, and past the end of text.

        Raises `EngineBusy` for an endpoint that is down or overloaded, before it has said anything.
        """
        asked = perf_counter()
        self.check_heeds(call.sampling, call.grammar, call.likeliest)
        tried = [(call, shorter) for shorter in ever_shorter(call)]
        if call.max_tokens is not None and call.max_tokens > _MODEST:
            modest = msgspec.structs.replace(call, max_tokens=_MODEST)
            tried = [tried[0], *((modest, shorter) for _, shorter in tried)]
        for bounded, shorter in tried[:-1]:
            with suppress(PromptTooLong):  # the endpoint says so before it generates anything
                return self._generate(bounded, shorter, asked)
        return self._generate(*tried[-1], asked)

    def _generate(self, call: Call, shortened: Shortened, asked: float) -> Generation:
        check, on_token = call.check, call.on_token
        if check is not None:
            check()
        body: dict[str, Any] = {
            "model": self._settings.model,
            "messages": [{"role": message.role, "content": broken(message.content)} for message in shortened.messages],
            **_sampling(self._settings.sampling, call.sampling),
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if call.max_tokens is not None:
            body["max_tokens"] = call.max_tokens
        if call.conversation is not None:
            # What the endpoint keeps for a conversation it may keep under this name; whose it is, is not its business.
            name = hashlib.blake2b(call.conversation.encode(), digest_size=16).hexdigest()
            body["user"] = body["prompt_cache_key"] = name
        if call.script is not None:
            body["ignore_eos"] = True
        if call.likeliest is not None:
            body |= {"logprobs": True, "top_logprobs": call.likeliest}
        connection = self._connection(self._settings.timeout_s)
        parts: list[str] = []
        tokens: list[SaidToken] = []
        first_token_s: float | None = None
        usage: _Usage | None = None
        dropped = _Dropped()
        finished: str | None = None
        try:
            for chunk in self._chunks(connection, msgspec.json.encode(body)):
                if check is not None:
                    check()
                usage, dropped = chunk.usage or usage, chunk.fourgig or dropped
                for choice in chunk.choices[:1]:
                    finished = finished or choice.finish_reason
                    if choice.logprobs is not None:
                        tokens += map(_said_token, choice.logprobs.content or ())
                    if choice.delta.content:
                        if first_token_s is None:
                            first_token_s = perf_counter() - asked
                        parts.append(choice.delta.content)
                        if on_token is not None:
                            on_token(choice.delta.content)
        except (OSError, HTTPException) as error:
            failure = EngineError if parts else EngineBusy  # what was streamed cannot be taken back
            raise failure(f"The endpoint {self._settings.url} failed: {type(error).__name__}: {error}.") from error
        finally:
            connection.close()
        if finished is None:
            raise EngineError(f"The endpoint {self._settings.url} broke off after {len(parts)} parts of a reply.")
        if call.likeliest is not None and parts and not tokens:
            raise EngineError(f"The endpoint {self._settings.url} tells no probabilities.")
        return Generation(
            text="".join(parts),
            prompt_tokens=usage.prompt_tokens if usage else 0,
            generated_tokens=usage.completion_tokens if usage else len(parts),
            first_token_s=perf_counter() - asked if first_token_s is None else first_token_s,
            finish_reason="length" if finished == "length" else "stop",
            reused_tokens=usage.prompt_tokens_details.cached_tokens if usage and usage.prompt_tokens_details else 0,
            dropped_messages=shortened.dropped_messages + dropped.dropped_messages,
            dropped_notes=shortened.dropped_notes,
            seed=dropped.seed,
            tokens=within(tokens, sum(map(len, parts))),
        )

    def close(self) -> None:
        """Nothing is held."""

    def _connection(self, timeout_s: float) -> HTTPConnection:
        kind = HTTPSConnection if self._secure else HTTPConnection
        return kind(*self._where, timeout=timeout_s)

    def _key(self) -> dict[str, str]:
        key = os.environ.get(self._settings.api_key_variable)
        return {"Authorization": f"Bearer {key}"} if key else {}

    def _models(self) -> list[str] | None:
        """Return the names of the endpoint's models; None if it has no list of them. Raises `EngineError`."""
        url = self._settings.url
        wait_s = min(self._settings.timeout_s, _LOOK_S)
        connection = self._connection(wait_s)
        try:
            connection.request("GET", f"{self._path}/models", headers=self._key())
            response = connection.getresponse()
            body = response.read(_LONGEST_LINE)
        except ConnectionRefusedError as error:
            raise EngineBusy(f"Nobody listens at {url}: is the endpoint started, and is this its port?") from error
        except gaierror as error:
            raise EngineError(f"The host {self._where[0]} of the endpoint {url} is not known here.") from error
        except TimeoutError as error:
            raise EngineBusy(f"The endpoint {url} says nothing within {wait_s:g} s.") from error
        except (OSError, HTTPException) as error:
            raise EngineBusy(f"The endpoint {url} cannot be asked: {type(error).__name__}: {error}.") from error
        finally:
            connection.close()
        if response.status in (401, 403):
            raise EngineError(
                f"The endpoint {url} refuses the key, which is read from {self._settings.api_key_variable}."
            )
        if response.status in _NOT_NOW:
            raise EngineBusy(f"The endpoint {url} is not ready: it answers {response.status} {response.reason}.")
        try:
            return [one.id for one in msgspec.json.decode(body, type=_Models).data] if response.status == 200 else None
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None

    def _chunks(self, connection: HTTPConnection, body: bytes) -> Iterator[_Chunk]:
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream", **self._key()}
        connection.request("POST", f"{self._path}/chat/completions", body, headers)
        response = connection.getresponse()
        if response.status != 200:
            kind = EngineBusy if response.status in _NOT_NOW else EngineError
            answered = f"The endpoint {self._settings.url} answered {response.status} {response.reason}"
            if response.status in (400, 413) and (why := _says_too_long(response)) is not None:
                raise PromptTooLong(f"{answered}: {why or 'the prompt is too long.'}")
            raise kind(f"{answered}.")
        for data in _events(response):
            if data == b"[DONE]":
                return
            try:
                yield msgspec.json.decode(data, type=_Chunk)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise EngineError(f"The endpoint {self._settings.url} answered what is no completion.") from error


def _sampling(usual: Sampling, asked: Sampling | None) -> dict[str, Any]:
    """Return what is said of sampling as an endpoint understands it: what is asked for, over what is usual."""
    found = said(usual) | ({} if asked is None else said(asked))
    if "ignore_end" in found:
        found["ignore_eos"] = found.pop("ignore_end")  # llama.cpp's server and others know it
    if "logit_bias" in found:
        found["logit_bias"] = {str(token): bias for token, bias in found["logit_bias"]}
    return found


def _said_token(one: _Likely) -> SaidToken:
    return SaidToken(one.said, one.logprob, tuple((each.said, each.logprob) for each in one.top_logprobs))


def _says_too_long(response: HTTPResponse) -> str | None:
    """Return what the endpoint says of a prompt that is too long, perhaps nothing; None if something else is amiss."""
    said = response.read(_LONGEST_LINE)
    if not any(each in said for each in _TOO_LONG):
        return None
    try:
        return words(Exception(msgspec.json.decode(said, type=_Refused).error.message))[:_SHOWN_WORDS]
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""


def _events(response: HTTPResponse) -> Iterator[bytes]:
    """Return the data of each server-sent event, which these endpoints write on one line."""
    while line := response.readline(_LONGEST_LINE + 1):
        if len(line) > _LONGEST_LINE:
            raise HTTPException("a line of the answer is too long")
        if line.startswith(b"data:"):
            yield line[5:].strip()
