"""The load study: what is asked and when, who is charged for waiting, and the ladder, over real sockets."""

import asyncio
import itertools

import msgspec
import pytest
from websockets.asyncio.server import serve

from experiments import metrics
from experiments.measuring import profiles
from experiments.measuring.engines import settings_of
from experiments.measuring.records import EngineSpec, Outcome, Outside, Record, TrialSpec
from experiments.measuring.role import Assignment, Role
from experiments.measuring.study import BLOCKS, GridRequest
from experiments.studies.ladder import ladder
from experiments.studies.load import Load, users
from experiments.studies.subjects import Stopwatch
from systems.asynchronous.settings import MECHANISMS, AsynchronousSettings
from systems.server.messages import Ask, ReplyMessage

QUICK = EngineSpec(name="simulated", settings={"slots": 1})
OPEN = {"work": "serial simulation", "users": 3, "requests": 8, "arrivals": "poisson", "rate": 500.0}


def cells(preset, engine="llama", systems=("baseline", "asynchronous")):
    return Load().grid(GridRequest(preset=preset, systems=systems, engine=EngineSpec(name=engine)))


class Seat(Role):
    """A role without a runner: when it listens, the study's client comes at once."""

    def __init__(self, spec, work_dir, role="subject", **places):
        super().__init__(
            Assignment(role=role, spec=spec, work_dir=str(work_dir), part_path="", cpus=(), runner_pid=0, **places),
            -1,
        )

    def listening(self, address):
        self.client = Seat(self.spec, self.work_dir, "client", address=address)
        Load().run_client(self.client)

    def outside_look(self, name="end"):
        """Nobody looks."""


def tried(cell, work_dir, engine=QUICK, **places):
    """Run a cell, on an engine without delays if none is named, and return its record."""
    spec = TrialSpec(
        study="load",
        condition=cell.condition,
        subject=cell.subject,
        system=cell.system,
        hosting=cell.hosting,
        settings=cell.settings,
        engine=engine,
        profile=profiles.load("4gb"),
        block=0,
        seed=1,
        timeout_s=60,
        code_version="test",
    )
    seat = Seat(spec, work_dir, **places)
    Load().run_subject(seat)
    return Record(
        key=spec.key,
        spec=spec,
        outcome=Outcome.OK,
        backend="none",
        enforced=False,
        started_at="2000-01-01T00:00:00Z",
        parts=[seat.part, seat.client.part],
        outside=Outside(),
    )


def test_open_arrivals_are_dealt_to_the_sessions_in_turn_and_stay_in_order():
    scripts = users.asked(OPEN, 7)
    assert [len(script) for script in scripts] == [3, 3, 2]
    due = [[question.at_s for question in script] for script in scripts]
    assert all(instants == sorted(instants) for instants in due)
    dealt = [due[number % 3][number // 3] for number in range(8)]
    assert dealt == sorted(dealt)
    assert scripts == users.asked(OPEN, 7) != users.asked(OPEN, 8)


def test_a_burst_reaches_as_many_sessions_as_it_is_large():
    scripts = users.asked(OPEN | {"arrivals": "bursts", "burst": 3, "requests": 9}, 7)
    assert [len({script[number].at_s for script in scripts}) for number in range(3)] == [1, 1, 1]


def test_thinking_users_pause_before_every_question_and_others_before_none():
    condition = {"users": 4, "turns": 3, "arrivals": "closed"}
    for script in users.asked(condition, 7):
        assert [(question.at_s, question.pause_s) for question in script] == [(None, 0.0)] * 3
    thinking = users.asked(condition | {"arrivals": "thinking", "think_s": 0.5}, 7)
    assert all(question.at_s is None and question.pause_s > 0 for script in thinking for question in script)


async def test_a_late_request_is_charged_for_the_stall_before_it():
    """Three requests are due at once; the server holds the first one back."""
    asks = []

    async def stalls_once(connection):
        async for frame in connection:
            ask = msgspec.json.decode(frame, type=Ask)
            asks.append(ask.id)
            await asyncio.sleep(0.2 if len(asks) == 1 else 0)
            answer = ReplyMessage(
                id=ask.id, text="", source="model", memories=(), prompt_tokens=0, generated_tokens=0,
                first_token_s=None, total_s=0.0,
            )  # fmt: skip
            await connection.send(msgspec.json.encode(answer), text=True)

    script = [users.DueQuestion(turn.turn, at_s=0.01 * number) for number, turn in enumerate(users.asked(OPEN, 1)[0])]
    async with serve(stalls_once, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        connection = await users.connected(f"ws://127.0.0.1:{port}")
        rows = await users.talk(connection, 0, script, Stopwatch())
        await connection.close()
    assert asks == ["user-0-0", "user-0-1", "user-0-2"]
    assert [row.intended_s for row in rows] == [0.0, 0.01, 0.02]
    first, *late = rows
    assert all(row.started_s >= first.finished_s > row.intended_s for row in late)
    assert all(row.outcome == "ok" for row in rows)


async def test_thinking_counts_from_the_answer_and_is_not_latency():
    async def answers(connection):
        async for frame in connection:
            ask = msgspec.json.decode(frame, type=Ask)
            await connection.send(
                msgspec.json.encode({"type": "error", "id": ask.id, "kind": "StoreError", "message": ""})
            )

    script = [users.DueQuestion(question.turn, pause_s=0.05) for question in users.asked(OPEN, 1)[0]]
    async with serve(answers, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        connection = await users.connected(f"ws://127.0.0.1:{port}")
        rows = await users.talk(connection, 0, script, Stopwatch())
        await connection.close()
    ends = [0.0, *(row.finished_s for row in rows)]
    assert [row.intended_s for row in rows] == [end + 0.05 for end in ends[:-1]]
    assert {row.outcome for row in rows} == {"StoreError"}


def test_the_ladder_has_every_mechanism_in_both_directions():
    up, down = ladder(MECHANISMS, "add-one"), ladder(MECHANISMS, "leave-one-out")
    assert [rung.variant for rung in up] == ["none", *MECHANISMS, "all"]
    assert [rung.variant for rung in down] == ["all", *MECHANISMS]
    assert not any(up[0].settings.values())
    assert up[-1].settings == down[0].settings == dict.fromkeys(MECHANISMS, True)
    for rung in up[1:-1]:
        assert rung.name == f"none+{rung.variant}"
        assert [name for name, on in rung.settings.items() if on] == [rung.variant]
    for rung in down[1:]:
        assert rung.name == f"all-{rung.variant}"
        assert [name for name, on in rung.settings.items() if not on] == [rung.variant]
    for rung in (*up, *down):
        settings_of(AsynchronousSettings, dict(rung.settings), "ladder")


@pytest.mark.parametrize("preset", BLOCKS)
def test_every_cell_is_a_trial_of_its_own_and_its_condition_says_what_is_asked(preset):
    found = cells(preset)
    assert len({repr((cell.condition, cell.subject, cell.twin)) for cell in found}) == len(found)
    for cell in found:
        if cell.condition["arrivals"] != "search":
            assert users.asked(cell.condition, 1)
        assert cell.timeout_s < 15 * 60
        assert cell.engine.name in ("llama", "batched") or any("no model ran" in label for label in cell.labels)


def test_an_engine_without_a_model_is_labelled_in_every_condition():
    assert all(any("no model ran" in label for label in cell.labels) for cell in cells("paper", "simulated"))


@pytest.mark.parametrize("preset", ["standard", "wide", "paper"])
def test_graded_presets_have_arms_of_equals_for_inference_and_for_the_ladder(preset):
    arms = {(cell.condition["work"], cell.condition.get("ladder"), cell.subject) for cell in cells(preset) if cell.twin}
    assert arms >= {
        ("inference", None, "baseline"),
        ("inference", None, "asynchronous"),
        ("serial simulation", "add-one", "none"),
        ("serial simulation", "leave-one-out", "all"),
    }


@pytest.mark.parametrize("preset", ["standard", "wide", "paper"])
def test_graded_presets_load_the_baseline_with_the_fast_segmenter_where_memory_is_judged(preset):
    conditions = [
        cell.condition
        for cell in cells(preset)
        if cell.subject == "baseline-fast-segmenter" and cell.settings == {"fast_segmentation": True}
    ]
    assert [condition["users"] for condition in conditions] == [1, 10, 50]
    beside = [cell.condition for cell in cells(preset) if cell.subject == "asynchronous" and not cell.twin]
    assert all(condition["work"] == "inference" and condition in beside for condition in conditions)


ON_BATCHED = {"baseline-batched", "asynchronous-batched"}
SERIAL = {"baseline", "asynchronous"}


@pytest.mark.parametrize(
    ("preset", "users"),
    [("smoke", [2]), ("quick", [50]), *((preset, [1, 10, 50]) for preset in ("standard", "wide"))],
)
def test_both_agents_on_the_batched_engine_share_a_condition_with_both_on_the_serial_one(preset, users):
    found = cells(preset)
    batched = [cell for cell in found if cell.subject in ON_BATCHED and not cell.twin]
    assert [cell.condition["users"] for cell in batched] == [each for each in users for _ in ON_BATCHED]
    assert {(cell.engine.name, cell.variant, cell.blocks) for cell in batched} == {("batched", "batched", None)}
    for cell in batched:
        beside = {other.subject: other for other in found if other.condition == cell.condition and not other.twin}
        assert beside.keys() >= SERIAL | ON_BATCHED
        assert {beside[name].engine.name for name in SERIAL} == {"llama"}


@pytest.mark.parametrize("engine", ["simulated", "batched", "openai"])
def test_who_chose_another_engine_than_the_serial_one_gets_no_other(engine):
    assert {cell.engine.name for cell in cells("standard", engine)} <= {engine, "simulated"}


def test_the_engines_ladder_takes_one_step_at_a_time():
    rungs = {cell.subject: cell for cell in cells("standard") if cell.condition.get("engines") == "ladder"}
    assert {cell.blocks for cell in rungs.values()} == {None}
    climbed = [cell for cell in rungs.values() if cell.system == "asynchronous" and cell.engine.name == "batched"]
    assert [cell.variant for cell in climbed] == ["one-slot", "batching", "prefixes", "states", "cache"]
    for before, after in itertools.pairwise(climbed):
        moved = before.engine.settings.items() ^ after.engine.settings.items()
        assert len({name for name, _ in moved}) + (before.settings != after.settings) == 1
    assert {cell.settings["cache_capacity"] for cell in rungs.values() if cell.variant != "cache"} == {0}
    blocking = {cell.subject: cell for cell in rungs.values() if cell.system == "baseline"}
    assert set(blocking) == {"baseline on serial", "baseline on batched+prefixes+states"}
    [whole] = [cell for cell in climbed if cell.variant == "states"]
    assert blocking["baseline on batched+prefixes+states"].engine == whole.engine


@pytest.mark.parametrize("subject", sorted(ON_BATCHED))
def test_an_agent_on_the_batched_engine_answers_every_user(subject, tiny_model, tmp_path):
    [cell] = [cell for cell in cells("smoke") if cell.subject == subject]
    several = msgspec.structs.replace(cell, condition=cell.condition | {"users": 4, "turns": 2})
    record = tried(several, tmp_path, cell.engine, model_path=str(tiny_model))
    assert metrics.get("success_rate").of(record) == 1.0
    assert metrics.get("prompt_reuse").of(record) > 0


def test_without_the_asynchronous_system_there_is_no_ladder():
    found = cells("paper", systems=("baseline",))
    assert not [cell for cell in found if cell.condition.keys() & {"ladder", "engines"}]


@pytest.mark.parametrize("subject", ["baseline", "asynchronous"])
def test_every_open_arrival_is_answered_in_its_session_and_in_order(subject, tmp_path):
    [cell] = [cell for cell in cells("smoke") if cell.condition["arrivals"] == "poisson" and cell.subject == subject]
    rows = tried(cell, tmp_path).part("client").requests
    assert sorted((row.user, row.turn) for row in rows) == [(user, turn) for user in range(3) for turn in range(2)]
    assert {row.outcome for row in rows} == {"ok"}
    assert all(row.intended_s <= row.started_s <= row.finished_s for row in rows)
    assert sorted(row.intended_s for row in rows) == sorted(
        question.at_s for script in users.asked(cell.condition, 1) for question in script
    )


@pytest.mark.parametrize("subject", ["baseline", "asynchronous"])
def test_a_search_leaves_its_rates_and_their_latencies(subject, tmp_path):
    found = [cell for cell in cells("wide") if cell.condition["arrivals"] == "search" and cell.subject == subject]
    assert {cell.condition["work"] for cell in found} == {"inference", "serial simulation"}
    few = found[0].condition | {"users": 3, "window_s": 1e-6, "start": 2000.0}
    record = tried(msgspec.structs.replace(found[0], condition=few), tmp_path)
    rate, latency = metrics.get("saturation_rate").of(record), metrics.get("saturation_latency_p99").of(record)
    assert rate > 2000
    assert 0 < latency <= 10


def test_a_cache_keyed_by_the_question_hits_where_one_keyed_by_the_prompt_does_not(tmp_path):
    found = {cell.subject: cell for cell in cells("quick") if cell.condition.get("questions") == "repeated"}
    assert set(found) == {"baseline", "asynchronous", "asynchronous-question"}
    rates = {}
    for subject in ("asynchronous", "asynchronous-question"):
        folder = tmp_path / subject
        folder.mkdir()
        rates[subject] = metrics.get("hit_rate").of(tried(found[subject], folder))
    assert rates["asynchronous"] == 0
    assert rates["asynchronous-question"] > 0


@pytest.mark.parametrize("subject", ["none", "baseline-in-loop"])
def test_a_rung_of_the_ladder_is_a_whole_trial(subject, tmp_path):
    [cell] = [cell for cell in cells("standard") if cell.subject == subject and not cell.twin]
    small = msgspec.structs.replace(cell, condition=cell.condition | {"users": 3})
    record = tried(small, tmp_path)
    assert metrics.get("success_rate").of(record) == metrics.get("objective_share").of(record) == 1.0
    assert metrics.get("goodput").of(record) == metrics.get("throughput").of(record)
