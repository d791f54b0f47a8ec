"""A real model answers the memory study's questions in its own words."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.grading.conversation import grade_system
from experiments.grading.overheard import Overheard
from experiments.measuring.records import EngineSpec
from experiments.measuring.study import BLOCKS, Cell, GridRequest, Preset
from experiments.studies.memory import Memory, own_words
from experiments.workloads.remembering.conversation import Conversation, Question, Told
from systems.asynchronous.agent import Asynchronous
from systems.asynchronous.settings import AsynchronousSettings
from systems.engines.interface import Sampling
from systems.engines.llama import LlamaEngine, LlamaSettings
from systems.engines.scripted import Scripts, scripted
from systems.server.hosting import host

REAL = EngineSpec(name="llama", model="SmolLM2")


def asked(preset: Preset, engine: str = "llama", systems: tuple[str, ...] = ("baseline", "asynchronous"), **shapes):
    request = GridRequest(preset=preset, systems=systems, engine=EngineSpec(name=engine), shapes=shapes)
    return own_words.cells(request)


def places(cells: list[Cell]) -> set[tuple[str, object, str]]:
    return {(cell.part, cell.condition["layout"], cell.subject) for cell in cells}


@pytest.mark.parametrize("preset", BLOCKS)
def test_every_system_is_asked_by_the_real_model_in_the_layout_it_has_by_default(preset: Preset) -> None:
    cells = asked(preset, smollm2=REAL)
    default = AsynchronousSettings().layout

    assert {cell.part for cell in cells} <= set(Memory.parts)
    assert all(cell.engine == REAL and not cell.impossible for cell in cells)
    assert all(cell.condition["model"] == "smollm2" for cell in cells)
    assert all(cell.settings["layout"] == cell.condition["layout"] for cell in cells)
    assert places(cells) >= {("own-words", default, "baseline"), ("own-words", default, "asynchronous")}
    assert len({(str(cell.condition), cell.subject) for cell in cells}) == len(cells)


def test_the_published_lookup_and_the_readers_layout_are_tried_beside_it() -> None:
    layouts = {AsynchronousSettings().layout, "bracketed"}
    wide = places(asked("wide", smollm2=REAL))

    assert places(asked("standard", smollm2=REAL)) < wide
    for layout in layouts:
        assert {("own-words", layout, "asynchronous"), ("own-words", layout, "asynchronous+like")} <= wide
    assert ("natural-own-words", AsynchronousSettings().layout, "asynchronous") in wide


def test_the_paper_preset_has_every_lookup_in_every_layout() -> None:
    paper = [cell for cell in asked("paper", smollm2=REAL) if cell.part == "own-words"]

    assert {("own-words", layout, "asynchronous+bm25") for layout in ("sentences", "list")} <= places(paper)


def test_without_the_model_the_cells_say_how_to_get_it_and_where_no_model_runs_there_are_none() -> None:
    lacking = asked("standard")

    assert lacking
    assert all("fourgig model get smollm2" in cell.impossible for cell in lacking)
    assert asked("standard", engine="simulated") == []


def test_a_system_whose_layout_cannot_be_set_is_asked_as_it_is() -> None:
    cells = asked("standard", systems=("tests.experiments.echo_system:Echo",), smollm2=REAL)

    assert [(cell.condition["layout"], cell.settings) for cell in cells] == [("its own", {})]


async def test_the_real_model_says_in_a_sentence_what_it_was_told(smollm2: Path, tmp_path: Path) -> None:
    question = Question(
        text="Where does Marela live?", answer="Korburg", kind="planted", language="en", evidence=(0,), stale=(),
        others=("Tostad",),
    )  # fmt: skip
    turns = [Told(text=text, reply="Noted.") for text in ("Marela lives in Korburg.", "Today I walked by the river.")]
    settings = LlamaSettings(model_path=str(smollm2), threads=2, calibrate=False, sampling=Sampling(temperature=0.0))
    engine, scripts = Overheard(LlamaEngine(settings)), Scripts()
    system = Asynchronous(AsynchronousSettings(), scripted(engine, scripts), tmp_path)
    async with host(system) as where:
        talk = Conversation(turns, [question])
        [grade] = await grade_system(where, engine, scripts, talk, "user", rule="own words", afresh=True)

    assert grade.in_prompt
    assert grade.right, grade.answer
    assert grade.answer != "Korburg"  # the whole of what the reader would say
