"""How a turn's prompt is made, the same for every built-in system; `systems.turn.layouts` says how it is laid out.

What is stable comes first (the system prompt, then the history), and what changes each turn (memories, and what is said
of clock, machine and mood) goes into the last message, in all layouts but one: only an unchanged beginning can be
reused by an engine.

What was remembered may have been pasted from anywhere. A note is one line without brackets and markup of templates, so
that it can neither end the block it stands in nor begin another note; and nothing that was said looks like the
beginning of such a block.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence

from systems.engines.interface import Message
from systems.engines.markup import broken
from systems.interface import Observed, Request
from systems.settings import CacheKey, LayoutName
from systems.turn.history import AsSent
from systems.turn.layouts import LAYOUTS, Layout
from systems.turn.now import depends_on_now

# Bytes. To digest more at once lets go of the interpreter lock, and taking it back costs more than the digest.
_PIECE = 2_000

# Characters. A question that has its meaning from the one before it ("And in Tokyo?") is short.
_GOES_ON = 40

# Line breaks of every kind, and what no line of text holds.
_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_BRACKETS = str.maketrans("[]［］", "()()")


def build(
    layout: LayoutName,
    history: Sequence[Message],
    memories: Sequence[str],
    observed: Observed,
    text: str,
    instructions: str = "",
) -> list[Message]:
    """Return the messages of one turn. Notes are given whole: `systems.turn.notes` says how many fit.

    A client's ``instructions`` come right after the agent's own, before anything that changes from turn to turn. What
    of the history stays as it was sent has a frame of its own; nothing else there looks like one.
    """
    chosen = LAYOUTS[layout]
    said = []
    for message in history:
        if isinstance(message, AsSent):
            said.append(Message(message.role, message.content))
            continue
        content = chosen.unframed(message.content)
        said.append(message if content == message.content else Message(message.role, content))
    system, last = chosen.around(_notes(memories), observed, text)
    return [Message("system", _instructed(chosen, system, instructions)), *said, Message("user", last)]


def shorter(
    layout: LayoutName, memories: Sequence[str], observed: Observed, text: str, instructions: str = ""
) -> Iterator[tuple[Message, Message]]:
    """Yield the first and the last message of the same turn with ever fewer notes, the weakest leaving first."""
    chosen = LAYOUTS[layout]
    notes = _notes(memories)
    while notes:
        notes.pop()
        system, last = chosen.around(notes, observed, text)
        yield Message("system", _instructed(chosen, system, instructions)), Message("user", last)


def _instructed(layout: Layout, system: str, instructions: str) -> str:
    if not instructions:
        return system
    own = layout.system_prompt
    return f"{own}\n\n{layout.unframed(instructions)}{system.removeprefix(own)}"


def note(memory: str) -> str:
    """Return ``memory`` as a note: the very words, as one line that holds nothing of a prompt's frame.

    To make a note of a note changes nothing.
    """
    if _is_plain(memory):
        return memory
    line = _BREAKS.sub(" ", memory)
    return broken((line if line == memory else line.strip()).translate(_BRACKETS))


def _notes(memories: Sequence[str]) -> list[str]:
    return list(memories) if _is_plain("".join(memories)) else list(map(note, memories))


def _is_plain(text: str) -> bool:
    return text.isprintable() and not ("<" in text or "[" in text or "]" in text)


def cache_key(
    kind: CacheKey,
    request: Request,
    engine: str,
    history: Sequence[Message],
    memories: Sequence[str],
    observed: Observed,
) -> str:
    """Return the key under which the reply to ``request`` may be served again.

    Both cover how the client wants the reply (length, instructions, sampling, form) and what it says was said before.
    Kind "prompt" covers everything else that it depends on: session, engine, history, memories and question. The mood
    is the question's own. The clock and the machine it covers only where the question, or the one before it that a
    short one may go on from, asks about such things: else they would make every key new. Kind "question" is the
    published cache: conversation, engine and question, so an answer may be served after the conversation, or the hour,
    that gave it its meaning has moved on.
    """
    parts = [request.session, engine, str(request.max_tokens), request.instructions, _form(request)]
    told = request.before
    # Of the agent's own history the texts are enough, for its roles alternate; a client's need not.
    parts.append("" if told is None else " ".join([str(len(told)), *[message.role for message in told]]))
    if kind == "question":
        parts += [request.conversation or "", request.text.strip(), *[message.content for message in told or ()]]
    else:
        # The same words are laid out otherwise where somebody said them.
        sent = [str(place) for place, message in enumerate(history) if isinstance(message, AsSent)]
        parts += [request.text, " ".join(sent), str(len(history))]
        parts += [*[message.content for message in history], *memories]
        goes_on = len(request.text) <= _GOES_ON
        if depends_on_now(request.text) or (goes_on and depends_on_now(_asked_last(history))):
            parts += [observed.clock, observed.system]
    data = f"{[*map(len, parts)]}{''.join(parts)}".encode("utf-8", "surrogatepass")
    digest = hashlib.sha256()
    for start in range(0, len(data), _PIECE):
        digest.update(data[start : start + _PIECE])
    return digest.hexdigest()


def _form(request: Request) -> str:
    """Return how the next token is chosen, and what form the reply has; nothing where nobody says so."""
    asked = request.sampling, request.grammar, request.likeliest
    return "" if asked == (None, None, None) else repr(asked)


def _asked_last(history: Sequence[Message]) -> str:
    """Return what was asked before; nothing if nothing was."""
    last = next((message for message in reversed(history) if message.role == "user"), None)
    if last is None:
        return ""
    return last.question if isinstance(last, AsSent) else last.content
