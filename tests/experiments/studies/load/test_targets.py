"""Source 4's targets of a service: every test of the ledger has its trials in the load study."""

import pytest

from experiments.analysis import claims
from experiments.measuring.records import EngineSpec
from experiments.measuring.study import GridRequest
from experiments.studies.load import Load
from systems import registry

TARGETS = [claim for claim in claims.load().values() if claim.source == "source 4, targets"]


@pytest.mark.parametrize("preset", ["standard", "wide"])
def test_every_target_is_tested_of_every_registered_system_on_both_engines(preset):
    systems, known = ("baseline", "asynchronous"), set(registry.systems.names())
    found = Load().grid(GridRequest(preset=preset, systems=systems, engine=EngineSpec(name="llama")))
    assert [claim.id for claim in TARGETS] == [
        "S4-p50", "S4-p95", "S4-p99", "S4-tps", "S4-success", "S4-resources", "S4-resources-cpu",
    ]  # fmt: skip
    for claim in TARGETS:
        assert not claim.is_effect
        assert claim.metric in Load.measures
        tested = set()
        for test in claim.tests:
            if test.subject.removesuffix("-batched") in known:
                fitting = [cell for cell in found if test.fits(cell.condition) and cell.subject == test.subject]
                assert fitting, test.title
                tested.add(test.subject)
        assert tested >= {
            f"{system}{engine}"
            for system in ("baseline", "asynchronous", "agenticaiframework")
            for engine in ("", "-batched")
        }
