"""A report opens with what happens where a real model ran; the rest stands apart."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from experiments import load_run, metrics
from experiments.analysis import claims
from experiments.analysis.comparisons import compare
from experiments.report import effects, opening, text
from experiments.report.effects import Effect
from experiments.report.key_comparisons import measured
from experiments.report.opening import FirstScreen
from tests.experiments.analysis import synthetic

ROOT = Path(__file__).parents[3]


def opened(folder: Path, blocks: int) -> FirstScreen:
    made = synthetic.of_a_real_model(synthetic.armed(synthetic.isolation(blocks, random.Random(7))))
    run = load_run(synthetic.write(folder, made, blocks=blocks, studies=("isolation",)))
    return opening.opening(measured(run), ["isolation"])


@pytest.fixture(scope="module")
def six(tmp_path_factory: pytest.TempPathFactory) -> FirstScreen:
    return opened(tmp_path_factory.mktemp("run"), 6)


def test_comparisons_without_a_model_stand_apart(six: FirstScreen) -> None:
    assert all("(no model)" in line.where for line in six.unmodelled)
    assert len(six.unmodelled) == 3
    assert all("(no model)" not in line.where for topic in six.topics for line in topic.lines)


def test_what_a_user_would_notice_comes_in_one_order_measured_or_not(six: FirstScreen) -> None:
    headings = [topic.heading for topic in six.topics]
    assert headings[:4] == ["Response time", "Throughput", "Memory", "Remembered rightly"]
    by_heading = {topic.heading: topic for topic in six.topics}
    assert by_heading["Response time"].where == "5 users at once, inference: total time"
    card = by_heading["Response time"]
    assert card.most.endswith("times better")
    assert f"{card.most} ({card.interval})" in card.lines[0].much
    assert by_heading["Memory"].most == "not measured"
    assert by_heading["Memory"].lines == []


def test_gains_come_before_what_cannot_be_told(six: FirstScreen) -> None:
    order = list(Effect)
    for lines in (six.unmodelled, *(topic.lines for topic in six.topics)):
        places = [order.index(line.effect) for line in lines]
        assert places == sorted(places)


def test_too_few_blocks_make_no_verdict(tmp_path: Path) -> None:
    few = opened(tmp_path, 3)
    assert few.topics[0].most == "too few blocks to tell"
    assert {line.effect for line in few.unmodelled} == {Effect.UNKNOWN}


def test_a_model_of_random_weights_is_no_model(tmp_path: Path) -> None:
    made = synthetic.armed(synthetic.isolation(6, random.Random(7)))
    run = load_run(synthetic.write(tmp_path, made, blocks=6, studies=("isolation",)))
    first = opening.opening(measured(run), ["isolation"])
    assert not any(topic.lines for topic in first.topics)
    computed = [line for line in first.unmodelled if "5 users at once, inference" in line.where]
    assert computed and all("the model's weights are random" in line.sure for line in computed)


def test_an_effect_has_the_wider_of_its_two_intervals() -> None:
    # A block stands apart: the robust interval reaches farther down, that of the mean farther up.
    [one] = compare([synthetic.pair([0.50, 0.51, 0.52, 0.53, 0.54, 0.20], floor=0.01)])
    summary = one.summary
    assert summary and summary.low and summary.high and summary.robust_low and summary.robust_high
    assert summary.robust_low < summary.low and summary.robust_high < summary.high
    assert effects.ends(summary) == (summary.robust_low, summary.high)
    shown = text.ends(1 / summary.high, 1 / summary.robust_low)
    assert effects.times(metrics.get("total_time"), one).endswith(f"times better ({shown})")


def test_the_documents_are_those_of_the_papers_references() -> None:
    references = (ROOT / "paper" / "references.yml").read_text()
    titles = [line.split("title: ")[1].strip('"') for line in references.splitlines() if line.startswith("  title: ")]
    documents = claims.sources()
    assert list(documents)[:5] == ["paper", "source 1", "source 2", "source 3", "source 4"]
    assert [document.title for document in documents.values()][:5] == titles[:5]
