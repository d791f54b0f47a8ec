"""What would stop a run is told before the first trial, by a dry run too, and nothing is left behind."""

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from experiments.commands import checking
from experiments.errors import CannotEnforce, StorageError
from experiments.measuring.profiles import load
from systems.errors import ExitCode

LOAD = ("run", "load", "--preset", "smoke", "--only", "system=baseline", "--dry-run")


@pytest.fixture
def endpoint():
    """Serve an endpoint that has one model, and no other, and return its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self._answer(200, {"data": [{"id": "small"}]})

        def do_POST(self):
            self._answer(404, {})

        def _answer(self, status, body):
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


def test_an_endpoint_is_asked_before_the_first_trial(fourgig, endpoint):
    fit = fourgig(*LOAD, "--engine", "openai", "--url", endpoint, "--set", "openai.model=small")
    assert fit.returncode == 0, fit.stderr
    unfit = fourgig(*LOAD, "--engine", "openai", "--set", f"openai.url={endpoint}")
    assert unfit.returncode == ExitCode.NO_ANSWER
    assert "no model named 'default'" in unfit.stderr
    assert "small" in unfit.stderr


def test_an_endpoint_where_nobody_listens_stops_the_run(fourgig):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/v1"
    done = fourgig(*LOAD, "--engine", "openai", "--url", url)
    assert done.returncode == ExitCode.NO_ANSWER
    assert f"Nobody listens at {url}" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_address_is_given_once(fourgig):
    done = fourgig(*LOAD, "--engine", "openai", "--url", "http://a/v1", "--set", "openai.url=http://b/v1")
    assert done.returncode == ExitCode.BAD_INPUT
    assert "give one of them" in done.stderr


def test_a_setting_that_no_trial_would_have_is_refused(fourgig):
    done = fourgig(*LOAD, "--engine", "simulated", "--set", "asynchronous.history_length=4")
    assert done.returncode == ExitCode.BAD_INPUT
    assert "No trial of this run uses asynchronous" in done.stderr


def test_a_dry_run_tells_of_a_model_that_is_missing_or_none(fourgig, tmp_path):
    text = tmp_path / "text.gguf"
    text.write_text("just words")
    for model, says in ((tmp_path / "no.gguf", "no.gguf"), (text, "not a GGUF")):
        done = fourgig("run", "load", "--model", model, "--dry-run")
        assert done.returncode == ExitCode.BAD_MODEL
        assert says in done.stderr


def test_a_dry_run_tells_of_a_folder_that_cannot_be_written_and_leaves_nothing(fourgig, tmp_path):
    done = fourgig("run", "probe", "--engine", "simulated", "--out", "/proc/nowhere/run", "--dry-run")
    assert done.returncode == ExitCode.CANNOT_WRITE
    assert "/proc/nowhere/run" in done.stderr
    checking.check_writable(tmp_path / "new" / "run")
    assert not (tmp_path / "new").exists()


def test_a_file_in_the_folders_place_is_told(tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(StorageError, match="Not a directory"):
        checking.check_writable(tmp_path / "run")


def test_that_nothing_can_enforce_the_profile_is_an_obstacle_only_to_who_wants_it_enforced(monkeypatch):
    def choose(profile, *, allow_unenforced):
        if not allow_unenforced:
            raise CannotEnforce("Nothing here can enforce it.")

    monkeypatch.setattr(checking, "choose", choose)
    assert checking.obstacle(load("4gb"), allow_unenforced=False) == "Nothing here can enforce it."
    assert checking.obstacle(load("4gb"), allow_unenforced=True) is None
