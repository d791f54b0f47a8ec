"""What the page's tests have in common: an engine that says what it is told, a server, and what a person does."""

import threading

from systems.engines.interface import Generation
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.errors import EngineError
from tests.systems.server.serving import agent, listening_to

HOLD = "\N{DOUBLE VERTICAL BAR}"
"""Where a `Speaker` waits until it may `go_on`."""


MARKDOWN = """# A plan

Do **this**, *then* `that`, as [they say](https://example.org/a).

1. First
   - within

| a | b |
|---|--:|
| 1 | 2 |

```python
print("a line that is so long that it does not fit on a phone, not even on one that is held sideways")
```
"""


class Speaker(SimulatedEngine):
    """Says what belongs to the question, piece by piece, and waits where a `HOLD` is; None fails.

    A reply to what is in ``cut`` is as long as it may be.
    """

    def __init__(self, replies=None, otherwise="Very well.", cut=()):
        super().__init__(SimulatedSettings(slots=8))
        self.replies = replies or {}
        self.otherwise = otherwise
        self.cut = cut
        self.began, self.ended = threading.Event(), threading.Event()
        self.asked = []
        self._go_on = threading.Event()

    def go_on(self):
        self._go_on.set()

    def generate(self, call):
        asked = call.messages[-1].content
        self.asked.append(asked)
        self.began.set()
        # The question is the last thing in a prompt: what is remembered stands before it.
        known = max((words for words in self.replies if words in asked), key=asked.rfind, default=None)
        reply = self.otherwise if known is None else self.replies[known]
        if reply is None:
            raise EngineError("The engine is out of breath.")
        try:
            for number, part in enumerate(reply.split(HOLD)):
                if number:
                    while not self._go_on.wait(0.01):
                        call.check()
                    self._go_on.clear()
                for start in range(0, len(part), 8):
                    call.check()
                    call.on_token(part[start : start + 8])
        finally:
            self.ended.set()
        cut = known in self.cut
        return Generation(
            text=reply.replace(HOLD, ""),
            prompt_tokens=10,
            generated_tokens=10,
            first_token_s=0.01,
            finish_reason="length" if cut else "stop",
            dropped_messages=2 if cut else 0,
        )


def serving(folder, engine, **settings):
    """Return a server whose agent speaks as ``engine`` does, and keeps its memory in ``folder``."""
    hosted = agent(folder, engine, background_saving=False)
    return listening_to(hosted, **settings)


async def ready(page):
    """Return the page once it is connected."""
    await page.until("$('state').textContent === 'connected'")
    return page


async def say(page, words):
    """Ask, and return when it was answered, one way or another, and what is kept of it is known."""
    await page.run("$('text').focus()")
    await page.type(words)
    await page.run("$('ask').requestSubmit()")
    await answered(page)


async def answered(page):
    """Return when nothing is being answered, and what is kept is known."""
    await page.until("$('talk').getAttribute('aria-busy') === 'false'")


async def turns(page):
    """Return the texts of the turns that are shown."""
    return await page.run("[...document.querySelectorAll('.turn')].map((each) => each.innerText)")


async def titles(page):
    """Return the titles of the conversations that are listed."""
    return await page.run("[...document.querySelectorAll('nav .open')].map((each) => each.firstChild.data)")


def click(selector, words=""):
    """Return a script that clicks the first thing that is seen and has these words."""
    return (
        f"[...document.querySelectorAll({selector!r})].find((each) => each.checkVisibility() && "
        f"each.innerText.includes({words!r})).click()"
    )
