"""The land of one seed: its documents, and the questions whose answers stand in them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Literal, get_args

import msgspec

from experiments.workloads.research.kinds import Property, Subjects
from experiments.workloads.research.people import PEOPLE, RULES, SOCIETIES
from experiments.workloads.research.places import LINES, TOWNS
from experiments.workloads.research.things import FEASTS, MACHINES

SEED = 24
"""The seed of the documents that the agent ships with."""

KINDS = (TOWNS, MACHINES, PEOPLE, RULES, LINES, FEASTS, SOCIETIES)

Split = Literal["settling", "held-out"]
Asking = Literal["plain", "reworded", "changed"]
"""How a question is asked: nearly in the document's words, in others, or of a value that was another one before."""

# Questions of each way of asking in each split: the held-out ones are those that results are told of.
_QUESTIONS: Mapping[Asking, int] = {"plain": 20, "reworded": 20, "changed": 8}

_SEASONS = ("spring", "summer", "autumn", "winter")
_REMARKS, _PARAGRAPHS = 20, 5


class CorpusDocument(msgspec.Struct, frozen=True):
    """A document: the name of its file, and its text in Markdown."""

    file: str
    text: str


class ResearchQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """A question, the ``answer`` and the file of the one document that states it.

    ``others`` are the values that the same attribute has elsewhere, or had before: an answer that says one is wrong.
    """

    text: str
    answer: str
    file: str
    asking: Asking
    others: tuple[str, ...]


class _Stated(msgspec.Struct, frozen=True):
    """What one document states of an attribute: its value now, and the one before, empty where none is told."""

    attribute: Property
    value: str
    old: str = ""


class World:
    """Everything that is so in the land of ``seed``."""

    def __init__(self, seed: int = SEED) -> None:
        self._seed = seed
        self._names = {subjects.kind: subjects.names for subjects in KINDS}
        self._stated: dict[tuple[str, str], list[_Stated]] = {}
        for subjects in KINDS:
            rng = random.Random(f"values {seed} {subjects.kind}")
            for attribute in subjects.attributes:
                self._draw(rng, subjects, attribute)

    def _draw(self, rng: random.Random, subjects: Subjects, attribute: Property) -> None:
        """Give every subject a value of ``attribute``; numbers are never given twice, nor as what was before."""
        wanted = len(subjects.names) * (2 if attribute.former else 1)
        values = list(self._values(attribute))
        if attribute.numbers[1]:
            drawn = rng.sample(values, wanted)
        else:
            drawn = [each for _ in range(wanted // len(values) + 1) for each in rng.sample(values, len(values))]
        for place, name in enumerate(subjects.names):
            old = drawn[len(subjects.names) + place] if attribute.former else ""
            old = old if old != drawn[place] else ""
            self._stated.setdefault((subjects.kind, name), []).append(_Stated(attribute, drawn[place], old))

    def _values(self, attribute: Property) -> Iterator[str]:
        if attribute.named:
            yield from self._names[attribute.named]
        elif attribute.words:
            yield from attribute.words
        else:
            yield from map(str, range(*attribute.numbers))

    def documents(self) -> list[CorpusDocument]:
        """Return every document, in order of their files."""
        found = [self._document(subjects, name) for subjects in KINDS for name in subjects.names]
        return sorted(found, key=lambda document: document.file)

    def _document(self, subjects: Subjects, name: str) -> CorpusDocument:
        rng = random.Random(f"document {self._seed} {subjects.kind} {name}")
        sentences = [self._filled(rng, subjects, name, each) for each in rng.sample(subjects.remarks, _REMARKS)]
        for stated in self._stated[subjects.kind, name]:
            told = stated.attribute.says.format(name=name, value=stated.value)
            if stated.old:  # what was before is told before, in the same breath
                told = f"{stated.attribute.former.format(name=name, old=stated.old)} Today it is otherwise. {told}"
            sentences.insert(rng.randrange(len(sentences) + 1), told)
        for sentence in rng.sample(self._elsewhere(rng, subjects, name), 2):
            sentences.insert(rng.randrange(len(sentences) + 1), sentence)
        cuts = sorted(rng.sample(range(2, len(sentences) - 1), _PARAGRAPHS - 1))
        bounds = zip([0, *cuts], [*cuts, len(sentences)], strict=True)
        opening = self._filled(rng, subjects, name, subjects.opening)
        paragraphs = [opening, *(" ".join(sentences[begin:end]) for begin, end in bounds)]
        title = subjects.title.format(name=name)
        return CorpusDocument(file_of(subjects, name), "\n\n".join([f"# {title}", *paragraphs]) + "\n")

    def _elsewhere(self, rng: random.Random, subjects: Subjects, name: str) -> list[str]:
        """Return what is stated of another one of the kind: true, and not what is asked for here."""
        other = rng.choice([each for each in subjects.names if each != name])
        return [each.attribute.says.format(name=other, value=each.value) for each in self._stated[subjects.kind, other]]

    def _filled(self, rng: random.Random, subjects: Subjects, name: str, sentence: str) -> str:
        return sentence.format(
            name=name,
            other=rng.choice([each for each in subjects.names if each != name]),
            town=rng.choice([each for each in self._names["town"] if each != name]),
            person=rng.choice([each for each in self._names["person"] if each != name]),
            machine=rng.choice([each for each in self._names["machine"] if each != name]),
            season=rng.choice(_SEASONS),
        )

    def questions(self, split: Split) -> list[ResearchQuestion]:
        """Return the questions of ``split``; no two of both splits ask for one value."""
        rng = random.Random(f"questions {self._seed}")
        facts = [
            (subjects, name, stated)
            for subjects in KINDS
            for name in subjects.names
            for stated in self._stated[subjects.kind, name]
        ]
        rng.shuffle(facts)
        changed = [fact for fact in facts if fact[2].old]
        steady = [fact for fact in facts if not fact[2].old]
        found: list[ResearchQuestion] = []
        for asking in get_args(Asking):
            pool = changed if asking == "changed" else steady
            taken, pool[: 2 * _QUESTIONS[asking]] = pool[: 2 * _QUESTIONS[asking]], []
            half = taken[::2] if split == "settling" else taken[1::2]
            found += [self._question(subjects, name, stated, asking) for subjects, name, stated in half]
        return found

    def _question(self, subjects: Subjects, name: str, stated: _Stated, asking: Asking) -> ResearchQuestion:
        attribute = stated.attribute
        asked = attribute.reworded if asking == "reworded" else attribute.plain
        others = {
            value
            for each in subjects.names
            for one in self._stated[subjects.kind, each]
            if one.attribute.name == attribute.name
            for value in (one.value, one.old)
        } - {stated.value, ""}
        return ResearchQuestion(
            text=asked.format(name=name),
            answer=stated.value,
            file=file_of(subjects, name),
            asking=asking,
            others=tuple(sorted(others)),
        )


def file_of(subjects: Subjects, name: str) -> str:
    """Return the name of the file of the document about ``name``."""
    return f"{subjects.kind}-{name.lower().replace(' ', '-')}.md"
