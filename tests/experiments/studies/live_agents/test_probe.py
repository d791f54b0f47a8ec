"""One probe in a process of its own: what comes of agents that forget, are late, are killed or are not there."""

import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import psutil
import pytest

from experiments.measuring import profiles
from experiments.measuring.records import EngineSpec, TrialSpec
from experiments.studies.live_agents.probe import Probed, ProbeOrder


def order(folder, system, *, agents=3, settings=None, engine=None, **condition):
    told = {"tokens": 300, "period_s": 30.0, "deadline_s": 30.0, "words": "scripted"}
    spec = TrialSpec(
        study="density",
        condition=told | condition,
        subject=system,
        system=system,
        settings={"history_length": 64, "memories": 0} | (settings or {}),
        engine=EngineSpec(name="simulated", settings=engine or {}),
        profile=profiles.load("512mb"),
        block=0,
        seed=1,
        timeout_s=60.0,
        code_version="test",
    )
    return ProbeOrder(spec=spec, model_path=None, agents=agents, data_dir=str(folder))


@pytest.fixture
def started(tmp_path):
    running = []

    def start(system, **changes):
        path = tmp_path / "order.json"
        path.write_bytes(msgspec.json.encode(order(tmp_path, system, **changes)))
        running.append(
            subprocess.Popen(
                [sys.executable, "-P", "-m", "experiments.studies.live_agents.probe", str(path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        )
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.communicate()


def probed(process):
    return msgspec.json.decode(process.stdout.readline(), type=Probed)


@pytest.mark.parametrize("system", ["objects", "per-process", "baseline", "asynchronous"])
def test_agents_that_keep_what_they_are_told_hold(started, system):
    process = started(system)
    assert (found := probed(process)).came == "held", found
    assert found.prompt_tokens > 200
    children = psutil.Process(process.pid).children()
    assert len(children) == (3 if system == "per-process" else 0)
    assert Path(f"/proc/{process.pid}/oom_score_adj").read_text().strip() == "1000"
    process.communicate(b"go\n")
    assert process.returncode == 0
    assert psutil.wait_procs(children, timeout=30)[1] == []


def test_an_agent_that_has_forgotten_is_wrong(started):
    found = probed(started("baseline", settings={"history_length": 4}))
    assert (found.came, found.why) == ("wrong", "agent-0 said 'I do not know that.'")


def test_a_round_longer_than_the_period_and_a_slow_answer_are_late(started):
    assert probed(started("objects", period_s=0.0)).came == "late"
    assert probed(started("objects", deadline_s=0.01, engine={"first_token_s": 0.02})).came == "late"


def test_a_model_that_does_not_load_is_a_failure(started):
    found = probed(started("objects", engine={"slots": 0}))
    assert found.came == "failed"
    assert "BadInput" in found.why


def test_an_agent_whose_process_is_killed_is_lost(started):
    process = started("per-process", engine={"load_s": 600.0})
    while not (children := psutil.Process(process.pid).children()):
        assert process.poll() is None
    children[0].send_signal(signal.SIGKILL)
    assert probed(process).came == "lost"
