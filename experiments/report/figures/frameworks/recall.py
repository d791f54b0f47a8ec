"""What is remembered: what decides an answer is in the prompt, and a small model says it."""

from __future__ import annotations

from experiments.analysis.frames import where
from experiments.report import text
from experiments.report.drawing import Drawn
from experiments.report.figures._frameworks import CONDITIONS, Panel, in_words, rows_of_systems
from experiments.report.scene import Scene, factor

_PART = "recall"
_PANELS = (
    Panel("evidence_in_prompt", "what decides the answer\nis in the prompt (%)", 100.0),
    Panel("right_answers", "the model answers\nrightly (%)", 100.0),
)


def draw(scene: Scene) -> list[Drawn]:
    """Return a figure for each length of the conversation, if there are records."""
    shown = scene.measured("evidence_in_prompt", part=_PART)
    lengths = sorted({int(turns) for turns in factor(shown, "turns")}) if len(shown) else []
    return [drawn for turns in lengths for drawn in _of(scene, turns)]


def _of(scene: Scene, turns: int) -> list[Drawn]:
    shown = scene.measured("evidence_in_prompt", part=_PART, turns=turns)
    # As each comes, where that was measured: with one window all send the same.
    window = CONDITIONS.of(shown)[-1]
    means = where(shown, window=window).groupby("subject")["value"].mean()
    title = (
        f"After {turns} turns, {in_words(window)}, what decides an answer is in every prompt of {(means == 1).sum()} "
        f"of {len(means)} systems; of the others in {text.share(float(means.min()))} at least"
    )
    return rows_of_systems(scene, f"frameworks-recall-{turns}", _PART, _PANELS, title, turns=turns)
