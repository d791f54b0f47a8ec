"""The memory of a system's group over time: the system's own, and the cached files."""

from __future__ import annotations

import textwrap

import pandas as pd

from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.scene import Scene

_MIB = 2**20
_KINDS = (("current_bytes", "all", "#000000"), ("anonymous_bytes", "anonymous: the system's own", "#0072B2"),
          ("file_bytes", "cached files, the model among them", "#E69F00"))  # fmt: skip

# How many letters stand above or below all panels together without touching.
_LETTERS = 72


def draw(scene: Scene, name: str, condition: str, shown: pd.DataFrame) -> list[Drawn]:
    """Return the timelines of the trials that the rows of ``shown`` name, a panel a subject; none without samples."""
    keys = set(shown["key"])
    records = [record for record in scene.records if record.key in keys and len(record.outside.timeline) > 1]
    subjects = scene.subjects(record.spec.subject for record in records)
    if not subjects:
        return []
    peaks = pd.Series({subject: _peak(shown, subject) for subject in subjects}, dtype=float)
    limit = text.quantity(records[0].spec.profile.memory_bytes, "bytes")
    listed = ", ".join(f"{subject} {text.quantity(peaks[subject], 'bytes')}" for subject in subjects)
    title = f"{scene.lead(shown)}Memory over the time of a trial, {condition}: of {limit} allowed it peaks at {listed}"
    figure, panels = drawing.canvas(title, len(subjects), sharex=True, sharey=True)
    letters = max(8, _LETTERS // len(subjects))
    for axes, subject in zip(panels, subjects, strict=True):
        for record in records:
            if record.spec.subject == subject:
                samples = record.outside.timeline
                for kind, words, color in _KINDS:
                    known = [one for one in samples if getattr(one, kind) is not None]
                    sizes = [getattr(one, kind) / _MIB for one in known]
                    axes.plot([one.at_s for one in known], sizes, color=color, linewidth=1, alpha=0.6, label=words)
        axes.set_title(textwrap.fill(text.plain(subject), letters))
        axes.set_xlabel(textwrap.fill("time since the start (s)", letters))
    panels[0].set_ylabel("memory of the group (MiB)")
    panels[0].set_ylim(bottom=0)
    alt = f"{title}. Memory of the group over time, a panel a system, a line a block."
    return [drawing.finish(figure, name, title, alt, ["a line a block", *scene.notes(shown)])]


def _peak(shown: pd.DataFrame, subject: str) -> float:
    return float(shown.loc[shown["subject"] == subject, "value"].median())
