"""The load study's saturation search: which rates held, and how long replies took at the highest of them."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator

from experiments.measuring.probes.histogram import Histogram
from experiments.measuring.records import Outcome, Part
from experiments.metrics.objective import ENOUGH, FIRST_TOKEN_S, REPLY_S
from experiments.metrics.saturation import highest
from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.scene import Scene

_PERCENTILES = (0, 50, 90, 99, 99.9)


def search(scene: Scene, work: str) -> list[Drawn]:
    """Return the figure of each condition in which a search was made."""
    shown = scene.measured("saturation_rate", work=work, arrivals="search")
    return [
        _figure(scene, work, number, str(condition))
        for number, condition in enumerate(dict.fromkeys(shown["condition"]))
    ]


def _figure(scene: Scene, work: str, number: int, condition: str) -> Drawn:
    rates = scene.measured("saturation_rate")
    rates = rates[rates["condition"] == condition]
    keys = set(scene.trials.loc[scene.trials["condition"] == condition, "key"])
    parts: dict[str, list[Part]] = defaultdict(list)
    for record in scene.records:
        part = record.part("client")
        if record.key in keys and record.outcome is Outcome.OK and part is not None:
            parts[record.spec.subject].append(part)
    median = rates.groupby("subject")["value"].median()
    rate_of = {subject: text.quantity(median[subject], "1/s") for subject in median.index}
    listed = ", ".join(f"{subject} {rate_of.get(subject, 'none')}" for subject in scene.subjects(parts))
    title = f"{scene.lead(rates)}Highest rate within the objective: {listed}"
    figure, panels = drawing.canvas(title, 2)
    for place, subject in enumerate(scene.subjects(parts)):
        look = drawing.look(place)
        rate, share = ([each for part in parts[subject] for each in part.series[name]] for name in ("rate", "share"))
        panels[0].plot(rate, share, linestyle="", label=text.plain(subject), alpha=0.8, **look)
        _percentiles(panels[1], parts[subject], look["color"])
    panels[0].axhline(ENOUGH, color=drawing.GREY, linewidth=1.2, label=f"{ENOUGH * 100:g} % of requests")
    panels[0].set_ylim(-0.04, 1.04)
    drawing.logarithmic(panels[0], "x")
    panels[0].set_xlabel("arrivals a second")
    panels[0].set_ylabel("share within the objective")
    panels[1].set_xlabel("percentile, at the highest rate")
    panels[1].set_ylabel("latency from the intended start (s)")
    drawing.logarithmic(panels[1], "y")
    alt = (
        f"{title}. Share of requests within the objective over each rate offered, and latency over percentiles at the "
        "highest rate that held, all blocks together."
    )
    notes = [
        f"objective: first token within {FIRST_TOKEN_S:g} s, reply within {REPLY_S:g} s",
        "a rate that failed was not offered to its end",
        *scene.notes(rates),
    ]
    name = f"load-search-{text.slug(work)}" + (f"-{number + 1}" if number else "")
    return drawing.finish(figure, name, title, alt, notes)


def _percentiles(axes: Axes, parts: list[Part], color: str) -> None:
    highest_rates = [highest(part) for part in parts]
    merged = Histogram(latencies for _, latencies in filter(None, highest_rates))
    if not len(merged):
        return
    # As HdrHistogram draws them: each decade towards 100 % takes as much room.
    nines = np.linspace(0, np.log10(max(10, len(merged))), 60)
    axes.plot(nines, [merged.percentile(100 * (1 - 10**-at)) for at in nines], color=color, linewidth=1.4)
    marks = [at for at in _PERCENTILES if at <= 100 * (1 - 1 / max(10, len(merged)))]
    axes.xaxis.set_major_locator(FixedLocator([-np.log10(1 - at / 100) for at in marks]))
    axes.xaxis.set_major_formatter(FixedFormatter([f"{at:g}" for at in marks]))
