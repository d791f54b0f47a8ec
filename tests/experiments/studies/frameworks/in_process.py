"""A part's trials in the tests' own process: real systems in processes of their own, a real endpoint, no runner."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from experiments.measuring.records import EngineSpec, Part, Record, TrialSpec
from experiments.measuring.role import Assignment, Role
from experiments.measuring.services import services
from experiments.measuring.study import Cell, GridRequest, Preset
from experiments.studies.frameworks import Frameworks
from experiments.workloads.endpoint.asked import EndpointSettings
from experiments.workloads.endpoint.server import endpoint
from tests.experiments.analysis import synthetic
from tests.experiments.studies.alone import Alone

NOTEBOOK = "tests.experiments.studies.frameworks.notebook_description:DESCRIPTION"
"""The small system, by the name that a person would give."""


class _WithClient(Alone):
    """Begins its own client."""

    def __init__(self, part: ModuleType, spec: TrialSpec, work_dir: Path, addresses: dict[str, str]) -> None:
        super().__init__(spec, work_dir, services=addresses)
        self._module = part
        self.parts = [self.part]

    def listening(self, address: str) -> None:
        client = Role(Assignment(role="client", address=address, **self.assigned), -1)
        self._module.run_client(client)
        self.parts.append(client.part)


@contextmanager
def served(settings: EndpointSettings) -> Iterator[str]:
    """Serve the endpoint from a thread of this process; gives its address."""
    begun, over, addresses = threading.Event(), asyncio.Event(), []
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with endpoint(settings) as address:
            addresses.append(address)
            begun.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert begun.wait(30)
        yield addresses[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()


def planned(part: ModuleType, preset: Preset, *systems: str, engine: str = "simulated") -> list[Cell]:
    """Return the cells of a part; of the model of record there is a file for every shape that it asks for."""
    shapes = {name: EngineSpec(name="simulated") for name in getattr(part, "shapes", lambda _: ())(preset)}
    return list(
        part.cells(
            GridRequest(
                preset=preset,
                systems=systems or ("baseline", "asynchronous"),
                engine=EngineSpec(name=engine),
                shapes=shapes,
            )
        )
    )


def tried(part: ModuleType, cell: Cell, folder: Path, block: int = 0, **settings: Any) -> Record:
    """Run one trial of a part here, with these settings besides the cell's, and return its record."""
    work_dir = folder / f"trial-{len(list(folder.iterdir()))}"
    work_dir.mkdir()
    spec = synthetic.spec(
        Frameworks.name,
        cell.subject,
        block,
        condition=cell.condition,
        system=cell.system,
        settings={**cell.settings, **settings},
        engine=cell.engine,
        labels=cell.labels,
    )
    with _all_served(cell) as addresses:
        role = _WithClient(part, spec, work_dir, addresses)
        part.run(role)
    parts: list[Part] = role.parts
    return synthetic.record(spec, *parts, outside=synthetic.outside(looks=role.looks))


@contextmanager
def _all_served(cell: Cell) -> Iterator[dict[str, str]]:
    names = [each.name for each in cell.services]
    if not names:
        yield {}
        return
    [name] = names
    with served(services.get(name).settings) as address:  # type: ignore[attr-defined]
        yield {name: address}
