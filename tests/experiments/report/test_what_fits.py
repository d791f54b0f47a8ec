"""The figures of what fits, from invented records: what they say must follow from the trials."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from experiments import load_run
from experiments.measuring import profiles
from experiments.measuring.limits.interface import GroupMemory
from experiments.measuring.records import EngineSpec, Outcome, Outside, Part, Record
from experiments.report import drawing
from experiments.report.drawing import Drawn
from experiments.report.figures import what_fits
from experiments.report.scene import UnknownStudy, scene
from tests.experiments.analysis import synthetic

GIB = 2**30
SIZES = {"135m": 0.085 * GIB, "1.1b": 0.6 * GIB, "3b": 1.78 * GIB, "8b": 4.34 * GIB}


def trial(subject: str, profile: str, *, wait_s: float = 2.0, rate: float = 5.0, share: float = 1.0) -> Record:
    """Return a trial that asked 16 tokens of a model and got a share of them."""
    shape = subject.partition(",")[0]
    engine = EngineSpec(name="llama", model=shape, model_shape=shape, model_sha256=shape, words_are_meaningless=True)
    condition = {"part": "what-fits", "profile": profile}
    spec = synthetic.spec("memory", subject, condition=condition, engine=engine, profile=profiles.load(profile))
    tokens = round(16 * share)
    marks = {"began": 100.0, "asked": 101.0}
    if tokens:
        marks |= {"first_token": 101 + wait_s, "last_token": 101 + wait_s + (tokens - 1) / rate}
    marks["ended"] = marks.get("last_token", 101 + wait_s)
    values = {"tokens": tokens, "tokens_asked": 16, "model_bytes": SIZES[shape], "disk_read_bytes": SIZES[shape] * 3}
    return synthetic.record(spec, Part(role="subject", marks=marks, values=values))


def killed(subject: str, profile: str) -> Record:
    """Return a trial that the kernel ended."""
    made = trial(subject, profile)
    outside = Outside(group=GroupMemory(oom_kills=1))
    return synthetic.record(made.spec, outcome=Outcome.OUT_OF_MEMORY, outside=outside)


def drawn(folder: Path, records: Sequence[Record]) -> dict[str, Drawn]:
    run = load_run(synthetic.write(folder / "run", records))
    with drawing.style():
        return {figure.name: figure for figure in what_fits.draw(scene(run, "memory", UnknownStudy()))}


SOME = [
    trial("135m", "1gb"),
    trial("1.1b", "1gb"),
    trial("3b", "1gb", wait_s=50, share=0),
    trial("135m", "4gb"),
    trial("1.1b", "4gb"),
    trial("3b", "4gb", rate=3),
    trial("8b", "4gb", wait_s=12, rate=0.2, share=0.5),
    trial("8b, repacked", "4gb", wait_s=55, share=0),
    killed("8b, read whole", "4gb"),
]


def test_the_titles_say_what_the_trials_do(tmp_path: Path) -> None:
    found = drawn(tmp_path, SOME)
    assert set(found) == {f"memory-what-fits-{what}" for what in ("speed", "wait", "reads")}
    assert found["memory-what-fits-speed"].title == "The largest usable model: 1.1b under 1gb, 3b under 4gb"
    assert "times its size" in found["memory-what-fits-reads"].title
    svg = found["memory-what-fits-speed"].svg
    assert b"Hollow: not finished in the time allowed, at most this" in svg
    assert b"8b, read whole under 4gb" in svg


@pytest.mark.parametrize(("share", "words"), [(0.0, "has not come after"), (1.0, "comes after")])
def test_a_first_token_that_never_came_is_told_apart_from_a_late_one(tmp_path: Path, share: float, words: str) -> None:
    found = drawn(tmp_path, [trial("135m", "1gb"), trial("8b", "4gb", wait_s=45, share=share)])
    assert found["memory-what-fits-wait"].title.startswith(f"The first token of 8b under 4gb {words} 45.0")


def test_a_model_that_failed_once_is_not_usable(tmp_path: Path) -> None:
    slow = trial("135m", "1gb", rate=0.5)
    again = synthetic.record(synthetic.spec("memory", "135m", 1, **spec_of(slow)), *trial("135m", "1gb").parts)
    title = drawn(tmp_path, [slow, again])["memory-what-fits-speed"].title
    assert title == "The largest usable model: none under 1gb"


def spec_of(made: Record) -> dict[str, object]:
    return {name: getattr(made.spec, name) for name in ("condition", "engine", "profile")}


def test_without_trials_or_with_void_ones_nothing_is_drawn(tmp_path: Path) -> None:
    void = synthetic.record(SOME[0].spec, outcome=Outcome.INVALID, reason="host noise")
    assert drawn(tmp_path, [void]) == {}
