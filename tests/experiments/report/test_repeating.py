"""The commands that repeat a claim can be pasted, and plan exactly the trials that its verdicts rest on."""

import random
import shlex
from itertools import pairwise

import msgspec
import pytest
from typer.testing import CliRunner

from experiments.analysis import claims
from experiments.analysis.order import describe
from experiments.commands import console, planning
from experiments.commands.cli import app
from experiments.measuring.records import EngineSpec
from experiments.measuring.runs import read_info
from experiments.report import ledger
from experiments.report.repeating import Repeating, command
from experiments.report.selecting import Selection, WantedTrials
from tests.experiments.analysis import synthetic

LLAMA = EngineSpec(name="llama", model="tiny", model_shape="tiny")


@pytest.fixture
def info(tmp_path):
    made = read_info(synthetic.write(tmp_path / "run", list(synthetic.lazy_loading(1, random.Random(1)))))
    return msgspec.structs.replace(made, engine=LLAMA)


@pytest.fixture(scope="module")
def ledger_of_reference(reference_run):
    """Return, by claim, its verdicts in the reference run and the commands that its page prints."""
    repeating = Repeating()
    return {
        claim.id: (judged, ledger.repetitions(repeating, reference_run, judged))
        for claim, judged in ledger.by_claim(ledger.judge(reference_run))
        if claim.tests
    }


@pytest.fixture(scope="module")
def floors(reference_run):
    """Return the noise floors of the reference run's A/A arms."""
    return reference_run.floors


@pytest.fixture(scope="module")
def planned(ledger_of_reference):
    """Return the plan that each printed command prints with ``--dry-run``, without a look at how long trials took."""
    plans = {}
    with pytest.MonkeyPatch.context() as patch:
        found = []
        patch.setattr(console, "print_plan", lambda plan, *_: found.append(plan))
        patch.setattr(planning, "_past", lambda *_: ([], "by guess"))
        for _, repetitions in ledger_of_reference.values():
            for one in repetitions:
                if one.command not in plans:
                    program, *words = shlex.split(one.command)
                    assert program == "fourgig"
                    done = CliRunner().invoke(app, [*words, "--dry-run"])
                    assert done.exit_code == 0, f"{one.command}: {done.output}"
                    plans[one.command] = found.pop()
    return plans


CLAIMS = [name for name, claim in claims.load().items() if claim.tests]


def place(spec):
    return describe(spec.condition), spec.subject


def filters(line):
    """Return the levels by factor that a command asks for."""
    only = {}
    for option, value in pairwise(shlex.split(line)):
        if option == "--only":
            factor, _, level = value.partition("=")
            only.setdefault(factor, set()).add(level)
    return only


@pytest.mark.parametrize("name", CLAIMS)
@pytest.mark.long
def test_the_commands_of_a_claim_plan_every_trial_it_rests_on(name, ledger_of_reference, planned):
    judged, repetitions = ledger_of_reference[name]
    assert {title for one in repetitions for title in one.titles} == {one.test.title for one in judged}
    assert [one.why for one in repetitions if not one.command] == []
    for verdict in judged:
        plans = [planned[one.command] for one in repetitions if verdict.test.title in one.titles]
        skipped = [each for plan in plans for each in plan.skipped]  # for what this machine lacks
        assert {each.study for each in [*skipped, *(spec for plan in plans for spec in plan.trials)]} == {
            verdict.claim.study
        }
        missing = {each.subject for each in skipped if verdict.condition or verdict.test.fits(each.condition)}
        blocks = {}
        for plan in plans:
            for spec in plan.trials:
                if verdict.condition in ("", describe(spec.condition)) and not spec.twin:
                    blocks.setdefault(spec.subject, set()).add(spec.block)
        for subject in filter(None, (verdict.test.subject, verdict.test.reference)):
            assert subject in missing or len(blocks[subject]) >= len(verdict.blocks)


@pytest.mark.parametrize("name", CLAIMS)
@pytest.mark.long
def test_the_commands_of_a_claim_plan_nothing_else_but_arms(name, ledger_of_reference, planned):
    judged, repetitions = ledger_of_reference[name]
    wanted = {
        (one.condition, subject)
        for one in judged
        for subject in (one.test.subject, one.test.reference)
        if one.condition and subject
    }
    untried = [one.test for one in judged if not one.condition]
    for one in repetitions:
        only = filters(one.command)
        trials = planned[one.command].trials
        arms = {place(spec) for spec in trials if spec.twin}
        twins_wanted = set(wanted)
        for spec in trials:
            levels = {"subject": spec.subject} | {name: str(level) for name, level in spec.condition.items()}
            chosen = all(levels.get(factor, "") in asked for factor, asked in only.items())
            would_test = any(
                test.fits(spec.condition) and spec.subject in (test.subject, test.reference) for test in untried
            )
            if would_test:
                twins_wanted.add(place(spec))
            assert place(spec) in arms or (chosen and (place(spec) in wanted or would_test)), (one.command, spec)
        if "--arms" not in one.command:
            assert arms <= twins_wanted


@pytest.mark.parametrize("name", CLAIMS)
@pytest.mark.long
def test_the_commands_of_a_claim_plan_the_arms_that_gave_its_noise_floors(
    name, ledger_of_reference, planned, floors, reference_run
):
    judged, repetitions = ledger_of_reference[name]
    for verdict in judged:
        if verdict.floor is None:
            continue
        of_metric = (floors["study"] == verdict.claim.study) & (floors["metric"] == verdict.metric)
        arms = floors[of_metric & floors["floor"].notna()]
        trials = reference_run.trials
        factors = trials.loc[trials["key"].isin(verdict.keys), "factors"].iloc[0]
        shared = arms["factors"].map(lambda other, mine=factors: len(other.items() & mine.items()))
        nearest = arms[shared == shared.max()]
        gave = set(zip(nearest["condition"], nearest["subject"], strict=True))
        plans = [planned[one.command] for one in repetitions if verdict.test.title in one.titles]
        assert gave
        missing = {each.subject for plan in plans for each in plan.skipped}  # for what this machine lacks
        gave = {arm for arm in gave if arm[1] not in missing}
        assert gave <= {place(spec) for plan in plans for spec in plan.trials if spec.twin}


@pytest.mark.long
def test_the_model_is_named_where_it_is_run_and_only_there(ledger_of_reference):
    # Isolation was measured with random weights of that shape, lazy loading with the real one.
    assert any(
        "--part inference" in one.command and "--model 135m" in one.command for one in ledger_of_reference["S0-time"][1]
    )
    [startup] = ledger_of_reference["S0-startup"][1]
    assert "--model smollm2:q4_0" in startup.command
    assert not any("--model" in one.command for one in ledger_of_reference["S0-hitrate"][1])
    [fits] = ledger_of_reference["S0-8b"][1]
    assert "--preset wide" in fits.command and "--model" not in fits.command


@pytest.mark.parametrize("name", ["S0-8b", "S0-startup"])
@pytest.mark.long
def test_a_printed_command_pasted_into_a_shell_plans_the_claim(fourgig, ledger_of_reference, name):
    judged, [one] = ledger_of_reference[name]
    done = fourgig(*shlex.split(one.command)[1:], "--dry-run", COLUMNS="300")
    assert done.returncode == 0, done.stderr
    for verdict in judged:
        assert verdict.test.subject in done.stdout


def test_what_no_preset_plans_is_said(info):
    wanted = [
        WantedTrials(title="nobody", fits=lambda _: True, subjects=frozenset({"nobody"})),
        WantedTrials(title="cold", fits={"page_cache": "cold"}.__eq__, subjects=frozenset({"baseline"})),
    ]
    cold, nobody = Repeating().repetitions(info, "lazy-loading", wanted)
    assert (cold.titles, cold.why) == (("cold",), "")
    assert (nobody.titles, nobody.command) == (("nobody",), "")
    assert "no preset" in nobody.why


def test_more_blocks_than_a_preset_has_of_a_trial_are_sought_in_a_larger_one(info):
    info = msgspec.structs.replace(info, blocks=12)

    def preset(blocks):
        wanted = WantedTrials(
            title="8b",
            fits={"part": "what-fits", "profile": "4gb"}.__eq__,
            subjects=frozenset({"8b"}),
            blocks=blocks,
        )
        [one] = Repeating().repetitions(info, "memory", [wanted])
        return shlex.split(one.command)[shlex.split(one.command).index("--preset") + 1]

    assert (preset(1), preset(3)) == ("wide", "paper")


@pytest.mark.parametrize("lacking", ["study", "system", "engine"])
def test_what_is_not_installed_here_cannot_be_repeated_and_is_named(info, lacking):
    without = {"study": {}, "system": {"systems": ("gone",)}, "engine": {"engine": EngineSpec(name="gone")}}
    info = msgspec.structs.replace(info, **without[lacking])
    wanted = [WantedTrials(title="a start", fits=lambda _: True, subjects=frozenset({"gone"}))]
    [one] = Repeating().repetitions(info, "gone" if lacking == "study" else "lazy-loading", wanted)
    assert one.command == ""
    assert f"{lacking} named 'gone'" in one.why


def test_a_command_says_everything_the_run_was_asked(info):
    asked = msgspec.structs.replace(
        info,
        engine=EngineSpec(name="openai", settings={"url": "http://a:1/v1"}),
        settings={"openai": {"model": "my model"}, "baseline": {"cache_capacity": None, "full_text": True}},
        workload="shop",
    )
    chosen = Selection(
        titles=("one",),
        preset="wide",
        part="answers",
        only={"turns": ("50", "500"), "trace": "published, first 100"},
        arms=True,
        model=False,
    )
    words = shlex.split(command(asked, "memory", chosen))
    assert words[:3] == ["fourgig", "run", "memory"]
    assert words[-1] == "--arms"
    given = list(zip(words[3:-1:2], words[4:-1:2], strict=True))
    assert ("--url", "http://a:1/v1") in given
    assert ("--workload", "shop") in given
    assert ("--preset", "wide") in given
    assert [value for option, value in given if option == "--set"] == [
        "openai.model=my model",
        "baseline.cache_capacity=null",
        "baseline.full_text=True",
    ]
    assert ("--part", "answers") in given
    assert [value for option, value in given if option == "--only"] == [
        "turns=50",
        "turns=500",
        "trace=published, first 100",
    ]
