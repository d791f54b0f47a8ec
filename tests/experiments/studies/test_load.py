"""The load study: what is asked and when, who is charged for waiting, and the ladder, over real sockets."""

import asyncio

import msgspec
import pytest
from websockets.asyncio.server import serve

from experiments import metrics
from experiments.measuring import profiles
from experiments.measuring.engines import settings_of
from experiments.measuring.records import EngineSpec, Outcome, Outside, Record, TrialSpec
from experiments.measuring.role import Assignment, Role
from experiments.measuring.study import BLOCKS, GridRequest
from experiments.studies.load import Load, users
from experiments.studies.load.ladder import ladder
from experiments.studies.subjects import Stopwatch
from systems.asynchronous.settings import MECHANISMS, AsynchronousSettings
from systems.server.messages import Ask, ReplyMessage

QUICK = EngineSpec(name="simulated", settings={"slots": 1})
OPEN = {"work": "serial simulation", "users": 3, "requests": 8, "arrivals": "poisson", "rate": 500.0}


def cells(preset, engine="llama", systems=("baseline", "asynchronous")):
    return Load().grid(GridRequest(preset=preset, systems=systems, engine=EngineSpec(name=engine)))


class Seat(Role):
    """A role without a runner: when it listens, the study's client comes at once."""

    def __init__(self, spec, work_dir, role="subject", address=None):
        super().__init__(
            Assignment(
                role=role, spec=spec, work_dir=str(work_dir), part_path="", cpus=(), runner_pid=0, address=address
            ),
            -1,
        )

    def listening(self, address):
        self.client = Seat(self.spec, self.work_dir, "client", address)
        Load().run_client(self.client)

    def outside_look(self, name="end"):
        """Nobody looks."""


def tried(cell, work_dir):
    """Run a cell on an engine without delays and return its record."""
    spec = TrialSpec(
        study="load",
        condition=cell.condition,
        subject=cell.subject,
        system=cell.system,
        hosting=cell.hosting,
        settings=cell.settings,
        engine=QUICK,
        profile=profiles.load("4gb"),
        block=0,
        seed=1,
        timeout_s=60,
        code_version="test",
    )
    seat = Seat(spec, work_dir)
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


def test_without_the_asynchronous_system_there_is_no_ladder():
    assert not [cell for cell in cells("paper", systems=("baseline",)) if "ladder" in cell.condition]


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
    [cell] = [cell for cell in cells("quick") if cell.subject == subject]
    small = msgspec.structs.replace(cell, condition=cell.condition | {"users": 3})
    record = tried(small, tmp_path)
    assert metrics.get("success_rate").of(record) == metrics.get("objective_share").of(record) == 1.0
    assert metrics.get("goodput").of(record) == metrics.get("throughput").of(record)
