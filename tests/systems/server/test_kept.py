"""What is kept of conversations, over HTTP: listed, read, corrected, forgotten; and whose it is."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from urllib.parse import quote

import pytest
from websockets.asyncio.client import connect

from systems.baseline.agent import Baseline
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.server.direct import EngineHost
from systems.server.hosting import host
from tests.systems.server.serving import agent, ask, listening_to, until_the_last
from tests.systems.server.test_completions import call

KEPT = "/v1/fourgig"


async def at(address, path, body=None, method="GET", **headers):
    status, _, said = await call(f"http://{address}{KEPT}{path}", body, method=method, **headers)
    return status, json.loads(said)


async def talked(address, *texts, conversation="one", session="default", **headers):
    async with connect(f"ws://{address}/ws", additional_headers=headers) as connection:
        for text in texts:
            await connection.send(ask(text=text, session=session, conversation=conversation))
            _, last = await until_the_last(connection)
            assert last["type"] == "reply", last


async def test_conversations_are_listed_read_corrected_and_forgotten(tmp_path):
    async with listening_to(agent(tmp_path)) as address:
        await talked(address, "My cat is Quibbleworth.", "It rains.")
        await talked(address, "Another one.", conversation="a/b c")
        _, listed = await at(address, "/conversations")
        assert [(each["id"], each["title"], each["turns"]) for each in listed["data"]] == [
            ("a/b c", "Another one.", 1),
            ("one", "My cat is Quibbleworth.", 2),
        ]
        _, found = await at(address, "/turns?conversation=one&containing=quibbleworth")
        [turn] = [each for each in found["data"] if "Quibble" in each["question"]]
        status, corrected = await at(address, f"/turns/{turn['id']}", {"question": "My cat is Tom."}, "PATCH")
        assert (status, corrected["question"], corrected["conversation"]) == (200, "My cat is Tom.", "one")
        _, found = await at(address, "/turns?conversation=one")
        assert [each["question"] for each in found["data"]] == ["My cat is Tom.", "It rains."]
        _, older = await at(address, f"/turns?before={found['data'][1]['id']}&conversation=one")
        assert [each["question"] for each in older["data"]] == ["My cat is Tom."]
        since = found["data"][1]["id"]
        assert await at(address, f"/conversations/one?since={since}", method="DELETE") == (200, {"deleted": 1})
        assert await at(address, f"/turns/{corrected['id']}", method="DELETE") == (200, {"deleted": 1})
        assert await at(address, f"/conversations/{quote('a/b c', safe='')}", method="DELETE") == (200, {"deleted": 1})
        assert await at(address, "/conversations") == (200, {"data": []})
    assert not any(b"Quibble" in path.read_bytes() for path in tmp_path.iterdir())


async def test_the_conversation_without_a_name_is_read_and_forgotten_too(tmp_path):
    async with listening_to(agent(tmp_path)) as address:
        await talked(address, "A named one.")
        await talked(address, "One without.", conversation=None)
        _, found = await at(address, "/turns?conversation=")
        assert [turn["question"] for turn in found["data"]] == ["One without."]
        assert await at(address, "/conversations/", method="DELETE") == (200, {"deleted": 1})
        _, found = await at(address, "/turns")
        assert [turn["question"] for turn in found["data"]] == ["A named one."]


async def test_what_can_still_be_read_is_said_and_no_response_has_it(tmp_path):
    async with listening_to(agent(tmp_path)) as address:
        _, _, said = await call(f"http://{address}/v1/responses", {"input": "A Flumdiddle."}, method="POST")
        response = f"http://{address}/v1/responses/{json.loads(said)['id']}"
        assert (await call(response))[0] == 200
        [turn] = (await at(address, "/turns"))[1]["data"]
        with closing(sqlite3.connect(tmp_path / "memory.sqlite")) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM memories").fetchone()
            status, error = await at(address, f"/turns/{turn['id']}", method="DELETE")
        assert (status, error["error"]["code"]) == (500, "StillReadable")
        assert (await call(response))[0] == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("DELETE", "/turns/99", None, 404),
        ("DELETE", "/conversations/none", None, 404),
        ("DELETE", "/conversations/", None, 404),
        ("PATCH", "/turns/99", {"question": "x"}, 404),
        ("PATCH", "/turns/{id}", {"question": ""}, 400),
        ("PATCH", "/turns/{id}", {"question": " \n"}, 400),
        ("PATCH", "/turns/{id}", {"answer": "x"}, 400),
        ("PATCH", "/turns/x", {"question": "x"}, 404),
        ("DELETE", "/turns/-1", None, 404),
        ("DELETE", f"/turns/{10**30}", None, 404),
        ("DELETE", "/conversations/one?since=x", None, 404),
        ("GET", "/turns?before=x", None, 400),
        ("GET", f"/turns?conversation={'x' * 513}", None, 400),
        ("POST", "/turns", {}, 405),
        ("GET", "/turns/1", None, 405),
    ],
)
async def test_what_is_not_there_or_no_question_is_an_error_in_words(tmp_path, method, path, body, status):
    async with listening_to(agent(tmp_path)) as address:
        await talked(address, "Something.")
        [turn] = (await at(address, "/turns"))[1]["data"]
        found, said = await at(address, path.replace("{id}", turn["id"]), body, method)
        assert found == status
        assert said["error"]["message"]
        _, kept = await at(address, "/turns")
        assert [each["question"] for each in kept["data"]] == ["Something."]


async def test_another_token_sees_and_forgets_nothing_of_it(tmp_path):
    async with listening_to(agent(tmp_path), tokens=("one", "two")) as address:
        mine, theirs = ({"Authorization": f"Bearer {token}"} for token in ("one", "two"))
        await talked(address, "A secret.", **mine)
        await talked(address, "Vera's.", session="vera", **mine)
        [turn] = (await at(address, "/turns", **mine))[1]["data"]
        assert (await at(address, "/turns", **theirs))[1] == {"data": []}
        assert (await at(address, "/conversations?user=vera", **theirs))[1] == {"data": []}
        assert (await at(address, f"/turns/{turn['id']}", method="DELETE", **theirs))[0] == 404
        assert (await at(address, "/turns"))[0] == 401
        [vera] = (await at(address, "/turns?user=vera", **mine))[1]["data"]
        assert vera["question"] == "Vera's."
        evil = {**mine, "Origin": "https://evil.example"}
        assert (await at(address, f"/turns/{turn['id']}", method="DELETE", **evil))[0] == 403
        assert (await at(address, f"/turns/{turn['id']}", method="DELETE", **mine))[0] == 200


@pytest.mark.parametrize("kind", ["engine", "baseline", "like"])
async def test_what_keeps_nothing_says_so(tmp_path, kind):
    engine = SimulatedEngine(SimulatedSettings())
    hosted = {
        "engine": lambda: EngineHost(engine, 60),
        "baseline": lambda: host(Baseline(Baseline.Settings(), engine, tmp_path)),
        "like": lambda: agent(tmp_path, engine, full_text=False),
    }[kind]()
    async with listening_to(hosted) as address:
        for path, method in (("/conversations", "GET"), ("/turns", "GET"), ("/turns/1", "DELETE")):
            status, said = await at(address, path, method=method)
            assert (status, said["error"]["code"]) == (404, "not_kept")


async def test_forgetting_a_turn_leaves_other_responses_and_its_id_is_never_another_turns(
    tmp_path,
):
    async with listening_to(agent(tmp_path)) as address:
        answers = []
        for name in ("other", "two\nlines"):
            body = {"input": f"In {name}.", "prompt_cache_key": name}
            _, _, said = await call(f"http://{address}/v1/responses", body, method="POST")
            answers.append(f"http://{address}/v1/responses/{json.loads(said)['id']}")
        stale = (await at(address, "/turns"))[1]["data"][-1]["id"]
        assert (await at(address, f"/turns/{stale}", method="DELETE"))[0] == 200
        assert [(await call(answer))[0] for answer in answers] == [200, 404]
        await talked(address, "Precious.", conversation="two\nlines")
        assert (await at(address, f"/turns/{stale}", method="DELETE"))[0] == 404
        name = quote("two\nlines", safe="")
        assert await at(address, f"/conversations/{name}", method="DELETE") == (200, {"deleted": 1})


async def test_a_response_cannot_be_gone_on_from_by_another_person_of_the_same_token(tmp_path):
    async with listening_to(agent(tmp_path)) as address:
        asking = f"http://{address}/v1/responses"
        _, _, said = await call(asking, {"input": "Mine.", "user": "a"}, method="POST")
        more = {"input": "Go on.", "previous_response_id": json.loads(said)["id"]}
        status, _, said = await call(asking, {**more, "user": "b"}, method="POST")
        assert (status, json.loads(said)["error"]["code"]) == (400, "previous_response_not_found")
        assert (await call(asking, {**more, "user": "a"}, method="POST"))[0] == 200
