"""A conversation as a turn sees it: restored from durable memory, kept there, and summed up behind its back."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from systems.engines.interface import Message
from systems.errors import BadInput
from systems.research.keeping.memory import ResearchMemory
from systems.research.keeping.tables import KeptArticle
from systems.research.settings import Summarising
from systems.research.summarising import RollingSummary
from systems.research.synthesis import FoundPassage, SaidBefore


class RememberedTalks:
    """Conversations by name, of which ``most`` are held in memory; what is kept of the others is in the file.

    Without a summary a prompt has the ``recent`` messages alone.
    """

    def __init__(
        self, memory: ResearchMemory, summary: RollingSummary, *, summarising: Summarising, recent: int, most: int
    ) -> None:
        self._memory = memory
        self._summary = summary
        self._summarising = summarising
        self._recent = recent
        self._most = most
        self._held: OrderedDict[str, None] = OrderedDict()

    async def make_way(self, name: str) -> None:
        """Have the model free for a turn of the conversation ``name``, whose user is back."""
        await self._summary.make_way(name)

    async def recall(self, name: str) -> SaidBefore:
        """Return what was said before. Raises `StoreError`."""
        if name not in self._held:
            await self._summary.forget(name)  # what is held of a turn that was not saved is not what is in the file
            restored = await self._memory.restore(name)
            self._summary.take_up(name, restored.summary, restored.window, restored.summarised_up_to)
        self._held[name] = None
        self._held.move_to_end(name)
        while len(self._held) > self._most:
            oldest, _ = self._held.popitem(last=False)
            await self._summary.forget(oldest)
        summary, messages = self._summary.context(name)
        return (
            SaidBefore("", messages[-self._recent :]) if self._summarising == "none" else SaidBefore(summary, messages)
        )

    async def keep(self, name: str, said: Sequence[Message], passages: Sequence[FoundPassage]) -> None:
        """Keep what was ``said`` last, and the ``passages`` it rests on. Raises `StoreError`, `NotSaved`.

        Of a call that is cancelled nobody knows whether it kept that: the next turn reads the conversation anew.
        """
        held = name in self._held
        self._held.pop(name, None)
        best: dict[str, FoundPassage] = {}
        for passage in passages:
            best.setdefault(passage.source, passage)  # they come best first, and a session has one of each source
        articles = [
            KeptArticle(source=each.source, title=each.title, text=each.text, relevance=each.relevance)
            for each in best.values()
        ]
        count = await self._memory.add(name, said, articles)
        if not held:
            return
        try:
            self._summary.add(name, said, count)
        except BadInput:
            return  # another process has said something in it: the next turn reads it anew
        self._held[name] = None

    async def replied(self, name: str) -> None:
        """Sum up what is due, now that a reply is out; in the turn itself where that is set."""
        if self._summarising == "none":
            return
        self._summary.begin(name)
        if self._summarising == "in-turn":
            await self._summary.settled()

    async def settled(self) -> None:
        """Return when nothing is summed up any more."""
        await self._summary.settled()

    async def forget(self, name: str) -> int:
        """Forget the conversation ``name``; return how many messages it had. Raises `StoreError`, `StillReadable`."""
        self._held.pop(name, None)
        await self._summary.forget(name)
        return await self._memory.forget(name)

    async def close(self) -> None:
        """Stop summing up, and close the file."""
        await self._summary.close()
        await self._memory.close()
