"""One typed definition of the settings, set from text in three ways."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.measuring.profiles import load
from experiments.measuring.records import TrialSpec
from experiments.studies.subjects import make_system
from systems.asynchronous.settings import AsynchronousSettings
from systems.baseline.agent import BaselineSettings
from systems.engines.batched.settings import BatchedSettings
from systems.engines.llama import LlamaSettings
from systems.engines.sampling import said
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.errors import BadInput, UnknownName
from systems.server.settings import ServerSettings
from systems.settings import CACHE_LIMIT, by_system, from_file, layered, names_of, parse

GIB = 2**30


def test_text_becomes_what_the_definition_says():
    texts = {"history_length": "20", "isolation": "false", "deadline_s": "2.5", "cache_key": "question"}
    expected = {"history_length": 20, "isolation": False, "deadline_s": 2.5, "cache_key": "question"}
    assert parse(AsynchronousSettings, texts, "asynchronous") == expected
    assert parse(BaselineSettings, {"cache_capacity": "null"}, "baseline") == {"cache_capacity": None}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("history_length", "-1", ">= 0"),
        ("history_length", "ten", "int"),
        ("cache_capacity", str(CACHE_LIMIT + 1), "<="),
        ("isolation", "perhaps", "bool"),
        ("deadline_s", "0", "> 0"),
        ("cache_key", "text", "Invalid enum value"),
    ],
)
def test_a_value_that_does_not_fit_is_one_sentence(name, text, said):
    with pytest.raises(BadInput) as caught:
        parse(AsynchronousSettings, {name: text}, "asynchronous")
    assert str(caught.value).startswith(f"The setting {name} of asynchronous cannot be {text!r}: ")
    assert said in str(caught.value)


def test_an_unknown_setting_names_the_nearest():
    with pytest.raises(UnknownName, match="setting of baseline named 'history'; did you mean history_length"):
        parse(BaselineSettings, {"history": "3"}, "baseline")


def test_assignments_are_told_apart_by_system_and_the_last_wins():
    assignments = ["asynchronous.isolation=false", "a.dotted.name.size=1", "asynchronous.isolation=true", "a.b=c=d"]
    assert by_system(assignments) == {
        "asynchronous": {"isolation": "true"},
        "a.dotted.name": {"size": "1"},
        "a": {"b": "c=d"},
    }


def test_settings_that_have_settings_of_their_own_are_named_with_a_dot_in_every_way(tmp_path):
    path = tmp_path / "fourgig.toml"
    path.write_text('[batched]\nmodel_path = "m"\n[batched.sampling]\ntop_k = 7\n')
    assert {"sampling.temperature", "sampling.stop", "slots"} < set(names_of(BatchedSettings))

    def set_by(command_line=(), **environ):
        values = by_system(command_line, ["batched", "batched.other"])
        assert set(values) <= {"batched"}
        found = layered(
            BatchedSettings,
            "batched",
            command_line=values.get("batched", {}),
            environ=environ,
            file=from_file(path)["batched"],
        )
        return said(found.sampling)

    assert set_by() == {"top_k": 7}
    assert set_by(["batched.sampling.temperature=0.7"]) == {"top_k": 7, "temperature": 0.7}
    assert set_by(['batched.sampling={"temperature": 0.7, "top_k": null}']) == {"temperature": 0.7}
    assert set_by(FOURGIG_BATCHED_SAMPLING_REPEAT_PENALTY="1.1") == {"top_k": 7, "repeat_penalty": 1.1}
    assert set_by(FOURGIG_BATCHED_SAMPLING='{"top_k": 1}') == {"top_k": 1}
    assert set_by(["batched.sampling.stop=a,b"])["stop"] == ("a", "b")
    assert set_by(['batched.sampling.stop=["a,b"]'])["stop"] == ("a,b",)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("temperature", "0.7", "did you mean sampling.temperature"),
        ("sampling.temprature", "0.7", "did you mean sampling.temperature"),
        ("sampling", "0.7", "set by its parts, such as llama.sampling.temperature"),
        ("sampling", '{"temprature": 1}', "did you mean sampling.temperature"),
        ("sampling.temperature", "-1", "The setting sampling.temperature of llama cannot be '-1': "),
        ("sampling.temperature", "inf", "The setting sampling.temperature of llama cannot be inf"),
        ("threads.count", "1", "did you mean threads"),
    ],
)
def test_what_is_wrong_with_a_setting_of_a_setting_is_one_sentence(name, text, said):
    with pytest.raises(BadInput) as caught:
        parse(LlamaSettings, {"model_path": "", name: text}, "llama")
    assert said in str(caught.value)


@pytest.mark.parametrize("assignment", ["", "isolation=false", "asynchronous.isolation", ".x=1", "asynchronous.=1"])
def test_what_is_no_assignment_says_how_to_write_one(assignment):
    with pytest.raises(BadInput, match=r"SYSTEM\.NAME=VALUE"):
        by_system([assignment])


def test_the_environment_sets_a_system_and_a_typing_error_in_it_is_seen():
    environ = {"FOURGIG_ASYNCHRONOUS_HISTORY_LENGTH": "20", "FOURGIG_BASELINE_MEMORIES": "1", "FOURGIG_CACHE": "/tmp"}

    def set_by(kind, whose, environ):
        return layered(kind, whose, command_line={}, environ=environ, file={})

    assert set_by(AsynchronousSettings, "asynchronous", environ) == AsynchronousSettings(history_length=20)
    assert set_by(BaselineSettings, "baseline", environ) == BaselineSettings(memories=1)
    assert set_by(BaselineSettings, "my-agent", {"FOURGIG_MY_AGENT_MEMORIES": "1"}) == BaselineSettings(memories=1)
    with pytest.raises(UnknownName, match="did you mean history_length"):
        set_by(AsynchronousSettings, "asynchronous", {"FOURGIG_ASYNCHRONOUS_HISTORY_LENGHT": "20"})


def test_the_command_line_wins_over_the_environment_that_over_the_file_and_that_over_what_is_given(tmp_path):
    path = tmp_path / "fourgig.toml"
    path.write_text(
        '[server]\nconnections = 2\nport = 2\nheartbeat_s = 2\ntokens = ["a", "b"]\n[baseline]\nmemories = 1'
    )
    found = layered(
        ServerSettings,
        "server",
        command_line={"connections": "4"},
        environ={"FOURGIG_SERVER_CONNECTIONS": "3", "FOURGIG_SERVER_PORT": "3", "FOURGIG_SERVER_ORIGINS": "http://x,http://y"},
        file=from_file(path)["server"],
        connections=1,
        sockets=1,
    )  # fmt: skip
    assert found == ServerSettings(
        connections=4, port=3, heartbeat_s=2, sockets=1, tokens=("a", "b"), origins=("http://x", "http://y")
    )


@pytest.mark.parametrize("text", ["[server", "server = 1", "\xff"])
def test_a_file_that_is_none_is_told(tmp_path, text):
    path = tmp_path / "fourgig.toml"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(BadInput, match="malformed"):
        from_file(path)
    with pytest.raises(BadInput, match="cannot be read"):
        from_file(tmp_path)


@pytest.mark.parametrize("system", ["baseline", "asynchronous"])
def test_a_trial_has_its_profiles_memory_and_nothing_of_the_environment(tmp_path, monkeypatch, system):
    monkeypatch.setenv(f"FOURGIG_{system.upper()}_HISTORY_LENGTH", "20")
    spec = TrialSpec(
        study="load",
        condition={},
        subject=system,
        system=system,
        profile=load("8gb"),
        block=0,
        seed=11,
        timeout_s=1,
        code_version="",
    )
    made = make_system(spec, SimulatedEngine(SimulatedSettings()), tmp_path)
    assert made._settings.history_length == 10
    assert made._settings.memory_bytes == 8 * GIB
    assert made._settings.replies_cached() == 100
    recorded = msgspec.structs.replace(spec, settings={"cache_capacity": 7, "memory_bytes": GIB})
    assert make_system(recorded, SimulatedEngine(SimulatedSettings()), tmp_path)._settings.replies_cached() == 7


@given(st.integers(1, 2**50), st.integers(1, 2**50))
def test_the_cache_follows_the_memory(some, more):
    smaller, larger = (AsynchronousSettings(memory_bytes=size) for size in sorted((some, more)))
    assert 10 <= smaller.replies_cached() <= larger.replies_cached() <= CACHE_LIMIT
    assert smaller.bytes_cached() <= larger.bytes_cached() <= larger.memory_bytes / 512
    assert smaller.replies_cached() == BaselineSettings(memory_bytes=smaller.memory_bytes).replies_cached()


def test_the_defaults_are_the_published_ones():
    settings = AsynchronousSettings()
    assert (settings.history_length, settings.replies_cached(), settings.cache_seconds) == (10, 50, 1800)
    assert settings.bytes_cached() == 8 * 2**20
