"""What one language offers to a natural conversation: what is told of people, how it is asked for, and all the rest.

Texts have places to fill: ``{S}`` is the person ("Marela", "my sister", "I"), ``{P}`` whose ("Marela's", "my"),
``{he}``, ``{his}`` and ``{him}`` the pronouns, ``{V}`` the value, ``{D}`` the detail that tells facts of one topic
apart, ``{W}`` a time told relatively. ``[has|have]`` is the form for others and for oneself, and of ``<a|b|c>`` any one
is drawn, so that what is said again is seldom said word for word.
"""

from __future__ import annotations

import msgspec


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """Something a person has one of for each of its ``details``.

    ``value`` names what makes its values. ``about`` is what small talk calls it. ``tell``, ``update``, ``ask`` and
    ``recall`` are cores: told, told anew without saying that it is new, asked directly ("where did ..."), and asked
    within a sentence ("where ... was").
    """

    value: str
    details: tuple[str, ...]
    about: str
    tell: tuple[str, ...]
    update: tuple[str, ...]
    ask: tuple[str, ...]
    recall: tuple[str, ...]


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to a person once: the cores that tell it with its time, and those that ask when."""

    tell: tuple[str, ...]
    ask: tuple[str, ...]


class PronounPair(msgspec.Struct, frozen=True, kw_only=True):
    """Two turns of which the second is understood by the first.

    In a dialogue one person asks ``asked`` and the other answers ``short``; alone with an assistant the user says
    ``told``, the assistant asks ``followed``, and the user answers ``short``. ``detail`` and ``value`` name what makes
    them.
    """

    detail: str
    value: str
    asked: str
    told: str
    followed: str
    short: tuple[str, ...]
    ask: tuple[str, ...]


class Paraphrase(msgspec.Struct, frozen=True, kw_only=True):
    """Something the user tells of themselves, and questions that share no content word with it."""

    tell: str
    ask: tuple[str, ...]
    answer: str


class Talk(msgspec.Struct, frozen=True, kw_only=True):
    """One language.

    ``stories`` and ``rambles`` are turns about something else, with a place ``{F}`` for a fact: what users write to an
    assistant, and what friends tell each other; ``linking`` leads to the fact. ``telling`` and ``saying`` are frames of
    a fact for both: ``{F}`` begins a sentence in them and ``{f}`` does not, as ``{Q}`` and ``{q}`` do of a question,
    and ``{r}`` of one within a sentence. ``remarks`` mention a person and a topic and tell nothing; ``exchanged`` are
    two lines of a dialogue.
    """

    topics: dict[str, Topic]
    events: dict[str, Event]
    exchanges: dict[str, PronounPair]
    paraphrases: dict[str, Paraphrase]
    stories: tuple[str, ...]
    rambles: tuple[str, ...]
    telling: tuple[str, ...]
    saying: tuple[str, ...]
    short_asking: tuple[str, ...]
    long_asking: tuple[str, ...]
    recalling: tuple[str, ...]
    remarks: tuple[str, ...]
    exchanged: tuple[tuple[str, str], ...]
    linking: tuple[str, ...]
    todays: tuple[str, ...]
    whens: tuple[str, ...]
    relations: dict[str, bool]  # whether it is a woman
    replies: tuple[str, ...]
    answering: str  # of {V}: a reply to a question
    oneself: tuple[str, str, str, str, str]  # {S} {P} {he} {his} {him}
    women: tuple[str, str, str]  # {he} {his} {him}
    men: tuple[str, str, str]
    owner: str  # made of a name
    line: str  # of a speaker and what is said
