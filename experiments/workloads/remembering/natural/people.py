"""The people of a natural conversation, and of whom what is told next."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

from experiments.workloads.remembering.language import WORDS
from experiments.workloads.remembering.natural.voice import TALK, Person
from experiments.workloads.remembering.values import NAMES, Language, Split, drawn, family

_FAMILY = 3
_TRIES = 60


class Matter(NamedTuple):
    """A person, a topic by name, and one of its details."""

    person: Person
    name: str
    detail: str


class Cast:
    """The people of one language: the user, the user's friends, and families of similar names without end."""

    def __init__(self, rng: random.Random, language: Language, split: Split, friends: int) -> None:
        self._rng, self._language, self._split = rng, language, split
        self._seen: set[str] = set()
        self.user, *self.friends = [self._somebody(drawn(rng, NAMES[language], split)) for _ in range(friends + 1)]
        relations = TALK[language].relations.items()
        self._related = [Person(name, language, woman, related=True) for name, woman in relations]
        self.families = [self._family()]
        self._used: set[tuple[str, str, str]] = set()
        self.topical = self._topical()
        self.attributes = self._attributes()

    def known(self) -> list[Person]:
        """Return the people of the newest families, whom small talk mentions."""
        return [person for family in self.families[-4:] for person in family]

    def stranger_to(self, item: str) -> Person:
        """Return somebody of whom ``item`` has not been told yet, and note that it now is."""
        for _ in range(_TRIES):
            person = self._rng.choice(self.known())
            if (person.name, item, "") not in self._used:
                break
        else:
            self.families.append(self._family())
            person = self.families[-1][0]
        self._used.add((person.name, item, ""))
        return person

    def _topical(self) -> Iterator[Matter]:
        """Yield people with topics and details, each once. A family shares topics, so that its people are mixed up."""
        rng, topics = self._rng, TALK[self._language].topics
        while True:
            people = rng.choice((self._acquainted, self._relatives, self._opened, self._opened))()
            slots = [
                Matter(person, name, detail)
                for name in rng.sample(list(topics), 3)
                for detail in rng.sample(topics[name].details, 2)
                for person in people
            ]
            rng.shuffle(slots)
            for slot in slots:
                key = (slot.person.name, slot.name, slot.detail)
                if key not in self._used:
                    self._used.add(key)
                    yield slot

    def _attributes(self) -> Iterator[tuple[Person, str]]:
        """Yield people and attributes for plain facts. Nothing else is told of these people."""
        while True:
            people = self._family()
            slots = [
                (one, name) for name in self._rng.sample(list(WORDS[self._language].attributes), 3) for one in people
            ]
            self._rng.shuffle(slots)
            yield from slots

    def _acquainted(self) -> list[Person]:
        return [self.user, *self.friends]

    def _relatives(self) -> list[Person]:
        return self._rng.sample(self._related, 3)

    def _opened(self) -> list[Person]:
        self.families.append(self._family())
        return self.families[-1]

    def _family(self) -> list[Person]:
        while True:
            names = family(self._rng, self._language, self._split, _FAMILY)
            if not self._seen.intersection(names):
                return [self._somebody(name) for name in names]

    def _somebody(self, name: str) -> Person:
        self._seen.add(name)
        return Person(name, self._language, self._rng.random() < 0.5)
