"""`fourgig serve` as a person runs it: from its first line to its last signal."""

import json
import os
import signal
import subprocess
import urllib.request

import pytest

from tests.experiments.conftest import FOURGIG


@pytest.fixture
def serve(tmp_path):
    """Return a function that starts the command and gives the process with its address."""
    started = []

    def start(*arguments, **environment):
        process = subprocess.Popen(
            [str(FOURGIG), "serve", "--engine", "simulated", "--port", "0", "--data", str(tmp_path), *arguments],
            env={**os.environ, **environment},
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        line = process.stderr.readline()
        assert line.startswith("Serving "), line + process.stderr.read()
        return process, line.split()[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def ask(address, token="", **body):
    body = {"messages": [{"role": "user", "content": "My name is Vera"}], "max_tokens": 4, **body}
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(f"{address}v1/chat/completions", json.dumps(body).encode(), headers)
    return urllib.request.urlopen(request, timeout=20)


def test_every_turn_it_acknowledged_is_there_after_a_kill_and_it_stops_when_it_is_told_to(serve):
    tokens = []
    for end, status in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 0)):
        process, address = serve(FOURGIG_SERVER_TOKENS="a secret")
        replies = [json.load(ask(address, "a secret", user=f"user-{number}")) for number in range(5)]
        tokens.append([reply["usage"]["prompt_tokens"] for reply in replies])
        process.send_signal(end)
        assert process.wait(20) == status
    # Nothing but the long-term memory outlives the process, and what it holds is in the prompt.
    assert all(remembering > anew for anew, remembering in zip(*tokens, strict=True))


def test_an_engine_alone_is_served_inside_a_profile(serve, enforcement):
    if enforcement:
        pytest.skip("nothing here can enforce a limit")
    process, address = serve("--system", "none", "--profile", "1gb")
    assert json.load(ask(address))["model"] == "simulated"
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0


def test_a_conversation_in_the_terminal(serve, fourgig):
    _, address = serve("--token", "a secret", "--system", "none")
    url = address.replace("http", "ws") + "ws"
    talk = [str(FOURGIG), "chat", "--url", url, "--session", "me"]
    said = subprocess.run(
        [*talk, "--token", "a secret"], input="Hello\n\n", capture_output=True, text=True, timeout=60, check=True
    )
    assert "model" in said.stdout
    refused = subprocess.run(talk, input="Hello\n", capture_output=True, text=True, timeout=60, check=False)
    assert refused.returncode == 8
    assert "token is required" in refused.stderr
    nobody = fourgig("chat", "--url", "ws://127.0.0.1:1/ws")
    assert nobody.returncode == 8
    assert "fourgig serve" in nobody.stderr


def test_a_second_signal_ends_it_at_once(serve):
    process, address = serve("--system", "none", "--set", "simulated.token_s=1")
    with ask(address, max_tokens=60, stream=True) as under_way:
        under_way.readline()
        process.send_signal(signal.SIGTERM)
        assert process.stderr.readline().startswith("Stopping")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 128 + signal.SIGTERM


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--host", "0.0.0.0"], "token is required"),
        (["--set", "server.conections=3"], "did you mean connections"),
    ],
)
def test_what_cannot_be_served_is_one_sentence(fourgig, arguments, says):
    done = fourgig("serve", "--engine", "simulated", *arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
