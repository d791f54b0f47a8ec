"""Agents that do less or more with the model than they were asked for, each in a way of its own."""

import msgspec

from systems.engines.interface import Call, Message
from systems.interface import Reply, Source
from tests.experiments.echo_system import Echo


class Silent(Echo):
    """Never asks the model, and says that it did."""

    summary = "Answers without the model."

    def start(self):
        """Loads nothing."""

    def answer(self, request, on_token=None):
        self._counters.turns += 1
        self._counters.generations += 1
        return Reply(request_id=request.id, text="Fine.", source=Source.MODEL, prompt_tokens=190, generated_tokens=24)


class Hoarding(Silent):
    """Says the same to everybody, from a cache."""

    summary = "Answers everything from a cache."

    def answer(self, request, on_token=None):
        return super().answer(request).served_again(request.id, first_token_s=0.0)


class Brief(Echo):
    """Asks the model for a single token."""

    summary = "Asks for one token."

    def answer(self, request, on_token=None):
        return super().answer(msgspec.structs.replace(request, max_tokens=1), on_token)


class Thorough(Echo):
    """Asks the model twice, and answers with the second reply."""

    summary = "Asks twice."

    def answer(self, request, on_token=None):
        super().answer(request)
        return super().answer(request, on_token)


class Modest(Echo):
    """Does as it was asked, and says nothing of tokens."""

    summary = "Says nothing of its work."

    def answer(self, request, on_token=None):
        text = super().answer(request, on_token).text
        return Reply(request_id=request.id, text=text, source=Source.MODEL)


class OwnLayout(Echo):
    """Remembers all it was told, and puts it before the model in a layout of its own."""

    summary = "A prompt of its own."

    def __init__(self, settings, engine, data_dir):
        super().__init__(settings, engine, data_dir)
        self._told = []

    def answer(self, request, on_token=None):
        messages = [Message("user", "\n".join([*self._told[-10:], "Question:", request.text]))]
        made = self._engine.generate(Call(messages=messages, max_tokens=request.max_tokens))
        self._told.append(request.text)
        return Reply.of(request, made, called_s=0.0)
