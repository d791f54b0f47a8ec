"""What a model is made to say, planned before it is asked: scripts around an engine, found by what was asked.

A system under test neither sees a scripted reply nor passes it on. The engine around its engine recognises, in every
call, the planned turn that the call belongs to, and makes the engine within say that turn's next reply. So a turn of
several model calls, and an outside program that speaks OpenAI's format, do equal work unchanged.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import ClassVar, cast

import msgspec

from systems.engines.around import AroundEngine
from systems.engines.interface import AsyncEngine, Call, Engine, Generation, Message
from systems.errors import BadInput

PATH = "/v1/experiment/scripts"
"""Where a server that is made for experiments takes a `ScriptPlan`."""

# Characters by which planned questions are told apart where one is searched for in a prompt.
_END = 8

# What is said where nothing was planned. Every word is at least one token in any vocabulary, so a copy for each token
# fills any bound; and nobody needs more of it than this many tokens, for which most contexts have room.
_STAND_IN = "and so on, "
_LONGEST_STAND_IN = 512


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A planned turn: in which session what will be asked, and what each model call of the turn is made to say.

    ``replies`` are in the order of the calls; a turn of more calls begins again with the first.
    """

    session: str
    question: str
    replies: tuple[str, ...]

    def __post_init__(self) -> None:
        """Raises `BadInput` for a turn that nothing can be recognised by, or in which nothing is said."""
        if not self.question or not self.replies:
            raise BadInput("A script needs a question and at least one reply.")


class ScriptPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is sent to a server made for experiments, at `PATH`, before anything is asked."""

    scripts: tuple[Script, ...]


class EngineWork(msgspec.Struct, kw_only=True):
    """What an engine was made to do: the calls that were begun, and the tokens of those that ended well.

    It is counted around the engine, so it holds whatever the system that asked says of itself.
    """

    calls: int = 0
    prompt_tokens: int = 0
    generated_tokens: int = 0


class _Turn:
    """A planned turn, and how many of its calls were made since it was taken up."""

    __slots__ = ("calls", "replies", "session")

    def __init__(self, session: _Session, replies: tuple[str, ...]) -> None:
        self.session = session
        self.replies = replies
        self.calls = 0


def _by_end(questions: Iterable[str]) -> dict[str, list[str]]:
    """Return the questions by their last `_END` characters; shorter ones under the empty string."""
    found: dict[str, list[str]] = {"": []}
    for question in questions:
        found.setdefault(question[-_END:] if len(question) >= _END else "", []).append(question)
    return found


class _Turns:
    """Planned turns by their questions."""

    __slots__ = ("_by_end", "_by_question", "_of_several_lines")

    def __init__(self) -> None:
        self._by_question: dict[str, _Turn] = {}
        self._of_several_lines = False
        self._by_end: dict[str, list[str]] | None = None

    def add(self, question: str, turn: _Turn) -> None:
        self._by_question[question] = turn
        self._of_several_lines = self._of_several_lines or "\n" in question
        self._by_end = None

    def turns(self) -> Iterable[tuple[str, _Turn]]:
        """Return every question with its turn."""
        return self._by_question.items()

    def asked_in(self, messages: Sequence[Message]) -> _Turn | None:
        """Return the turn whose question stands last in the last user message that holds one, or None."""
        for message in reversed(messages):
            if message.role == "user" and (turn := self._last_in(message.content)) is not None:
                return turn
        return None

    def _last_in(self, text: str) -> _Turn | None:
        # Nearly every prompt ends with the question, alone or on a line of its own: that takes no search.
        known = self._by_question
        turn = known.get(text)
        if turn is None and not self._of_several_lines:
            turn = known.get(text[text.rfind("\n") + 1 :])
        if turn is not None:
            return turn
        by_end = self._by_end
        if by_end is None:  # most plans are never searched
            by_end = self._by_end = _by_end(known)
        # Of two questions that end at the same place, the longer one was asked: the other is only a part of it.
        short = [(place + len(each), each) for each in by_end[""] if (place := text.rfind(each)) >= 0]
        last, question = max(short, key=lambda found: (found[0], len(found[1])), default=(0, ""))
        for end in range(len(text), max(last, _END) - 1, -1):
            asked = [each for each in by_end.get(text[end - _END : end], ()) if text.endswith(each, 0, end)]
            if asked:
                question = max(asked, key=len)
                break
        return known.get(question)


class _Session(_Turns):
    """The planned turns of one session, and the one that is under way."""

    __slots__ = ("under_way",)

    def __init__(self) -> None:
        super().__init__()
        self.under_way: _Turn | None = None


class Scripts:
    """A plan: what is said to whom, by session and question. Any thread may add to it and ask it.

    ``unplanned`` counts the calls that no script foresaw while there was a plan. ``work`` is what the engine did that
    they are put around; None where they are put around none.
    """

    def __init__(self, scripts: Iterable[Script] = ()) -> None:
        self._lock = threading.Lock()
        self._sessions: dict[str, _Session] = {}
        self._everybody = _Turns()
        self._known_as: dict[str, _Session] = {}
        self.unplanned = 0
        self.work: EngineWork | None = None
        for script in scripts:
            self.add(script.session, script.question, script.replies)

    def __reduce__(self) -> tuple[object, ...]:
        """Return the plan as it is now: in another process nothing of it has been said yet."""
        return type(self), (self.planned(),)

    def add(self, session: str, question: str, replies: Sequence[str]) -> None:
        """Plan that the calls of the turn in which ``session`` asks ``question`` say ``replies``, in order.

        A question planned before is planned anew; a session that asks it twice hears the same both times. Raises
        `BadInput` without a question or a reply.
        """
        script = Script(session, question, tuple(replies))
        with self._lock:
            whose = self._sessions.setdefault(session, _Session())
            turn = _Turn(whose, script.replies)
            whose.add(question, turn)
            self._everybody.add(question, turn)

    def planned(self) -> list[Script]:
        """Return the whole plan."""
        with self._lock:
            return [
                Script(name, question, turn.replies)
                for name, session in self._sessions.items()
                for question, turn in session.turns()
            ]

    def clear(self) -> None:
        """Forget the plan: the engine generates freely. What was counted stays."""
        with self._lock:
            self._sessions.clear()
            self._known_as.clear()
            self._everybody = _Turns()

    def watch(self) -> None:
        """Count from now on what the engine does that these scripts are put around."""
        self.work = self.work or EngineWork()

    def begun(self) -> None:
        """Count a call that begins."""
        with self._lock:
            if self.work is not None:
                self.work.calls += 1

    def ended(self, generation: Generation) -> None:
        """Count the tokens of a call that ended well."""
        with self._lock:
            if self.work is not None:
                self.work.prompt_tokens += generation.prompt_tokens
                self.work.generated_tokens += generation.generated_tokens

    def reply(self, call: Call) -> str | None:
        """Return what ``call`` is to be answered with; None if nothing is planned at all."""
        return self.scripted(call).script

    def scripted(self, call: Call) -> Call:
        """Return ``call`` with the script it is to be answered with, of any form; as it is if nothing is planned.

        The turn is looked for among those of the call's conversation, or among all if it names none that is planned:
        by the question in the call's messages, else it is the one under way in the conversation. A call of no turn is
        answered with as many words as it may have tokens, and at most `_LONGEST_STAND_IN` of these.
        """
        with self._lock:
            if not self._sessions:
                return call
            turn = self._turn(call)
            if turn is None:
                self.unplanned += 1
                most = min(_LONGEST_STAND_IN if call.max_tokens is None else call.max_tokens, _LONGEST_STAND_IN)
                return msgspec.structs.replace(call, script=_stand_in(most), max_tokens=most, grammar=None)
            if turn.session.under_way is not turn:
                turn.session.under_way = turn
                turn.calls = 0
            step = turn.calls if call.step is None else call.step
            turn.calls += 1
            return msgspec.structs.replace(call, script=turn.replies[step % len(turn.replies)], grammar=None)

    def _turn(self, call: Call) -> _Turn | None:
        name = call.conversation
        session = None if name is None else self._sessions.get(name)
        turn = (session or self._everybody).asked_in(call.messages)
        if session is None and name is not None:
            # Whoever asks under a name of its own is known by the first question that is recognised.
            if turn is not None:
                self._known_as[name] = turn.session
            session = self._known_as.get(name)
        return session.under_way if turn is None and session is not None else turn


@lru_cache(16)
def _stand_in(tokens: int) -> str:
    return _STAND_IN * tokens


class ScriptedEngine(AroundEngine):
    """Another engine, which is made to say what ``scripts`` plan; a call that brings a script keeps it."""

    name: ClassVar[str] = "scripted"
    summary: ClassVar[str] = "another engine, which is made to say what was planned"
    Settings: ClassVar[type[msgspec.Struct]] = msgspec.Struct

    def __init__(self, inner: Engine, scripts: Scripts) -> None:
        super().__init__(inner)
        self._scripts = scripts
        scripts.watch()

    def __reduce__(self) -> tuple[object, ...]:
        """Return what it is made of; what it does in another process is not counted in this one."""
        return type(self), (self._inner, self._scripts)

    def generate(self, call: Call) -> Generation:
        """Generate what is planned; without a plan, freely."""
        generation = self._inner.generate(self._begun(call))
        self._scripts.ended(generation)
        return generation

    def _begun(self, call: Call) -> Call:
        self._scripts.begun()
        return call if call.script is not None else self._scripts.scripted(call)


class ScriptedAsyncEngine(ScriptedEngine, AsyncEngine):
    """As `ScriptedEngine`, around an engine whose replies can be awaited."""

    def __init__(self, inner: AsyncEngine, scripts: Scripts) -> None:
        super().__init__(inner, scripts)

    async def reply(self, call: Call) -> Generation:
        """Generate what is planned; without a plan, freely."""
        generation = await cast(AsyncEngine, self._inner).reply(self._begun(call))
        self._scripts.ended(generation)
        return generation


def scripted(engine: Engine, scripts: Scripts) -> Engine:
    """Return ``engine`` made to say what ``scripts`` plan: one that can be awaited if ``engine`` can."""
    return ScriptedAsyncEngine(engine, scripts) if isinstance(engine, AsyncEngine) else ScriptedEngine(engine, scripts)
