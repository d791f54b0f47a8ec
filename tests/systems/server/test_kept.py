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
        assert await at(address, "/conversations") == (200, {"data": [], "has_more": False})
    assert not any(b"Quibble" in path.read_bytes() for path in tmp_path.iterdir())


async def test_conversations_are_listed_in_pages(tmp_path):
    async with listening_to(agent(tmp_path)) as address:
        for name in ("a", None, "c", "d", "e"):
            await talked(address, f"Of {name}.", conversation=name)
        pages, after = [], ""
        while True:
            _, page = await at(address, f"/conversations?limit=2{after}")
            pages.append([each["id"] for each in page["data"]])
            if not page["has_more"]:
                break
            after = f"&after={page['data'][-1]['place']}"
        assert pages == [["e", "d"], ["c", ""], ["a"]]
        assert (await at(address, "/conversations?after=x"))[0] == 404
        for wrong in ("limit=0", "limit=501", "limit=x", f"after={'x' * 600}"):
            status, said = await at(address, f"/conversations?{wrong}")
            assert (status, said["error"]["param"]) == (400, wrong.partition("=")[0])


async def test_the_conversation_without_a_name_is_read_and_forgotten_too(tmp_path):
    async with listening_to(agent(tmp_path)) as address:
        await talked(address, "A named one.")
        await talked(address, "One without.", conversation=None)
        _, found = await at(address, "/turns?conversation=")
        assert [turn["question"] for turn in found["data"]] == ["One without."]
        assert await at(address, "/conversations/", method="DELETE") == (200, {"deleted": 1})
        _, found = await at(address, "/turns")
        assert [turn["question"] for turn in found["data"]] == ["A named one."]


async def test_what_can_still_be_read_is_said_and_no_response_has_it(tmp_path, impatient):
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
        ("PATCH", "/turns/1", {"question": ""}, 400),
        ("PATCH", "/turns/1", {"question": "  "}, 400),
        ("PATCH", "/turns/1", {"answer": "x"}, 400),
        ("PATCH", "/turns/x", {"question": "x"}, 404),
        ("DELETE", "/turns/-1", None, 404),
        ("DELETE", f"/turns/{10**30}", None, 404),
        ("DELETE", "/conversations/one?since=x", None, 404),
        ("GET", "/turns?before=x", None, 404),
        ("GET", f"/turns?conversation={'x' * 600}", None, 400),
        ("POST", "/turns", {}, 405),
        ("GET", "/turns/1", None, 405),
    ],
)
async def test_what_is_not_there_or_no_question_is_an_error_in_words(tmp_path, method, path, body, status):
    async with listening_to(agent(tmp_path)) as address:
        await talked(address, "Something.")
        found, said = await at(address, path, body, method)
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
        assert (await at(address, "/conversations?user=vera", **theirs))[1]["data"] == []
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


async def responded(address, text, **more):
    status, _, said = await call(f"http://{address}/v1/responses", {"input": text, "max_output_tokens": 4, **more})
    assert status == 200, said
    return json.loads(said)["id"]


async def test_forgetting_a_turn_takes_the_responses_of_its_conversation_and_no_others(tmp_path):
    async with listening_to(agent(tmp_path)) as address:
        mine = await responded(address, "In one.", prompt_cache_key="one")
        other = await responded(address, "In two.", prompt_cache_key="two\nlines")
        _, found = await at(address, f"/turns?conversation={quote('two' + chr(10) + 'lines', safe='')}")
        assert (await at(address, f"/turns/{found['data'][-1]['id']}", method="DELETE"))[0] == 200
        for name, status in ((mine, 200), (other, 404)):
            assert (await call(f"http://{address}/v1/responses/{name}"))[0] == status
        await talked(address, "Again.", conversation="two\nlines")
        two = quote("two\nlines", safe="")
        assert await at(address, f"/conversations/{two}", method="DELETE") == (200, {"deleted": 1})


async def test_an_id_never_means_another_turn(tmp_path):
    async with listening_to(agent(tmp_path)) as address:
        await talked(address, "The first.")
        [stale] = (await at(address, "/turns"))[1]["data"]
        assert (await at(address, f"/turns/{stale['id']}", method="DELETE"))[0] == 200
        await talked(address, "Precious.")
        assert (await at(address, f"/turns/{stale['id']}", method="DELETE"))[0] == 404
        assert (await at(address, f"/conversations/one?since={stale['id']}", method="DELETE"))[0] == 404
        [kept] = (await at(address, "/turns"))[1]["data"]
        assert kept["question"] == "Precious."
        _, corrected = await at(address, f"/turns/{kept['id']}", {"question": "More so."}, "PATCH")
        assert (await at(address, f"/turns/{kept['id']}", method="DELETE"))[0] == 404
        assert (await at(address, f"/turns/{corrected['id']}", method="DELETE"))[0] == 200


async def test_a_response_of_one_person_is_not_gone_on_from_by_another(tmp_path):
    async with listening_to(agent(tmp_path)) as address:
        first = await responded(address, "My secret.", user="pa")
        asked = {"input": "And?", "previous_response_id": first, "max_output_tokens": 4}
        status, _, said = await call(f"http://{address}/v1/responses", {**asked, "user": "pb"})
        assert (status, json.loads(said)["error"]["code"]) == (400, "previous_response_not_found")
        assert (await call(f"http://{address}/v1/responses", {**asked, "user": "pa"}))[0] == 200


async def test_nothing_to_answer_is_said(tmp_path):
    nothing = {"input": [{"type": "reasoning", "id": "x", "summary": []}]}
    for hosted in (agent(tmp_path), EngineHost(SimulatedEngine(SimulatedSettings()), 60)):
        async with listening_to(hosted) as address:
            status, _, said = await call(f"http://{address}/v1/responses", nothing)
            assert status == 400, said
