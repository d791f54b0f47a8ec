"""What the ledger tests of the second source: what it claims, in conditions that can tell, and nothing else."""

from __future__ import annotations

import pytest

from experiments.analysis import claims
from experiments.measuring.study import BLOCKS
from experiments.studies.strategies import restarts
from tests.experiments.studies.strategies.in_process import planned

BESIDE = {
    "S2-json": {"read-whole"},
    "S2-limits": {"unlimited"},
    "S2-restart": {"unattended"},
    "S2-cache": {"redis-aside"},
    "S2-runtime": {"python"},
}
"""What is measured beside a claim, to compare with: no figure was published of it."""


@pytest.mark.parametrize("name", BESIDE)
def test_what_a_claim_says_nothing_of_is_no_test_of_it(name: str) -> None:
    subjects = {test.subject for test in claims.get(name).tests}
    assert subjects
    assert not subjects & BESIDE[name]


def test_an_agent_that_refuses_everything_does_not_pass_for_one_that_a_limit_saves() -> None:
    assert {test.factors["fault"] for test in claims.get("S2-limits").tests if test.subject == "limited"} == {"spike"}


def test_a_tuned_collector_is_judged_where_its_collections_are_seen() -> None:
    claim = claims.get("S2-gc-latency")
    judged = {(test.metric or claim.metric, test.factors["runtime"], test.subject) for test in claim.tests}
    ways = (("node", "semi-space"), ("python", "thresholds"), ("python", "frozen"))
    assert judged == {(f"collector_latency_p{percent}", *way) for percent in (50, 99) for way in ways}


def test_so_few_failures_are_judged_only_where_several_requests_make_them() -> None:
    claim = claims.get("S2-restart")
    assert claim.at_least is not None
    found = {preset: planned(restarts, preset) for preset in BLOCKS}
    for test in claim.tests:
        fitting = {name: [cell for cell in cells if test.fits(cell.condition)] for name, cells in found.items()}
        assert {name for name, cells in fitting.items() if cells} == {"paper"}
        for cell in fitting["paper"]:
            assert (1 - claim.at_least) * int(cell.condition["per_s"] or 0) * float(cell.condition["seconds"] or 0) >= 3


def test_what_a_source_says_of_the_start_has_a_row_of_its_own() -> None:
    start = claims.get("S2-reuse-start")
    assert (start.low, start.high, start.unit) == (-70.0, -70.0, "percent change")
    assert start.figure == "up to −70 %"
    assert start.tests and all(test.reference == "spawned" for test in start.tests)
