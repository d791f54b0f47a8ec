"""The semantic cache: what it serves of paraphrases against what it serves wrongly; and its hits on streams."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from experiments.analysis import claims
from experiments.report import drawing
from experiments.report.drawing import Drawn
from experiments.report.scene import Scene, factor

_PART = "semantic-cache"
_LANGUAGES = {"en": "English", "zh": "Chinese"}
_LEAST_SHOWN = 1e-3  # a share of false hits below one in a thousand is drawn at its edge: the axis is logarithmic


def draw(scene: Scene) -> list[Drawn]:
    """Return the figures that the records allow."""
    return [*_curves(scene), *_streams(scene)]


def _curves(scene: Scene) -> list[Drawn]:
    shown = scene.measured("semantic_hit_rate")
    shown = shown[factor(shown, "part") == _PART]
    subjects = [one for one in scene.subjects(shown["subject"]) if one not in ("exact", "oracle")]
    languages = [one for one in _LANGUAGES if (factor(shown, "language") == one).any()]
    if not subjects:
        return []
    title = _of_curves(scene, subjects)
    figure, panels = drawing.canvas(title, len(languages), height=4.4, sharex=True, sharey=True)
    for axes, language in zip(panels, languages, strict=True):
        for subject in subjects:
            for gate, line in (("on", "-"), ("off", "--")):
                parts = _parts(scene, subject, language, gate)
                if not parts:
                    continue
                false = [max(100 * _LEAST_SHOWN, 100 * value) for value in _middle(parts, "false_share")]
                hits = [100 * value for value in _middle(parts, "hit_share")]
                look = drawing.look(scene.place(subject))
                label = f"{subject}, {'the whole cache' if gate == 'on' else 'without its gate'}"
                axes.plot(false, hits, linestyle=line, color=look["color"], label=label)
                low, high = ([100 * value for value in _each(parts, "hit_share", ends)] for ends in (min, max))
                axes.fill_between(false, low, high, color=look["color"], alpha=0.15, linewidth=0)
                for part in parts:
                    point = _chosen(part)
                    if point is not None:
                        axes.plot(
                            max(100 * _LEAST_SHOWN, point[0]),
                            point[1],
                            linestyle="none",
                            alpha=0.6,
                            markersize=5,
                            **look,
                        )
        axes.axvline(1.0, color=drawing.GREY, linewidth=1, linestyle=":", label="one false hit in a hundred")
        axes.set_title(_LANGUAGES[language])
        axes.set_xlabel("pairs that mean another, served, %")
        drawing.logarithmic(axes, "x")
    panels[0].set_ylabel("paraphrases served, %")
    alt = f"{title}. Per encoder and language, paraphrases served against false hits, over all thresholds."
    notes = [
        "lines: medians of the blocks over all thresholds, bands: all blocks; points: at the threshold that is used",
        "shares below 0.1 % are drawn there",
        *scene.notes(shown),
    ]
    return [drawing.finish(figure, "density-semantic-curves", title, alt, notes)]


def _parts(scene: Scene, subject: str, language: str, gate: str) -> list[Any]:
    wanted = {"part": _PART, "from": "pairs", "language": language, "gate": gate}
    found = [
        record.part("subject")
        for record in scene.records
        if record.spec.subject == subject and wanted.items() <= record.spec.condition.items()
    ]
    return [part for part in found if part is not None and "hit_share" in part.series]


def _middle(parts: list[Any], name: str) -> list[float]:
    return _each(parts, name, median)


def _each(parts: list[Any], name: str, of: Callable[[Sequence[float]], float]) -> list[float]:
    return [of(values) for values in zip(*(part.series[name] for part in parts), strict=False)]


def _chosen(part: Any) -> tuple[float, float] | None:
    different = sum(part.values.get(kind, 0) for kind in ("polarity", "changed", "history"))
    alike = part.values.get("paraphrase", 0)
    if not different or not alike:
        return None
    wrong = sum(part.values.get(f"{kind}_hits", 0) for kind in ("polarity", "changed", "history"))
    return 100 * wrong / different, 100 * part.values.get("paraphrase_hits", 0) / alike


def _of_curves(scene: Scene, subjects: list[str]) -> str:
    points = {
        gate: [point for subject in subjects for part in _parts(scene, subject, "en", gate) if (point := _chosen(part))]
        for gate in ("on", "off")
    }
    if not points["on"] or not points["off"]:
        return "What is served of paraphrases, against false hits"
    least, most = (choose(point[1] for point in points["on"]) for choose in (min, max))
    worst = max(point[0] for point in points["on"])
    best = max(point[1] for point in points["off"])
    return (
        f"In English the cache serves {least:.0f} to {most:.0f} % of paraphrases, and {worst:.1f} % of other pairs "
        "at most; "
        + (
            f"without its gate it serves at most {best:.0f} %"
            if best
            else "without its gate no threshold is strict enough"
        )
    )


def _streams(scene: Scene) -> list[Drawn]:
    shown = scene.measured("hits_at_one_percent", search="exact")
    shown = shown[factor(shown, "part") == _PART]
    if shown.empty:
        return []
    languages = [one for one in _LANGUAGES if (factor(shown, "language") == one).any()]
    shares = sorted(set(zip(factor(shown, "repeats"), factor(shown, "paraphrases"), strict=True)))
    claim = claims.get("S1-hits")
    title = "A hit rate is a property of the stream: what share is repeated, and what share paraphrased"
    figure, panels = drawing.canvas(title, len(languages), height=4.2, sharey=True)
    for axes, language in zip(panels, languages, strict=True):
        for subject in scene.subjects(shown["subject"]):
            mine = shown[(shown["subject"] == subject) & (factor(shown, "language") == language)]
            look = drawing.look(scene.place(subject))
            middles = []
            for row, (repeats, paraphrases) in enumerate(shares):
                here = (factor(mine, "repeats") == repeats) & (factor(mine, "paraphrases") == paraphrases)
                values = 100 * mine.loc[here, "value"]
                if not values.empty:
                    axes.plot([row] * len(values), values, linestyle="none", markersize=3, alpha=0.4, **look)
                    middles.append((row, float(values.median())))
            if middles:
                axes.plot(*zip(*middles, strict=True), label=subject, markersize=6, **look)
        if claim.at_least is not None:
            level = 100 * claim.at_least
            drawing.ends(axes, claim, level, level, f"published: {level:g} % of the questions", "y")
        axes.set_xticks(range(len(shares)), [f"{100 * one:g} + {100 * two:g}" for one, two in shares])
        axes.set_xlabel("repeats + paraphrases, % of the questions")
        axes.set_title(_LANGUAGES[language])
    panels[0].set_ylabel("hits at no more than 1 % wrong, %")
    alt = f"{title}. Per language and cache, the hit rate in streams of several shares, and the published 34 %."
    notes = [
        "small points are blocks, lines go through medians; a cache with more than 1 % wrong replies counts as 0",
        *scene.notes(shown),
    ]
    return [drawing.finish(figure, "density-semantic-streams", title, alt, notes)]
