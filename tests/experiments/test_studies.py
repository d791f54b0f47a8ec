"""The four studies end to end: on the real engine with a very small model, and with a system from outside."""

import sys

import pytest

from experiments import load_run, plan, records
from experiments.profiles import load
from experiments.records import EngineSpec, Outcome
from experiments.studies.subjects import REPLY_TOKENS
from experiments.workloads import traces
from experiments.workloads.conversations import conversations

STUDIES = ("isolation", "lazy-loading", "memory", "load")


def failures(found):
    return [
        (record.spec.subject, record.outcome, record.reason) for record in found if record.outcome is not Outcome.OK
    ]


def test_the_smoke_preset_measures_all_four_studies_with_llama_cpp(fourgig, tiny_model, enforcement, tmp_path):
    out = tmp_path / "run"
    done = fourgig("run", *STUDIES, "--preset", "smoke", "--model", tiny_model, "--out", out, *enforcement)
    assert done.returncode == 0, done.stderr
    found = records.read(out / "trials.jsonl")
    assert failures(found) == []
    assert {record.spec.study for record in found} == set(STUDIES)

    # Answers are graded with a model of their own, where it is installed.
    inferred = [
        record
        for record in found
        if record.spec.engine and record.spec.engine.name == "llama" and record.spec.condition.get("part") != "answers"
    ]
    rows = [row for record in inferred for part in record.parts for row in part.requests]
    # Equal work: every system generated the same number of tokens, with the model named and called meaningless.
    assert {row.generated_tokens for row in rows} == {REPLY_TOKENS}
    assert {row.outcome for row in rows} == {"ok"}
    assert all(record.spec.engine.words_are_meaningless for record in inferred)
    assert all(row.first_token_s is not None and row.intended_s <= row.finished_s for row in rows)

    # Traced trials are apart, and say what they found; simulated ones are labelled.
    traced = [record for record in found if record.spec.traced]
    assert {record.spec.system for record in traced} == {"baseline", "asynchronous"}
    for record in traced:
        graph = (out / record.parts[0].artifacts["flamegraph"]).read_text()
        assert "agent.py" in graph
        # It can be shown to others, and read without a network.
        assert sys.prefix not in graph
        assert 'src="http' not in graph
        part = record.parts[0]
        assert part.flames.size_bytes == part.values["heap_peak_bytes"] > 0
        assert all(called.size_bytes <= part.flames.size_bytes for called in part.flames.calls)
    for record in found:
        if record.spec.engine and record.spec.engine.name == "simulated":
            assert any("no model ran" in label for label in record.spec.labels)

    page = (out / "report.html").read_text()
    assert "no verdict" in page.lower() or "indicative" in page.lower()
    assert {path.suffix for path in (out / "figures").iterdir()} == {".svg", ".png"}
    assert not load_run(out).measures.empty


def test_a_system_from_another_package_goes_through_every_study(fourgig, enforcement, tmp_path):
    out = tmp_path / "run"
    arguments = ("--systems", "echo", "--engine", "simulated", "--preset", "smoke", "--out", out)
    done = fourgig("run", *STUDIES, *arguments, *enforcement)
    assert done.returncode == 0, done.stderr
    found = records.read(out / "trials.jsonl")
    assert failures(found) == []
    assert {record.spec.study for record in found if record.spec.system == "echo"} == set(STUDIES)


@pytest.mark.parametrize("seed", range(3))
def test_no_question_is_asked_twice_and_every_script_is_long_enough(seed):
    planned = conversations(seed, 20, 5)
    texts = [turn.text for turns in planned for turn in turns]
    assert len(texts) == len(set(texts)) == 100
    assert planned == conversations(seed, 20, 5)
    assert all(len(turn.reply) > 60 for turns in planned for turn in turns)


def test_on_the_published_trace_even_an_unlimited_cache_stays_below_the_published_hit_rate():
    shares = [1 - len(set(traces.published(seed))) / traces.PUBLISHED_ACCESSES for seed in range(50)]
    assert min(shares) > 0.70
    assert max(shares) < 0.78


def test_a_zipf_trace_prefers_low_ranks():
    trace = traces.zipf(1, 10_000, 100, 1.0)
    counts = [trace.count(key) for key in (0, 9, 99)]
    assert counts[0] > 5 * counts[1] > 25 * counts[2]


@pytest.mark.parametrize("preset", ["smoke", "standard", "paper"])
def test_a_study_plans_the_same_alone_as_with_the_others(preset):
    def planned(*names):
        shapes = {shape: EngineSpec(name="llama", model=shape) for shape in plan.shapes_needed(names, preset)}
        made = plan.make(
            preset=preset,
            study_names=names,
            system_names=("baseline", "asynchronous"),
            engine=EngineSpec(name="llama", model="135m"),
            profile=load("4gb"),
            blocks=1,
            seed=1,
            shapes=shapes,
        )
        return [spec.key for spec in made.trials]

    assert planned(*STUDIES) == [key for name in STUDIES for key in planned(name)]
