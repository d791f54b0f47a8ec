"""`fourgig serve` as a person runs it: from its first line to its last signal."""

import asyncio
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import time
import urllib.request

import pytest
from typer.testing import CliRunner

from experiments.commands.chat import ServerGone
from experiments.commands.cli import app
from experiments.commands.durations import seconds
from systems.errors import BadInput, ExitCode, FourgigError
from tests.experiments.conftest import FOURGIG
from tests.systems.engines.embedding.small import encoder
from tests.systems.server.serving import Crowd, agent, listening_to


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


@pytest.fixture
def serve_tiny(tmp_path, tmp_path_factory):
    """Return a function that serves the smallest model, and gives what is said before the address, and the address."""
    started = []

    def start(*arguments):
        process = subprocess.Popen(
            [
                *(str(FOURGIG), "serve", "--port", "0", "--data", str(tmp_path), "--set", "batched.threads=1"),
                *arguments,
            ],
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        said = []
        while not (line := process.stderr.readline()).startswith("Serving "):
            assert line, said
            said.append(line)
        return "".join(said), line.split()[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def ask(address, token="", **body):
    body = {"messages": [{"role": "user", "content": "My name is Vera"}], "max_tokens": 4, **body}
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(f"{address}v1/chat/completions", json.dumps(body).encode(), headers)
    return urllib.request.urlopen(request, timeout=20)


CLOCK = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long long nothing, *ahead = &nothing;  /* seconds, in a file that the test writes */

__attribute__((constructor)) static void find(void) {
    int file = open(getenv("SECONDS_AHEAD"), O_RDONLY);
    if (file >= 0) ahead = mmap(0, sizeof *ahead, PROT_READ, MAP_SHARED, file, 0);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = syscall(SYS_clock_gettime, clock, now);
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) now->tv_sec += *ahead;
    return failed;
}

int gettimeofday(struct timeval *now, void *zone) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec, now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *where) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (where) *where = exact.tv_sec;
    return exact.tv_sec;
}
"""


@pytest.fixture
def wall_clock(tmp_path):
    """Return the environment of a process whose wall clock alone can be set, and a function that sets it ahead."""
    if shutil.which("cc") is None:
        pytest.skip("no C compiler to make a clock with")
    library, ahead = tmp_path / "clock.so", tmp_path / "ahead"
    subprocess.run(["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", library], input=CLOCK, text=True, check=True)

    def set_ahead(seconds):
        with ahead.open("r+b") as file:
            file.write(struct.pack("q", seconds))

    ahead.write_bytes(bytes(8))
    return {"LD_PRELOAD": str(library), "SECONDS_AHEAD": str(ahead)}, set_ahead


@pytest.mark.long
async def test_fifty_users_do_not_notice_a_clock_that_jumps_and_no_turn_they_know_of_is_lost_in_a_kill(
    serve, wall_clock, tmp_path
):
    environment, set_ahead = wall_clock
    process, address = serve("--set", "server.connections=50", **environment)
    async with Crowd(address.removeprefix("http://").rstrip("/")) as crowd:
        for seconds in (86_400, -400 * 86_400):  # beyond every time-out, and long before the server was started
            set_ahead(seconds)
            assert await crowd.go_on() == []
            created = json.load(await asyncio.to_thread(ask, address))["created"]
            assert abs(created - time.time() - seconds) < 60
        process.kill()
        await crowd.until_cut_off()
    assert len(crowd.acknowledged) >= 200
    assert crowd.lost(tmp_path / "memory.sqlite") == set()
    process, address = serve(**environment)
    asked = [{"role": "user", "content": "Which turn of which user?"}]
    anew, remembering = (json.load(ask(address, user=name, messages=asked)) for name in ("nobody", "user-7"))
    assert anew["usage"]["prompt_tokens"] < remembering["usage"]["prompt_tokens"]
    process.terminate()
    assert await asyncio.to_thread(process.wait, 20) == 0


def test_the_start_names_model_and_context_and_says_that_the_words_of_random_weights_mean_nothing(serve_tiny):
    said, address = serve_tiny("--model", "tiny")
    assert "Model: fourgig tiny: random weights" in said
    assert "Context: 2,048 tokens, the model's own." in said
    assert "The weights are random: everything works, and what is said means nothing. A reply ends after 256" in said
    reply = json.load(ask(address, max_tokens=None))
    assert reply["usage"]["completion_tokens"] <= 256
    listed = json.load(urllib.request.urlopen(f"{address}v1/models", timeout=20))
    assert listed["data"][0]["context_length"] == 2048


def test_a_model_that_says_something_has_replies_as_long_as_there_is_room(serve_tiny):
    said, _ = serve_tiny("--model", "reader")
    assert "Context: 4,096 tokens, the model's own." in said
    assert "random" not in said


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (["batched.context_tokens=512"], "Context: 512 tokens, as set.\n"),
        (["batched.context_tokens=4096"], "The model was trained on 2,048: beyond them its words may mean nothing."),
        (["batched.memory_bytes=2000000"], "of the model's 2,048 tokens, as many as 2 MiB hold; --set batched.context"),
        (["server.max_tokens=9"], "A reply ends after 9 tokens."),
    ],
)
def test_what_is_set_is_said_and_done(serve_tiny, settings, says):
    said, address = serve_tiny("--model", "tiny", *(part for each in settings for part in ("--set", each)))
    assert says in said
    assert json.load(ask(address, max_tokens=100_000))["usage"]["completion_tokens"] >= 1


def test_an_agent_times_the_steps_of_its_turns_on_request(serve):
    process, address = serve("--system", "pooled", "--profile-turns")
    json.load(ask(address))
    metrics = urllib.request.urlopen(f"{address}metrics", timeout=20).read().decode()
    assert 'fourgig_turn_steps_total{step="model"} 1.0' in metrics
    assert 'fourgig_target_status{reading="success",status="excellent",target="S4-success"} 1.0' in metrics
    process.terminate()
    said = process.stderr.read()
    assert process.wait(20) == 0
    assert re.search(r"^model +1 ", said, re.MULTILINE)


@pytest.mark.parametrize(
    ("system", "says"), [("asynchronous", "cannot time the steps"), ("none", "An engine alone has no")]
)
def test_who_has_no_steps_to_time_says_so(system, says):
    done = CliRunner().invoke(app, ["serve", "--engine", "simulated", "--system", system, "--profile-turns"])
    assert isinstance(done.exception, BadInput)
    assert says in str(done.exception)


def test_an_engine_alone_is_served_inside_a_profile(serve, enforcement):
    if enforcement:
        pytest.skip("nothing here can enforce a limit")
    process, address = serve("--system", "none", "--profile", "1gb")
    assert json.load(ask(address))["model"] == "simulated"
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0


def test_a_server_makes_embeddings_and_its_agent_remembers_by_them_if_it_is_told_to(serve, tmp_path):
    model = encoder(tmp_path / "small.gguf")
    _, address = serve("--embeddings", str(model), "--set", f"asynchronous.embedding_model={model}")
    body = json.dumps({"input": ["cat", "dog"]}).encode()
    with urllib.request.urlopen(f"{address}v1/embeddings", body, timeout=20) as answer:
        found = json.load(answer)
    assert (found["model"], len(found["data"])) == ("small", 2)
    ask(address)
    with urllib.request.urlopen(f"{address}metrics", timeout=20) as answer:
        assert b"fourgig_system_vectors_total" in answer.read()


def test_a_conversation_in_the_terminal_and_a_second_signal_that_ends_the_server_at_once(serve):
    process, address = serve("--token", "a secret", "--system", "none", "--set", "simulated.token_s=0.002")
    url = address.replace("http", "ws") + "ws"
    talk = [str(FOURGIG), "chat", "--url", url, "--session", "me", "--token", "a secret"]
    said = subprocess.run(talk, input="Hello\n\n", capture_output=True, text=True, timeout=60, check=True)
    assert re.search(r"model · [\d.]+ s · [\d.]+ tokens/s", said.stdout)
    with ask(address, "a secret", max_tokens=4000, stream=True) as under_way:
        under_way.readline()
        process.send_signal(signal.SIGTERM)
        assert process.stderr.readline().startswith("Stopping")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 128 + signal.SIGTERM


async def test_who_cannot_be_talked_to_is_one_sentence(tmp_path):
    async with listening_to(agent(tmp_path), tokens=("a secret",)) as address:
        chat = ["chat", "--url", f"ws://{address}/ws"]
        refused = await asyncio.to_thread(CliRunner().invoke, app, chat, input="Hello\n")
    assert (type(refused.exception), refused.exception.exit_code) == (ServerGone, ExitCode.NO_ANSWER)
    assert "token is required" in str(refused.exception)
    nobody = CliRunner().invoke(app, ["chat", "--url", "ws://127.0.0.1:1/ws"])
    assert type(nobody.exception) is ServerGone
    assert "fourgig serve" in str(nobody.exception)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (["batched.context_tokens=10"], "too short for a conversation: 128 at least"),
        (["batched.context_tokens=100000000"], "MiB are to be had"),
        (["batched.memory_bytes=1"], "holds no conversation of 256 tokens"),
        (["batched.memory_bytes=1", "batched.context_tokens=512"], "holds no conversation of 512 tokens"),
        (["asynchronous.embedding_model=minilm", "asynchronous.full_text=false"], "leave full_text and all_words on"),
    ],
)
def test_what_would_fail_every_message_or_do_nothing_is_refused_before_anybody_is_served(tiny_model, settings, says):
    options = [part for each in settings for part in ("--set", each)]
    done = CliRunner().invoke(app, ["serve", "--model", str(tiny_model), "--port", "0", *options])
    assert isinstance(done.exception, BadInput), done
    assert says in str(done.exception)


def test_a_model_that_only_makes_embeddings_is_not_served_as_one_that_answers(tmp_path):
    done = CliRunner().invoke(app, ["serve", "--model", str(encoder(tmp_path / "small.gguf"))])
    assert isinstance(done.exception, BadInput), done
    assert "makes embeddings and answers nothing" in str(done.exception)


def test_an_engine_alone_is_asked_for_by_the_name_that_its_model_was_given(serve_tiny):
    _, address = serve_tiny("--system", "none", "--model", "tiny:q8_0:3")
    assert json.load(ask(address, model="tiny:q8_0:3"))["model"] == "tiny:q8_0:3"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--host", "0.0.0.0"], "token is required"),
        (["--set", "server.conections=3"], "did you mean connections"),
        (["--embeddings", "minilmm"], "did you mean minilm"),
    ],
)
def test_what_cannot_be_served_is_one_sentence(arguments, says):
    done = CliRunner().invoke(app, ["serve", "--engine", "simulated", *arguments])
    assert isinstance(done.exception, FourgigError)
    assert done.exception.exit_code == ExitCode.BAD_INPUT
    assert says in str(done.exception)


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("--system ", {"asynchronous", "baseline", "none"}),
        ("--engine b", {"batched"}),
        ("--profile 4", {"4gb"}),
        ("--set server.asks_per_", {f"server.asks_per_{each}=" for each in ("connection", "user", "minute")}),
        ("--log w", {"warning"}),
    ],
)
def test_the_tab_key_knows_what_can_be_served(typed, offered):
    words = f"fourgig serve {typed}"
    environment = {"_FOURGIG_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": "3"}
    done = CliRunner().invoke(app, [], prog_name="fourgig", env=environment)
    assert set(done.stdout.split()) >= offered
    assert typed.endswith(" ") or set(done.stdout.split()) == offered


@pytest.mark.parametrize(
    ("written", "length"), [("90", 90), ("90s", 90), ("10m", 600), ("1.5 h", 5400), (60.5, 60.5), ("1min", 60)]
)
def test_a_time_is_read_as_people_write_it(written, length):
    assert seconds(written, "it") == length


@pytest.mark.parametrize("wrong", ["", "0", "-1", "soon", "10 weeks", "nan", "inf", "1e3", "10m5s"])
def test_what_is_no_time_is_refused_in_a_sentence(wrong):
    done = CliRunner().invoke(app, ["serve", "--engine", "simulated", f"--unload-after={wrong or ' '}"])
    assert type(done.exception) is BadInput
    with pytest.raises(BadInput, match="give seconds"):
        seconds(wrong, "serve.unload_after")


@pytest.mark.parametrize(
    "how", ["option", *(pytest.param(each, marks=pytest.mark.long) for each in ("environment", "file"))]
)
def test_the_model_leaves_memory_and_the_next_request_has_it_back(serve_tiny, tiny_model, tmp_path, monkeypatch, how):
    said = {"option": ["--unload-after", "1s"], "environment": [], "file": ["--config", str(tmp_path / "set.toml")]}
    if how == "environment":
        monkeypatch.setenv("FOURGIG_SERVE_UNLOAD_AFTER", "1s")
    (tmp_path / "set.toml").write_text("[serve]\nunload_after = 1\n")
    _, address = serve_tiny("--model", str(tiny_model), *said[how])

    def ask():
        body = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 3}
        with urllib.request.urlopen(f"{address}v1/chat/completions", json.dumps(body).encode(), timeout=60) as reply:
            return reply.status

    def counted():
        with urllib.request.urlopen(f"{address}metrics", timeout=60) as reply:
            return reply.read().decode()

    assert ask() == 200
    until = time.monotonic() + 60
    while "fourgig_model_loaded 0.0" not in counted():
        assert time.monotonic() < until
        time.sleep(0.1)
    assert ask() == 200
    assert "fourgig_model_loaded 1.0" in counted()
