"""How the page reaches its server, and what it says where it does not."""

import asyncio
import re
from contextlib import asynccontextmanager

import pytest

from tests.systems.server.page.talking import HOLD, Speaker, click, ready, say, serving, turns

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_failures_are_said_with_a_way_on(visit, tmp_path):
    engine = Speaker({"breath": None, "tale": "Once upon"})
    engine.cut = {"tale"}
    async with serving(tmp_path, engine) as address:
        page = await ready(await visit(f"http://{address}/"))
        await say(page, "Take a breath")
        assert "The engine is out of breath." in (await turns(page))[0]
        engine.replies["breath"] = "Better."
        await page.run(click(".mark button", "Try again"))
        await page.until("$('turns').innerText.includes('Better.') && $('stop').hidden")
        assert len(await turns(page)) == 1
        await say(page, "Tell me a tale")
        last = (await turns(page))[-1]
        assert "It was cut at its longest." in last
        assert "2 older messages had no room" in last
        await page.run(click(".mark button", "Continue"))
        await page.until("document.querySelectorAll('.turn').length === 3 && $('stop').hidden")
        assert "continue" in engine.asked[-1]
        await say(page, "/help")
        assert "a command's answer" in (await turns(page))[-1]


@pytest.mark.parametrize("random_weights", [True, False])
async def test_random_weights_are_named_as_such(visit, tmp_path, random_weights):
    async with serving(tmp_path, Speaker(), random_weights=random_weights) as address:
        page = await ready(await visit(f"http://{address}/"))
        assert await page.run("$('warning').checkVisibility()") == random_weights


async def test_the_page_finds_its_server_again(visit, tmp_path):
    engine = Speaker({"poem": f"A line{HOLD} more"})
    async with serving(tmp_path, engine, grace_s=0) as address:
        port = int(address.rpartition(":")[2])
        page = await ready(await visit(f"http://{address}/"))
        await page.run("$('text').value = 'A poem'; $('ask').requestSubmit()")
        await page.until("$('turns').innerText.includes('A line')")
    await page.until("$('turns').innerText.includes('The connection was lost before the reply was whole.')")
    await page.until("$('state').textContent.includes('cannot be reached')")
    async with serving(tmp_path, Speaker({"poem": "All of it."}), port=port):
        await ready(page)
        await page.run(click(".mark button", "Try again"))
        await page.until("$('turns').innerText.includes('All of it.') && $('stop').hidden")


async def test_a_page_opened_by_a_name_says_what_to_do(visit, tmp_path):
    async with serving(tmp_path, Speaker()) as address:
        name = f"fourgig.example:{address.rpartition(':')[2]}"
        page = await visit(f"http://{name}/")
        assert f"server.origins=http://{name}" in await page.run("document.body.innerText")
    async with serving(tmp_path, Speaker(), tokens=("the secret",)) as address:
        page = await visit(f"http://fourgig.example:{address.rpartition(':')[2]}/")
        await page.until("$('login').open")
        await page.run("$('token').value = 'the secret'; $('login-form').requestSubmit()")
        await ready(page)


async def test_a_page_behind_a_proxy_that_hides_its_name_says_what_to_do(visit, tmp_path):
    async with serving(tmp_path, Speaker()) as address, proxy(address, "", host_sent=address) as outside:
        page = await visit(f"http://{outside}/")
        await page.until(f"$('state').textContent.includes('server.origins=http://{outside}')")
        await page.run("$('text').value = 'Hello'; $('ask').requestSubmit()")
        await page.until("$('turns').innerText.includes('may not connect')")
    inner, outer = (int(each.rpartition(":")[2]) for each in (address, outside))
    allowed = serving(tmp_path, Speaker(), port=inner, origins=(f"http://{outside}",))
    async with allowed, proxy(address, "", host_sent=address, port=outer):
        await ready(page)


async def test_the_page_works_under_a_path_of_a_proxy(visit, tmp_path):
    async with (
        serving(tmp_path, Speaker({"weather": "It is fine."})) as address,
        proxy(address, "/agents/vera") as outside,
    ):
        page = await ready(await visit(f"http://{outside}/agents/vera/"))
        await say(page, "How is the weather?")
        await page.until("document.querySelector('nav .open')")
        await page.call("Page.reload")
        await page.until("$('turns').innerText.includes('It is fine.')")
        bare = await visit(f"http://{outside}/agents/vera")
        assert "must end with a slash" in await bare.run("document.body.innerText")


@asynccontextmanager
async def proxy(address, path, host_sent=None, port=0):
    """Pass on what is asked under ``path``, WebSocket too, and nothing else; ``host_sent`` in the place of its name."""
    inner = address.split(":")

    async def passed(reader, writer):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            method, target, rest = head.split(b" ", 2)
            if target != path.encode() and not target.startswith(path.encode() + b"/"):
                writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                return
            inner_reader, inner_writer = await asyncio.open_connection(*inner)
            if b"upgrade: websocket" not in head.lower():
                rest = re.sub(rb"(?i)\r\nconnection: [^\r]*", b"", rest).replace(
                    b"\r\n", b"\r\nConnection: close\r\n", 1
                )
            if host_sent is not None:
                rest = re.sub(rb"(?i)\r\nhost: [^\r]*", b"\r\nHost: " + host_sent.encode(), rest)
            inner_writer.write(b" ".join([method, target[len(path) :] or b"/", rest]))
            await asyncio.gather(pumped(reader, inner_writer), pumped(inner_reader, writer))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def pumped(reader, writer):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(passed, "127.0.0.1", port)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
