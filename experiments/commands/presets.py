"""How long each preset takes and what it is for, in the words that the help, the README and docs/command.md use."""

from __future__ import annotations

import msgspec

from experiments.measuring.study import BLOCKS, Preset


class About(msgspec.Struct, frozen=True, kw_only=True):
    """A preset in words. ``lasts`` is how long it takes on two cores, model files made beforehand."""

    lasts: str
    purpose: str


ABOUT: dict[Preset, About] = {
    "smoke": About(lasts="three to ten minutes", purpose="seeing that everything works"),
    "quick": About(lasts="ten to twenty minutes", purpose="seeing which way things point"),
    "standard": About(lasts="three to five hours", purpose="answers, with intervals and noise floors"),
    "wide": About(lasts="seven to ten hours", purpose="more conditions, and a taste of what takes very long"),
    "paper": About(lasts="many hours", purpose="every condition, with the published lengths"),
}


def described() -> str:
    """Return every preset in one sentence."""
    return "; ".join(f"{name}: {ABOUT[name].lasts}, for {ABOUT[name].purpose}" for name in BLOCKS)
