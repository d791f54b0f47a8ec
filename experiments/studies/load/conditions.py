"""The kinds of conditions of the load study, each made for the systems and the engine that were asked for."""

from __future__ import annotations

from experiments.measuring.records import Scalar
from experiments.measuring.study import Cell, GridRequest, twins
from experiments.studies.ladder import ladder
from experiments.studies.load import engines, works
from experiments.studies.load.users import ZIPF
from experiments.studies.load.works import Subject, WorkKind, cells, closed
from systems import registry


class Conditions:
    """Makes the cells of each kind of condition, for the systems and the engine that were asked for."""

    def __init__(self, request: GridRequest) -> None:
        self._subjects = [Subject(name=name, system=name) for name in request.systems]
        self._systems = [registry.systems.get(name) for name in request.systems]
        self.inference = works.inference(request.engine)
        self.serial = works.serial_simulation()

    def closed(self, work: WorkKind, users: int, *, turns: int, blocks: int | None = None) -> list[Cell]:
        """Return users who ask the next question when the last one is answered."""
        return cells(work, closed(users, turns), self._subjects, blocks=blocks)

    def segmenters(self, work: WorkKind, users: int, *, turns: int) -> list[Cell]:
        """Return, for the condition of `closed`, the systems on another segmenter than they come with.

        An agent that brings a faster one takes less memory for that alone; beside these shows what the rest of it does.
        """
        subjects = [
            Subject(name=f"{system.name}-{name}", system=system.name, variant=name, settings=dict(settings))
            for system in self._systems
            for name, settings in system.varied("segmenter").items()
        ]
        return cells(work, closed(users, turns), subjects)

    def on_batched(self, users: int, *, turns: int) -> list[Cell]:
        """Return, for the condition of `closed` with inference, the systems on the batched engine.

        Beside the systems on the serial one these show what the agent brings, what the engine, and what both.
        """
        subjects = engines.on_batched(self._systems, self.inference.engine)
        return cells(self.inference, closed(users, turns), subjects)

    def engines(self, users: int, *, turns: int, pool: int = 4, blocks: int | None = None) -> list[Cell]:
        """Return the engine's ladder, where the run's engine is the serial one.

        Questions repeat, for the last step's sake: a response cache, which all the others go without.
        """
        subjects = engines.steps(self._systems, self.inference.engine)
        condition = closed(users, turns, questions="repeated", pool=pool, engines="ladder")
        return cells(self.inference, condition, subjects, part="engines", labels=(_repeating(pool),), blocks=blocks)

    def in_loop(self, work: WorkKind, users: int, *, turns: int) -> list[Cell]:
        """Return the closed loop for blocking systems that answer in the server's event loop."""
        return cells(work, closed(users, turns), self._blocking_in_loop())

    def thinking(
        self, work: WorkKind, users: int, *, turns: int, think_s: float, blocks: int | None = None
    ) -> list[Cell]:
        """Return users who pause for ``think_s`` on average before each question."""
        condition: dict[str, Scalar] = {"users": users, "turns": turns, "arrivals": "thinking", "think_s": think_s}
        return cells(work, condition, self._subjects, blocks=blocks, spread_s=turns * think_s)

    def poisson(
        self, work: WorkKind, rate: float, *, requests: int, sessions: int, blocks: int | None = None
    ) -> list[Cell]:
        """Return independent arrivals."""
        condition: dict[str, Scalar] = {"users": sessions, "requests": requests, "arrivals": "poisson", "rate": rate}
        return cells(work, condition, self._subjects, blocks=blocks, spread_s=requests / rate)

    def bursts(
        self, work: WorkKind, rate: float, *, requests: int, sessions: int, size: int = 10, blocks: int | None = None
    ) -> list[Cell]:
        """Return arrivals of ``size`` at once."""
        condition: dict[str, Scalar] = {
            "users": sessions,
            "requests": requests,
            "arrivals": "bursts",
            "rate": rate,
            "burst": size,
        }
        return cells(work, condition, self._subjects, blocks=blocks, spread_s=requests / rate)

    def search(
        self, work: WorkKind, start: float, *, window_s: float, sessions: int, blocks: int | None = None
    ) -> list[Cell]:
        """Return the search for the highest rate of independent arrivals that meets the objective."""
        condition: dict[str, Scalar] = {
            "users": sessions,
            "requests": round(start * window_s),
            "arrivals": "search",
            "start": start,
            "window_s": window_s,
        }
        # Once doubled and thrice halved, and what it takes to fail is shorter.
        return cells(work, condition, self._subjects, part="search", blocks=blocks, spread_s=5 * window_s)

    def repeated(
        self, work: WorkKind, users: int, *, turns: int, pool: int = 4, blocks: int | None = None
    ) -> list[Cell]:
        """Return the closed loop in which each user draws from a few questions.

        The published cache knows an answer by its question alone. A key that covers the whole prompt hardly ever hits
        here: the history has moved on.
        """
        subjects = [
            *self._subjects,
            *(
                Subject(
                    name=f"{system.name}-question",
                    system=system.name,
                    variant="question",
                    settings=dict(system.varied("cache")["question"]),
                )
                for system in self._systems
                if "question" in system.varied("cache")
            ),
        ]
        condition = closed(users, turns, questions="repeated", pool=pool)
        return cells(work, condition, subjects, part="repeated", labels=(_repeating(pool),), blocks=blocks)

    def ladders(self, work: WorkKind, users: int) -> list[Cell]:
        """Return both directions of every ladder, with an A/A arm at its lower and at its upper end."""
        made = [*self.ladder("add-one", work, users), *self.ladder("leave-one-out", work, users)]
        ends = {"add-one": "none", "leave-one-out": "all"}
        return [*made, *twins(cell for cell in made if cell.variant == ends[str(cell.condition["ladder"])])]

    def ladder(self, direction: str, work: WorkKind, users: int) -> list[Cell]:
        """Return one direction of the ladder of each system that has mechanisms.

        Upwards beside the systems that block, in either hosting: what such a ladder starts from.
        """
        made = []
        for system in self._systems:
            if not system.mechanisms:
                continue
            subjects = [
                Subject(name=rung.name, system=system.name, variant=rung.variant, settings=rung.settings)
                for rung in ladder(system.mechanisms, direction)
            ]
            if direction == "add-one":
                subjects += [subject for subject in self._subjects if subject.blocks]
                subjects += self._blocking_in_loop()
            condition = closed(users, 1, ladder=direction, of=system.name)
            made += cells(work, condition, subjects, part="ladder")
        return made

    def _blocking_in_loop(self) -> list[Subject]:
        return [
            Subject(name=f"{subject.name}-in-loop", system=subject.system, variant="in-loop", in_loop=True)
            for subject in self._subjects
            if subject.blocks
        ]


def _repeating(pool: int) -> str:
    return f"questions repeat: each user draws from {pool} by Zipf's law, exponent {ZIPF:g}"
