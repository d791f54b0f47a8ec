"""What a reply depends on beside the question, as one string: two questions of different scopes never meet.

The scope holds the session, for a reply may rest on what this person said and on nothing else's; the model and all
that shapes what it says (instructions, sampling, the most tokens); and how often the conversation was *told* something.
Whoever says a fact, changes a plan or asks for another manner gets no reply made before: every such turn begins a new
scope. A turn that only asks begins none, or nothing would ever be served: a history grows with every turn, and a key of
the whole history is met by no second question. That this is no danger is due to `standing`: a question that leans on
the turns before is never served.
"""

from __future__ import annotations

import itertools
import re
import threading
from collections import OrderedDict

from systems.memory.asking import only_asks
from systems.tiered.semantic.standing import stands_alone

_SESSIONS = 10_000  # whose place in the count is remembered; one that left begins anew, and misses
# "Translate the word ..." wants something and tells nothing, like a question.
_REQUESTS = re.compile(
    r"(?:please )?(?:tell|name|explain|describe|define|list|give|show|find|compare|convert|calculate|"
    r"compute|translate|solve)\b"
    r"|(?:请|请你)?(?:告诉|解释|说明|介绍|列出|比较|换算|计算|翻译|把.{1,12}(?:换算|翻译))",
    re.IGNORECASE,
)
_INSTRUCTS = re.compile(
    r"\b(?:from now on|always|never|in future|henceforth|every time|call me|address me|speak|pretend|act (?:as|like)"
    r"|role|(?:answer|reply|respond|write|talk) (?:only |always )?(?:in|as|like|with)|stop \w+ing|instead of)\b"
    r"|从现在起|以后|今后|一律|总是|永远|称呼我|叫我|扮演|假装|用.{1,6}(?:回答|回复|说)",
    re.IGNORECASE,
)


class Scopes:
    """Makes the scopes of sessions, and begins a new one when something is told. Any thread may call."""

    def __init__(self, sessions: int = _SESSIONS) -> None:
        self._most = sessions
        self._next = itertools.count()
        self._told: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()

    def scope(self, session: str, *depends: str) -> str:
        """Return the scope of ``session`` as it is now, and of all else that the reply ``depends`` on."""
        with self._lock:
            told = self._told.get(session)
            if told is None:
                told = self._begin(session)
            else:
                self._told.move_to_end(session)
        # Lengths keep ("ab", "c") from being ("a", "bc").
        return f"{told}:" + "".join(f"{len(part)}:{part}" for part in (session, *depends))

    def said(self, session: str, text: str) -> None:
        """Note a turn of the person's: begin a new scope if it does more than ask."""
        asks = only_asks(text) or (_REQUESTS.match(text) and stands_alone(text))
        if not asks or _INSTRUCTS.search(text):
            self.forget(session)

    def forget(self, session: str) -> None:
        """Begin a new scope: what was stored for ``session`` is never served again."""
        with self._lock:
            self._begin(session)

    def _begin(self, session: str) -> int:
        # Numbers are never used twice: a session that was forgotten here cannot come back to its old scope.
        told = self._told[session] = next(self._next)
        self._told.move_to_end(session)
        if len(self._told) > self._most:
            self._told.popitem(last=False)
        return told
