from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments import metrics
from experiments.analysis import claims
from experiments.analysis.verdict_rules import Verdict
from experiments.measuring.study import studies
from experiments.report import ledger
from systems.errors import BadInput, UnknownName
from tests.experiments.analysis.test_verdicts import run_of


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
    [
        "not toml [",
        "[[claims]]\nid = 1",
        "[sources.b]\ntitle='t'\n"
        + "[[claims]]\nid='a'\nsource='b, 1'\nstatement='c'\nunit='s'\nnot_measured='d'\n" * 2,
    ],
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
    path.write_text(
        f'[sources.b]\ntitle = "t"\n[[claims]]\nid = "a"\nsource = "b, 1"\nstatement = "c"\nunit = "s"\n{tests}'
    )
    with pytest.raises(BadInput, match="need"):
        claims.load(path)


@pytest.fixture
def ledger_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder that holds a copy of the lab's ledger, which is read in place of the lab's own."""
    shutil.copy(claims.path(), tmp_path)
    (tmp_path / "claims").mkdir()
    monkeypatch.setattr(claims, "path", lambda: tmp_path / "claims.toml")
    claims._own.cache_clear()
    yield tmp_path
    claims._own.cache_clear()


def printed() -> str:
    """Return the file of claims that CONTRIBUTING.md prints."""
    page = (Path(__file__).parents[3] / "CONTRIBUTING.md").read_text()
    [block] = re.findall(r"^   ```toml\n(   \[sources\..*?)^   ```", page, re.MULTILINE | re.DOTALL)
    return textwrap.dedent(block)


def test_a_claim_of_another_document_is_added_as_a_file(ledger_folder: Path) -> None:
    (ledger_folder / "claims" / "tutorial.toml").write_text(printed())
    assert list(claims.load())[-1] == "tutorial-fast"
    assert claims.sources()["tutorial"].cited == (
        "“Agents in a Hundred Lines” (A. Writer, 2025), https://example.org/agents"
    )
    run = run_of(ledger_folder / "run", {"baseline": 1.0, "asynchronous": 0.6})
    judged = ledger.judge(run)
    [one] = [each for each in judged if each.claim.id == "tutorial-fast"]
    assert one.verdict is Verdict.REPRODUCED
    [row] = [line for line in ledger.table(judged).splitlines() if line.startswith("| tutorial-fast: ")]
    assert "What was measured for it: one question, asked once" in row
    assert re.search(r"\| Response time falls by \d+\xa0%, as published\. \| 1 × reproduced \|$", row)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("low = -50.0", "lowest = -50.0"), "unknown field `lowest`"),
        (('id = "tutorial-fast"', 'id = "S0-time"'), r"the claim S0-time is in .*claims\.toml already"),
        (("[sources.tutorial]", "[sources.paper]"), "names the source 'paper', which is there already"),
        (('source = "tutorial, section 2"', 'source = "totrial, section 2"'), "begins with no name of"),
        (("[[claims]]", "[[claims"), "cannot be read"),
        (("high = -30.0\n", ""), "needs low and high"),
        (('unit = "percent change"', 'unit = "percent"'), "is an effect in 'percent'"),
        (('metric = "latency_p50"\n', ""), "need a study and a metric"),
        (('reference = "baseline"', 'referent = "baseline"'), "unknown field `referent`"),
    ],
)
def test_a_file_of_claims_that_is_wrong_is_refused_by_name(
    ledger_folder: Path, change: tuple[str, str], why: str
) -> None:
    assert change[0] in printed()
    (ledger_folder / "claims" / "tutorial.toml").write_text(printed().replace(*change))
    with pytest.raises(BadInput, match=why) as refused:
        claims.load()
    assert "tutorial.toml" in str(refused.value)


def test_every_file_of_claims_names_documents_that_its_claims_stand_in() -> None:
    assert {claim.document for claim in claims.load().values()} == set(claims.sources())


def test_every_claim_that_is_tested_says_in_plain_words_of_what_it_is() -> None:
    lacking = [one.id for one in claims.load().values() if one.tests and not one.what and one.unit != "yes or no"]
    assert lacking == []


def test_no_group_of_a_claim_is_without_a_test() -> None:
    for claim in claims.load().values():
        for group in claim.groups:
            assert any(group.holds(test) for test in claim.tests), (claim.id, group.words)


def test_hardly_any_claim_of_the_five_sources_is_beyond_one_machine() -> None:
    five = [claim for claim in claims.load().values() if re.match(r"S[0-4]-", claim.id)]
    assert sum(bool(claim.not_measured) for claim in five) <= 8
