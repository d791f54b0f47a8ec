"""The chat page, used by a headless Chromium over its own debugging protocol."""

import asyncio
import json
import re
import shutil
import urllib.request
from unittest import mock

import pytest
from websockets.asyncio.client import connect

from tests.systems.server.serving import agent, listening_to

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


async def test_the_page_loads_nothing_from_elsewhere(tmp_path):
    async with listening_to(agent(tmp_path)) as address:
        with await asyncio.to_thread(urllib.request.urlopen, f"http://{address}/") as response:
            html, policy = response.read().decode(), response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert not re.search(r"(src|href)=\"(?!data:)", html)


class Browser:
    """One page of a Chromium that is already running."""

    def __init__(self, connection):
        self._connection = connection
        self._number = 0
        self.complaints = []

    async def call(self, method, **params):
        self._number += 1
        await self._connection.send(json.dumps({"id": self._number, "method": method, "params": params}))
        while True:
            message = json.loads(await self._connection.recv())
            if message.get("id") == self._number:
                return message["result"]
            if message.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded"):
                self.complaints.append(message["params"])

    async def run(self, script):
        found = await self.call("Runtime.evaluate", expression=script, returnByValue=True)
        return found["result"].get("value")

    async def until(self, script):
        async with asyncio.timeout(60):
            while not await self.run(script):  # noqa: ASYNC110 - the page tells nobody
                await asyncio.sleep(0.05)


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
async def test_a_browser_logs_in_chats_and_sees_what_was_remembered(tmp_path):
    browser = await asyncio.create_subprocess_exec(
        *(CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"),
        *(f"--user-data-dir={tmp_path / 'profile'}", "about:blank"),
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with listening_to(agent(tmp_path), tokens=("the secret",)) as address:
            while not (found := re.search(rb"ws://([\d.:]+)/", await browser.stderr.readline())):
                pass
            with await asyncio.to_thread(urllib.request.urlopen, f"http://{found[1].decode()}/json") as response:
                [tab] = [tab for tab in json.load(response) if tab["type"] == "page"]
            async with connect(tab["webSocketDebuggerUrl"], max_size=None, ping_interval=None) as connection:
                page = Browser(connection)
                await page.call("Runtime.enable")
                await page.call("Log.enable")
                await page.call("Page.navigate", url=f"http://{address}/")
                await page.until("document.readyState === 'complete' && !login.hidden")
                await page.run("state.textContent = ''; token.value = 'wrong'; login.requestSubmit()")
                await page.until("!login.hidden && state.textContent.includes('not one of')")
                await page.run("token.value = 'the secret'; login.requestSubmit()")
                await page.until("!send.disabled")
                for words in ("Vera lives in Lisbon.", "Where does Vera live?"):
                    await page.run(f"text.value = {words!r}; ask.requestSubmit()")
                    await page.until("!send.disabled")
                last = await page.run("talk.lastElementChild.innerText")
                assert "from the model" in last
                assert "remembered: Vera lives in Lisbon." in last
                assert "Vera lives in Lisbon." in await page.run("talk.innerText")
                errors = [each for each in page.complaints if each.get("entry", {}).get("level", "error") == "error"]
                assert [each["entry"]["networkRequestId"] for each in errors] == [mock.ANY]  # the 401 that asked
    finally:
        browser.terminate()
        await browser.wait()
