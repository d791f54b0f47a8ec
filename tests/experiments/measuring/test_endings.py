"""However oddly a subject dies, that is one record with a reason that can be read, and the run goes on."""

import pytest

from experiments.measuring import endings
from experiments.measuring.records import Outcome
from systems import registry
from systems.errors import BadInput
from tests.experiments.measuring.test_outcomes import outcomes

DEATHS = {
    "signal-35": "killed by signal 35",
    "signal-34": "killed by SIGRTMIN",
    "status-1": "exit status 1",
    "status-125": "exit status 125",
    "status-255": "exit status 255",
    "exits-0": "it ended before it had written what it saw: ",
    "exits-words": "goodbye \N{REPLACEMENT CHARACTER}[31m[bold] (exit status 1)",
    "closes-looks": "exit status 1",
    "garbles": "it ended before it had written what it saw",
    "throws-mute": "Mute: what it says cannot be read (exit status 1)",
    "throws-surrogates": "ValueError: half \N{REPLACEMENT CHARACTER} of a pair (exit status 1)",
    "throws-enormous": "ValueError: it was too much of everything of everything",
    "throws-group": "ExceptionGroup: two at once (2 sub-exceptions): ValueError: the first; TypeError: the second",
    "throws-recursion": "RecursionError: maximum recursion depth exceeded (exit status 1)",
    "throws-own": "Own: not an Exception (exit status 1)",
    "throws-interrupt": "KeyboardInterrupt (killed by SIGINT)",
    "throws-noted": "ValueError: with a note (exit status 1)",
    "throws-syntax": "SyntaxError: invalid syntax (broken.py, line 1) (exit status 1)",
    "throws-unwritable": "Unrecordable: the subject's part says 'half \\ud800 of a pair' at .values",
}


@pytest.mark.long
def test_every_odd_death_is_one_record_with_a_readable_reason_and_the_run_goes_on(fourgig, enforcement, tmp_path):
    ways = ",".join([*DEATHS, "fine"])
    arguments = ("probe", "--engine", "simulated", "--blocks", "1", "--out", tmp_path / "run")
    done = fourgig("run", *arguments, *enforcement, PROBE=ways)
    assert done.returncode == 0, done.stderr
    found = outcomes(tmp_path / "run")
    assert {name: record.outcome for name, record in found.items()} == {
        "fine": Outcome.OK,
        **dict.fromkeys(DEATHS, Outcome.CRASHED),
    }
    for name, words in DEATHS.items():
        assert words in found[name].reason, (name, found[name].reason)
        assert found[name].reason.isprintable()
        assert len(found[name].reason) <= 600, name


@pytest.mark.long
def test_who_closes_the_way_to_the_runner_and_hangs_is_timed_out(fourgig, enforcement, tmp_path):
    arguments = ("probe", "--engine", "simulated", "--blocks", "1", "--out", tmp_path / "run")
    done = fourgig("run", *arguments, *enforcement, PROBE="closes-hangs,fine")
    assert done.returncode == 0, done.stderr
    found = outcomes(tmp_path / "run")
    assert found["closes-hangs"].outcome is Outcome.TIMED_OUT
    assert found["fine"].outcome is Outcome.OK


def test_every_return_code_has_words():
    for status in range(-70, 256):
        assert endings.how(status).startswith("exit status" if status >= 0 else "killed by ")


BROKEN = {
    "raises": "raise RuntimeError('nothing\\nworks here.')",
    "leaves": "import sys; sys.exit(0)",
    "mute": "class Mute(Exception):\n    def __str__(self): raise LookupError\nraise Mute",
    "half": "raise ValueError('half \\ud800 of a \\x1b[31m pair')",
    "syntax": "def broken(:",
    "lacks": "class Other: pass",
    "data": "Agent = 7",
}


@pytest.mark.parametrize(("name", "source"), BROKEN.items())
def test_a_module_that_cannot_be_imported_is_one_sentence_whatever_it_raises(monkeypatch, tmp_path, name, source):
    (tmp_path / f"broken_{name}.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BadInput, match=rf"'broken_{name}:Agent'") as caught:
        registry.systems.get(f"broken_{name}:Agent")
    assert str(caught.value).isprintable()
    assert str(caught.value).endswith(".")
