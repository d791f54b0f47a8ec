"""The figure of the part pressure shows also the trials in which the kernel killed."""

from types import SimpleNamespace

import msgspec

from experiments.measuring import profiles
from experiments.measuring.records import Outcome, Outside, Part, Record, TrialSpec
from experiments.report import drawing
from experiments.report.figures.density import pressure


def record(policy, kills, answered):
    spec = TrialSpec(
        study="density",
        condition={"part": "pressure", "ramp": "states", "profile": "512mb"},
        subject=policy,
        profile=profiles.load("512mb"),
        block=0,
        seed=0,
        timeout_s=1,
        code_version="1",
    )
    values = {"turns_planned": 100.0, "turns_answered": answered, "kills": kills, "conversations_lost": 7 * kills}
    return Record(
        key=policy,
        spec=spec,
        outcome=Outcome.OK,
        backend="none",
        enforced=True,
        started_at="",
        parts=[Part(role="subject", values=values)],
        outside=Outside(),
    )


def test_kills_stand_beside_the_turns_answered():
    scene = SimpleNamespace(records=[record("unmanaged", 2.0, 40.0), record("forecast", 0.0, 60.0)])
    with drawing.style():
        [figure] = pressure.draw(scene)
    assert "stages, by forecast" in figure.title
    assert ("states", "nothing", "40.0 %", "2.00", "14.0") in figure.data


def test_a_void_trial_is_not_shown():
    void = msgspec.structs.replace(record("unmanaged", 2.0, 40.0), outcome=Outcome.INVALID)
    assert pressure.draw(SimpleNamespace(records=[void])) == []
