from __future__ import annotations

from pathlib import Path

import pytest

from experiments import metrics
from experiments.analysis import claims
from experiments.measuring.study import studies
from systems.errors import BadInput, UnknownName


def test_the_ledger_states_every_claim_with_a_figure_or_a_criterion() -> None:
    ledger = claims.load()
    # Source 0 is the paper under reproduction.
    assert {name.partition("-")[0] for name in ledger} >= {"S0", "S1", "S2", "S3", "S4"}
    assert all(claim.figure for claim in ledger.values())


def test_what_tests_a_claim_exists_or_the_ledger_says_why_nothing_does() -> None:
    for claim in claims.load().values():
        if claim.not_measured:
            assert claim.study is None and claim.metric is None
            continue
        assert studies.get(claim.study or "").name == claim.study
        for test in claim.tests:
            name = test.metric or claim.metric or ""
            assert metrics.get(name).name == name
        assert len({test.title for test in claim.tests}) == len(claim.tests)


def test_throughput_is_the_total_time_inverted() -> None:
    time, throughput = claims.get("S0-time"), claims.get("S0-throughput")
    for change, inverse in ((time.high, throughput.low), (time.low, throughput.high)):
        assert change is not None and inverse is not None
        assert 1 / (1 + change / 100) == pytest.approx(1 + inverse / 100, rel=1e-3)


def test_a_change_of_levels_agrees_with_the_levels_stated() -> None:
    for claim in claims.load().values():
        if claim.before and claim.after and claim.low is not None and claim.low == claim.high:
            levels = claim.before[0], claim.after[0]
            change = levels[1] - levels[0]
            if claim.unit == "percent change":
                change *= 100 / levels[0]
            assert change == pytest.approx(claim.low, abs=0.1)


def test_figures_are_written_with_their_signs() -> None:
    assert claims.get("S0-time").figure == "−57.28 … −84.09 %"
    assert claims.get("S0-hitrate").figure == "+33 percentage points"


def test_an_unknown_claim_suggests_the_nearest() -> None:
    with pytest.raises(UnknownName, match="S0-time"):
        claims.get("S0-tme")


@pytest.mark.parametrize(
    "text",
    ["not toml [", "[[claims]]\nid = 1", '[[claims]]\nid="a"\nsource="b"\nstatement="c"\nunit="s"\n' * 2],
)
def test_a_malformed_ledger_is_one_clear_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "claims.toml"
    path.write_text(text)
    with pytest.raises(BadInput, match=r"claims ledger .*\.$"):
        claims.load(path)


@pytest.mark.parametrize(
    "tests",
    [
        "",
        'tests = [{ title = "d", factors = {}, subject = "e" }]\n',
        'at_most = 1.0\ntests = [{ title = "d", factors = {}, subject = "e", reference = "f" }]\n',
    ],
)
def test_a_claim_needs_tests_that_fit_it_or_a_reason(tmp_path: Path, tests: str) -> None:
    path = tmp_path / "claims.toml"
    path.write_text(f'[[claims]]\nid = "a"\nsource = "b"\nstatement = "c"\nunit = "s"\n{tests}')
    with pytest.raises(BadInput, match="need"):
        claims.load(path)
