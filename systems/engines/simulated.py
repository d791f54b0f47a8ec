"""An engine in which no model runs: it waits as long as it is told to, for tests and for the published protocol.

A token is one run of Latin letters and digits, or one other character (a Chinese one, a comma), each with the white
space before it. Every token has an instant fixed when its call begins, so that lateness in one is not passed on to the
next; delays of zero do not sleep at all.
"""

from __future__ import annotations

import hashlib
import random
import re
import string
import threading
from collections.abc import Sequence
from functools import lru_cache
from time import perf_counter, sleep
from typing import Annotated, ClassVar

import msgspec

from systems.engines.interface import Call, Engine, Generation, Message
from systems.errors import EngineError

Seconds = Annotated[float, msgspec.Meta(ge=0)]

_LETTERS = string.ascii_letters + string.digits + "_"
_TOKEN = re.compile(r"\s*(?:\w+|[^\w\s])|\s+\Z", re.ASCII)
# What a byte is: white space, a letter of a word, or a token by itself.
_KINDS = bytes(
    ord(" " if chr(byte) in string.whitespace else "a" if chr(byte) in _LETTERS else "!") for byte in range(256)
)
# Tokens of an invented reply, which no word ends and no context bounds: where no bound is named, and at most.
_INVENTED, _LONGEST_INVENTED = 256, 4096
_WORDS = (
    *("time", "people", "way", "day", "thing", "world", "life", "hand", "part", "place", "week", "case", "point"),
    *("今天", "明天", "天气", "时间", "问题", "计划", "学习", "工作", "朋友", "城市", "音乐", "电影"),
)


class SimulatedSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the delays are. All are in seconds and zero by default.

    ``jitter`` is the sigma of a lognormal factor of mean 1, drawn anew for the prompt and for each token from the
    seed and the messages: a call's delays do not depend on the calls before it. ``slots`` calls run at once; the
    others wait their turn.
    """

    load_s: Seconds = 0.0
    prefill_s_per_token: Seconds = 0.0
    first_token_s: Seconds = 0.0
    token_s: Seconds = 0.0
    jitter: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    slots: Annotated[int, msgspec.Meta(ge=1)] = 1
    seed: int = 0


def tokens(text: str) -> list[str]:
    """Split ``text`` by the rule above; the pieces join to the text again."""
    return _TOKEN.findall(text)


def beginning(text: str, most: int) -> str:
    """Return the first ``most`` `tokens` of ``text``, or all of them."""
    found = _beginning(most).match(text)
    return found[0] if found else ""


@lru_cache(64)
def _beginning(most: int) -> re.Pattern[str]:
    return re.compile(f"(?:{_TOKEN.pattern}){{0,{most}}}", re.ASCII)


@lru_cache(1024)  # a conversation's messages come again with every turn
def count(text: str) -> int:
    """Return how many `tokens` the text has, without making them: a prompt is long, and its words are not needed."""
    kinds = b" " + text.encode("ascii", "replace").translate(_KINDS)
    return kinds.count(b" a") + kinds.count(b"!a") + kinds.count(b"!") + (kinds[-1:] == b" " and len(kinds) > 1)


def prompt_digest(messages: Sequence[Message]) -> bytes:
    """Return a digest that equal messages share and different ones do not."""
    return hashlib.sha256(msgspec.json.encode(list(messages))).digest()


def schedule(settings: SimulatedSettings, prompt_tokens: int, count: int, digest: bytes) -> list[float]:
    """Return when each of ``count`` tokens appears, in seconds after the call got its slot."""
    sigma = settings.jitter
    source = random.Random(f"{settings.seed}/{digest.hex()}") if sigma else None

    def factor() -> float:
        return source.lognormvariate(-sigma * sigma / 2, sigma) if source else 1.0

    at = (settings.prefill_s_per_token * prompt_tokens + settings.first_token_s) * factor()
    if not settings.token_s:
        return [at] * count
    instants = [at]
    for _ in range(count - 1):
        at += settings.token_s * factor()
        instants.append(at)
    return instants[:count]


def invented_reply(messages: Sequence[Message], count: int) -> list[str]:
    """Return ``count`` tokens that depend on the messages and on nothing else."""
    digest = prompt_digest(messages)
    source = random.Random(digest)
    # The first one names the prompt, so that different prompts get different replies however short these are.
    reply = [digest.hex()[:12]]
    while len(reply) < count:
        reply += tokens(f" {source.choice(_WORDS)}")
    return reply[:count]


class SimulatedEngine(Engine):
    """Sleeps by a stated rule and answers with the scripted reply, or with words drawn from the prompt's digest."""

    name: ClassVar[str] = "simulated"
    summary: ClassVar[str] = "no model runs: scripted or invented words appear after stated delays"
    runs_a_model: ClassVar[bool] = False
    Settings: ClassVar[type[msgspec.Struct]] = SimulatedSettings

    def __init__(self, settings: SimulatedSettings) -> None:
        self._settings = settings
        self._slots = threading.BoundedSemaphore(settings.slots)
        self._load_lock = threading.Lock()
        self._loaded = False

    def __reduce__(self) -> tuple[object, ...]:
        """Return what it is made of: another process makes it anew, not loaded."""
        return type(self), (self._settings,)

    @property
    def parallelism(self) -> int:
        """The number of slots."""
        return self._settings.slots

    @property
    def identity(self) -> str:
        """The same for every setting: none of them changes what is said."""
        return "simulated"

    def count(self, text: str) -> int:
        """Return how many `tokens` the text has."""
        return count(text)

    def load(self) -> None:
        """Wait for ``load_s``; a second call does nothing."""
        with self._load_lock:
            if not self._loaded:
                _wait_until(perf_counter() + self._settings.load_s)
                self._loaded = True

    def generate(self, call: Call) -> Generation:
        """Emit the tokens of the reply, each at its instant. Raises `EngineError`."""
        asked = perf_counter()
        self.check_heeds(None, call.grammar, call.likeliest)
        messages, script, check, on_token = call.messages, call.script, call.check, call.on_token
        prompt_tokens = sum([count(message.content) for message in messages])
        most = call.max_tokens
        if script is None:
            text = "".join(invented_reply(messages, min(most or _INVENTED, _LONGEST_INVENTED)))
        else:
            text = script if most is None or count(script) <= most else beginning(script, most)
        complete = most is None if script is None else text == script
        pieces = [""] * count(text) if on_token is None else tokens(text)  # nobody hears them, or somebody does
        digest = prompt_digest(messages) if self._settings.jitter else b""
        instants = schedule(self._settings, prompt_tokens, max(1, len(pieces)), digest)
        with self._slots:
            if not self._loaded:
                raise EngineError("The simulated engine is not loaded.")
            if check is not None:
                check()  # the wait for a slot may have outlasted the caller
            began = perf_counter()
            _wait_until(began + instants[0])
            first_token_s = perf_counter() - asked
            for piece, at in zip(pieces, instants, strict=False):
                if at:
                    if check is not None:
                        check()
                    _wait_until(began + at)
                if on_token is not None:
                    on_token(piece)
        return Generation(
            text=text,
            prompt_tokens=prompt_tokens,
            generated_tokens=len(pieces),
            first_token_s=first_token_s,
            finish_reason="stop" if complete else "length",
        )

    def close(self) -> None:
        """Forget that it was loaded."""
        self._loaded = False


def _wait_until(instant: float) -> None:
    left = instant - perf_counter()
    if left > 0:
        sleep(left)
