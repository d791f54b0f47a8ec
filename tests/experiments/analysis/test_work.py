"""Equal work: what the model did in a trial, and the sentence that tells where two subjects' models differed."""

from itertools import count

import msgspec
import pytest

from experiments.analysis import work
from experiments.analysis.work import Work
from experiments.measuring import profiles
from experiments.measuring.records import EngineSpec, Outcome, Part, TrialSpec
from experiments.measuring.role import Assignment, Role
from experiments.studies.isolation import Isolation
from experiments.studies.load import Load
from tests.experiments.analysis import synthetic
from tests.experiments.analysis.synthetic import record

UNEVEN = "tests.experiments.uneven_systems"
AT_ONCE = {"work": "inference", "requests": 4}
USERS = {"work": "inference", "users": 2, "turns": 2, "arrivals": "closed"}
REPEATED = USERS | {"turns": 4, "questions": "repeated", "pool": 1}
SEARCH = {"work": "serial simulation", "users": 4, "arrivals": "search", "start": 200.0, "window_s": 0.001}


class Seat(Role):
    """A role without a runner: when it listens, the study's client comes at once."""

    def __init__(self, spec, work_dir, role="subject", address=None):
        assigned = {"role": role, "spec": spec, "work_dir": str(work_dir), "part_path": "", "address": address}
        super().__init__(Assignment(cpus=(), runner_pid=0, **assigned), -1)
        self.parts = [self.part]

    def listening(self, address):
        client = Seat(self.spec, self.work_dir, "client", address)
        Load().run_client(client)
        self.parts.append(client.part)

    def outside_look(self, name="end"):
        """Nobody looks."""


def tried(study, system, condition, work_dir, **settings):
    """Run one trial on a simulated engine without delays and return its record."""
    work_dir.mkdir(exist_ok=True)
    spec = TrialSpec(
        study=study.name,
        condition=condition,
        subject=system.rpartition(":")[2],
        system=system,
        hosting="alone",
        settings=settings,
        engine=EngineSpec(name="simulated", settings={"slots": 8, "first_token_s": 0.0, "token_s": 0.0}),
        profile=profiles.load("4gb"),
        block=0,
        seed=1,
        timeout_s=60,
        code_version="test",
    )
    seat = Seat(spec, work_dir)
    study.run_subject(seat)
    return record(spec, *seat.parts)


@pytest.fixture
def told(tmp_path):
    """Return a function that runs two agents, each in a new folder, and returns the sentence about their work."""
    times = count()

    def compare(ours, theirs, condition=AT_ONCE, study=None, both=None, **settings):
        study = study or Isolation()
        (folder := tmp_path / str(next(times))).mkdir()
        records = [
            tried(study, name if ":" in name or name in ("baseline", "asynchronous") else f"{UNEVEN}:{name}", condition,
                  folder / name, **(both or {}), **(settings if name == ours else {}))
            for name in (ours, theirs)
        ]  # fmt: skip
        mine, base = map(work.of, records)
        return work.unequal([mine], [base])

    return compare


def test_the_agents_of_the_lab_do_equal_work(told):
    assert told("asynchronous", "baseline") == ""
    assert told("asynchronous", "baseline", {**USERS, "turns": 1}, Load()) == ""


def test_a_memory_that_finds_more_sends_more_where_questions_are_notes_too(told):
    # All words of a question find what three keywords do not: until both find as many as they may send. But users who
    # only ask have told nothing, and by default what only asks is no note.
    many = {"work": "inference", "users": 20, "turns": 4, "arrivals": "closed"}
    sent = "unequal work: asynchronous sent "
    assert told("asynchronous", "baseline", many, Load(), both={"layout": "bracketed"}).startswith(sent)
    assert told("asynchronous", "baseline", many, Load()) == ""


@pytest.mark.parametrize(("condition", "study"), [(AT_ONCE, Isolation()), (USERS, Load())])
def test_an_agent_that_never_asks_the_model_is_told_whatever_it_says_of_itself(told, condition, study):
    said = told("Silent", "baseline", condition, study)
    assert said.startswith(
        "unequal work: Silent generated 0 tokens, made 0 model calls, sent 0 prompt tokens a request "
    )
    assert "where baseline generated 24, made 1, sent " in said


def test_one_that_says_nothing_of_the_work_it_did_is_not_blamed(told):
    assert told("Modest", "Echo") == ""


def test_one_that_asks_for_less_is_told_by_its_tokens_alone(told):
    assert told("Brief", "Echo") == "unequal work: Brief generated 1 token a request where Echo generated 24"


def test_one_that_asks_twice_is_told_by_all(told):
    said = told("Thorough", "Echo")
    assert said.startswith("unequal work: Thorough generated 48 tokens, made 2 model calls, sent ")
    assert "a request where Echo generated 24, made 1, sent " in said


def test_a_search_knows_what_it_asked_though_it_keeps_no_rows(told):
    assert "Silent generated 0 tokens" in told("Silent", "Echo", SEARCH, Load())


def test_a_cache_may_answer_where_questions_repeat_and_is_told_gently(told):
    said = told("asynchronous", "baseline", REPEATED, Load(), cache_key="question")
    assert said == (
        "answers from its cache: asynchronous answered 75% of its requests from a cache where baseline answered 0%"
    )


def test_a_cache_that_answers_though_nothing_repeats_did_unequal_work(told):
    said = told("Hoarding", "baseline", USERS, Load())
    assert said.startswith("unequal work: Hoarding generated 0 tokens, ")
    assert "from a cache where baseline answered 0%, though no question repeats" in said


# Records of before the engine's work was counted, and totals that lost requests leave open


def replied(subject, block=0, *, condition=AT_ONCE, counters=None, client=True, **row):
    """Return a record of four replies that say of themselves what ``row`` says, its engine not counted."""
    fields = {"source": "model", "prompt_tokens": 200, "generated_tokens": 24} | row
    rows = [synthetic.row(1.0, **fields) for _ in range(4)]
    trial = synthetic.spec("load", subject, block, condition=condition)
    inside = Part(role="subject", counters=counters or {})
    return record(trial, inside, Part(role="client", requests=rows))


def compared(ours, theirs):
    return work.unequal([work.of(one) for one in ours], [work.of(one) for one in theirs])


def test_an_older_record_is_told_by_what_its_replies_say():
    assert compared([replied("a")], [replied("b")]) == ""
    assert compared([replied("a", generated_tokens=0)], [replied("b")]) == (
        "unequal work: a generated 0 tokens a request where b generated 24"
    )


@pytest.mark.parametrize(("sent", "is_told"), [(192, False), (189, True), (209, False), (211, True)])
def test_prompts_may_differ_by_a_twentieth(sent, is_told):
    assert bool(compared([replied("a", prompt_tokens=sent)], [replied("b")])) is is_told


def test_prompts_are_compared_within_blocks():
    ours = [replied("a", 0, prompt_tokens=100), replied("a", 1, prompt_tokens=300)]
    assert compared(ours, [replied("b", 1, prompt_tokens=300)]) == ""
    assert compared(ours, [replied("b", 2)]) == ""


def test_steps_that_failed_and_were_done_without_are_told():
    failing = replied("a", counters={"turns": 4, "degraded": 2})
    assert compared([failing], [replied("b", counters={"turns": 4, "degraded": 0})]) == (
        "unequal work: a went on without a failed step 0.5 times a request where b did 0 times"
    )


def test_a_condition_without_a_model_has_no_work_to_compare():
    plain = [synthetic.row(1.0)] * 3
    trial = synthetic.spec("isolation", "serial", engine=None)
    assert work.of(record(trial, Part(role="subject", requests=plain))) is None
    assert work.of(record(trial, Part(role="subject", values={"hits": 3, "accesses": 4}))) is None
    assert work.of(record(trial)) is None


def test_a_trial_that_ended_badly_has_none():
    assert work.of(msgspec.structs.replace(replied("a"), outcome=Outcome.TIMED_OUT)) is None


def worked(subject, **fields):
    whole = {"requests": 50, "answered": 50, "calls": 50, "prompt_tokens": 10_000, "generated_tokens": 1_200}
    return [Work(subject=subject, block=0, **whole | fields)]


@pytest.mark.parametrize(
    ("answered", "made"),
    [
        (10, 10),  # the others were refused
        (10, 50),  # the others were given up on, after the model had answered
        (30, 40),
        (0, 0),
    ],
)
def test_a_lost_request_may_have_cost_as_much_as_an_answer_or_nothing(answered, made):
    ours = worked("a", answered=answered, calls=made, prompt_tokens=made * 200, generated_tokens=made * 24)
    assert work.unequal(ours, worked("b")) == work.unequal(worked("b"), ours) == ""


@pytest.mark.parametrize("made", [20, 110])
def test_what_losses_cannot_explain_is_told(made):
    ours = worked("a", answered=40, calls=made, prompt_tokens=made * 200, generated_tokens=made * 24)
    assert work.unequal(ours, worked("b")).startswith("unequal work: a generated ")


# Answers of a reader that cannot read the prompts


def graded(subject, known, block=0):
    trial = synthetic.spec("memory", subject, block, condition={"part": "answers", "turns": 50})
    return record(trial, Part(role="subject", values={"right": 0.4, "known_layout": known}))


def test_right_answers_of_prompts_that_the_reader_does_not_know_are_a_lower_bound():
    said = compared([graded("own", 0.0)], [graded("baseline", 1.0)])
    assert said == (
        "100 % of the prompts of own have a layout or words that the reader was not trained on: "
        "its right answers are a lower bound"
    )
    assert work.labels(graded("own", 0.0)) == (said,)
    assert work.labels(graded("baseline", 1.0)) == work.labels(replied("a")) == ()
