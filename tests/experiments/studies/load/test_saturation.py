"""The saturation search: it closes in on the rate from which the objective is missed, and a failed rate ends early."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from experiments import metrics
from experiments.measuring.probes.histogram import Histogram
from experiments.measuring.records import Part
from experiments.metrics.interface import Missing
from experiments.studies.load import saturation
from systems.engines.scripted import Scripts, scripted
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.errors import EngineError
from tests.experiments.analysis.synthetic import record, spec
from tests.systems.server.serving import agent, listening_to

CONDITION = {"users": 4, "arrivals": "search", "start": 100.0, "window_s": 1.0}


def recorded(offered):
    part = Part(
        role="client",
        series={"rate": [each.rate for each in offered], "share": [each.share for each in offered]},
        histograms={"latency_s": [each.latencies for each in offered]},
    )
    return record(spec("load", "baseline"), part)


@settings(deadline=None, max_examples=30)
@given(st.floats(1, 100), st.floats(1, 50))
def test_the_rate_found_holds_and_one_a_tenth_higher_does_not(truth, start):
    latencies = Histogram()
    latencies.add(0.5)

    async def offer(rate):
        return saturation.Offered(rate, 1.0 if rate <= truth else 0.5, latencies.text())

    offered = asyncio.run(saturation.search(offer, start))
    found = recorded(offered)
    assert truth / saturation.APART <= metrics.get("saturation_rate").of(found) <= truth
    assert abs(metrics.get("saturation_latency_p99").of(found) - 0.5) < 0.001


def test_a_rate_that_holds_above_one_that_failed_does_not_count():
    nothing = Histogram().text()
    offered = [saturation.Offered(*each, nothing) for each in ((10, 1.0), (20, 0.5), (15, 0.9), (17, 1.0))]
    assert metrics.get("saturation_rate").of(recorded(offered)) == 10
    assert isinstance(metrics.get("saturation_rate").of(recorded(offered[1:])), Missing)


async def test_a_rate_that_has_failed_is_not_offered_to_its_end(tmp_path):
    asked, scripts = [], Scripts()

    class Fails(SimulatedEngine):
        def generate(self, call):
            asked.append(call.conversation)
            raise EngineError("It fell over.")

    hosted = agent(tmp_path, scripted(Fails(SimulatedSettings(slots=8)), scripts))
    async with listening_to(hosted, scripts=scripts, experiment=True, connections=20) as address:
        searching = spec("load", "baseline", condition=CONDITION)
        there = f"ws://{address}/ws"
        offered = [await saturation.offer(there, there, searching, number, 100.0) for number in (1, 2)]
    assert [each.share for each in offered] == [0.0, 0.0]
    assert 12 <= len(asked) < 40  # of two hundred
    assert len(set(asked)) == 8  # sessions of their own for each rate
    assert scripts.unplanned == 0
