"""The agent that keeps everything in objects: the traditional turn, full histories, a snapshot a step."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import ClassVar

import msgspec

from systems.baseline.agent import Baseline
from systems.engines.interface import Engine, Message
from systems.interface import Reply, Request, TokenSink
from systems.objects.description import DESCRIPTION
from systems.objects.settings import ObjectsSettings
from systems.turn import commands
from systems.turn.history import Histories, keep_newest


class ConversationState(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation after a step: all that was said, and what was remembered for the last reply."""

    messages: tuple[Message, ...]
    memories: tuple[str, ...] = ()


class Objects(Baseline):
    """The traditional agent's turn for all sessions, on histories that are never cut.

    Checkpointing frameworks keep the whole state of a conversation after every step of its graph, in memory as bytes
    in their own serialisation: with one model call a turn these steps are the question and the reply. So does this.
    """

    summary = DESCRIPTION.summary
    Settings: ClassVar[type[msgspec.Struct]] = ObjectsSettings

    def __init__(self, settings: ObjectsSettings, engine: Engine, data_dir: Path) -> None:
        super().__init__(settings, engine, data_dir)
        self._histories = Histories(settings.history_length, settings.sessions, keep_newest, most_bytes=sys.maxsize)
        self._snapshots: dict[str, list[bytes]] = {}

    def answer(self, request: Request, on_token: TokenSink | None = None) -> Reply:
        """Answer one request, and keep a snapshot of its conversation after each of its two steps."""
        if request.commands and commands.is_command(request.text):
            if commands.empties_history(request.text):
                self._snapshots.pop(request.talk, None)
            return super().answer(request, on_token)
        if request.kept:
            said = self._histories.messages(request.talk) if request.before is None else request.before
            self._keep(request.talk, ConversationState(messages=(*said, Message("user", request.text))))
        reply = super().answer(request, on_token)
        if request.kept:
            said = self._histories.messages(request.talk)
            self._keep(request.talk, ConversationState(messages=tuple(said), memories=reply.memories))
        return reply

    def states(self, talk: str) -> list[ConversationState]:
        """Return the states of the conversation called ``talk`` after each of its steps, oldest first."""
        return [msgspec.msgpack.decode(snapshot, type=ConversationState) for snapshot in self._snapshots.get(talk, ())]

    def _keep(self, talk: str, state: ConversationState) -> None:
        self._snapshots.setdefault(talk, []).append(msgspec.msgpack.encode(state))
