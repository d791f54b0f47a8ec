"""The figure of the saturation search."""

from experiments import load_run
from experiments.measuring.probes.histogram import Histogram
from experiments.measuring.records import Part
from experiments.report import figures
from experiments.report.scene import UnknownStudy, scene
from tests.experiments.analysis import synthetic


def searched(subject, block, highest):
    latencies = Histogram()
    for number in range(1, 200):
        latencies.add(number / 100)
    part = Part(
        role="client",
        series={"rate": [20.0, 80.0, highest], "share": [1.0, 0.4, 0.97]},
        histograms={"latency_s": [latencies.text()] * 3},
    )
    condition = {"work": "inference", "arrivals": "search", "users": 30, "window_s": 10.0}
    return synthetic.record(synthetic.spec("load", subject, block, condition=condition), part)


def test_the_highest_rates_are_in_the_title_and_a_search_that_found_none_is_drawn(tmp_path):
    records = [searched(subject, block, 40.0 + block) for subject in ("baseline", "asynchronous") for block in (0, 1)]
    records.append(searched("asynchronous", 2, 10.0))
    records[-1].parts[0].series["share"] = [0.5, 0.4, 0.3]
    run = load_run(synthetic.write(tmp_path / "run", records))
    [drawn] = figures.draw(scene(run, "load", UnknownStudy(references=("baseline",), primary=("saturation_rate",))))
    assert drawn.name == "load-search-inference"
    said = drawn.title.replace("\N{NO-BREAK SPACE}", " ")
    assert said == "Highest rate within the objective: baseline 40.5 /s, asynchronous 40.5 /s"
