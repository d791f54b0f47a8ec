"""A headless Chromium, used over its own debugging protocol: one process, and for each test pages of their own."""

import asyncio
import base64
import json
import re
import shutil
from contextlib import asynccontextmanager

from websockets.asyncio.client import connect

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

_SHORTHAND = "globalThis.$ = (id) => document.getElementById(id);"
_KEYS = {"Enter": 13, "Escape": 27, "Tab": 9, "PageUp": 33, "Home": 36, "End": 35, " ": 32}


class Browser:
    """A Chromium that runs. What belongs to a page is told apart by its session."""

    def __init__(self, connection):
        self._connection = connection
        self._number = 0
        self._asked = {}
        self._listeners = {}

    async def read(self):
        """Hand on what the browser says, until it is closed."""
        async for frame in self._connection:
            message = json.loads(frame)
            if "id" in message:
                asked = self._asked.pop(message["id"])
                if not asked.done():
                    asked.set_result(message)
            elif message.get("sessionId") in self._listeners:
                self._listeners[message["sessionId"]](message["method"], message["params"])

    async def call(self, method, session=None, **params):
        self._number += 1
        asked = self._asked[self._number] = asyncio.get_running_loop().create_future()
        message = {"id": self._number, "method": method, "params": params}
        await self._connection.send(json.dumps(message if session is None else {**message, "sessionId": session}))
        async with asyncio.timeout(60):
            answer = await asked
        assert "error" not in answer, (method, answer["error"])
        return answer["result"]

    @asynccontextmanager
    async def visitor(self):
        """Give a function that opens pages of one visitor, who has never been anywhere."""
        context = (await self.call("Target.createBrowserContext"))["browserContextId"]

        async def opened(address, **look):
            target = (await self.call("Target.createTarget", url="about:blank", browserContextId=context))["targetId"]
            session = (await self.call("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
            page = Page(self, session)
            self._listeners[session] = page.heard
            for domain in ("Runtime", "Log", "Page"):
                await page.call(f"{domain}.enable")
            await page.call("Page.addScriptToEvaluateOnNewDocument", source=_SHORTHAND)
            await page.look(**look)
            await page.go(address)
            return page

        try:
            yield opened
        finally:
            await self.call("Target.disposeBrowserContext", browserContextId=context)


class Page:
    """A page of the browser. ``complaints`` are what the browser had to say of it, policy violations among them."""

    def __init__(self, browser, session):
        self._browser = browser
        self._session = session
        self.complaints = []

    def heard(self, method, params):
        if method == "Runtime.exceptionThrown":
            self.complaints.append(params["exceptionDetails"])
        elif method == "Log.entryAdded" and params["entry"]["source"] not in ("network", "recommendation"):
            self.complaints.append(params["entry"])
        elif method == "Runtime.consoleAPICalled" and params["type"] == "error":
            self.complaints.append(params["args"])

    async def call(self, method, **params):
        return await self._browser.call(method, self._session, **params)

    async def look(self, *, width=1200, height=800, theme="light", motion="no-preference"):
        phone = width < 600
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone
        )
        await self.call("Emulation.setTouchEmulationEnabled", enabled=phone)
        features = [("prefers-color-scheme", theme), ("prefers-reduced-motion", motion)]
        await self.call(
            "Emulation.setEmulatedMedia", features=[{"name": name, "value": value} for name, value in features]
        )

    async def go(self, address):
        await self.call("Page.navigate", url=address)
        await self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    async def run(self, script):
        """Return what ``script`` is, awaited; ``$`` finds an element by its id."""
        answer = await self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, (script, answer["exceptionDetails"])
        return answer["result"].get("value")

    async def until(self, condition):
        """Return when ``condition`` holds: the page looks again and again, for nothing else tells."""
        script = (
            f"new Promise((done) => {{ const look = () => {{ let held = false; try {{ held = {condition}; }} catch {{}}"
            " held ? done(true) : setTimeout(look, 20); }; look(); })"
        )
        while True:
            try:
                async with asyncio.timeout(30):
                    answer = await self.call("Runtime.evaluate", expression=script, awaitPromise=True)
            except TimeoutError:
                shown = await self.run("document.body.innerText")
                raise AssertionError(f"{condition} never came to hold; the page showed: {shown}") from None
            except AssertionError:  # the page went away while it looked
                continue
            if "exceptionDetails" not in answer:
                return

    async def press(self, key, modifiers=0):
        text = {"Enter": "\r", " ": " "}.get(key, "")
        for kind in ("keyDown", "keyUp"):
            await self.call(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                code={" ": "Space"}.get(key, key),
                windowsVirtualKeyCode=_KEYS[key],
                modifiers=modifiers,
                **({"text": text} if text and kind == "keyDown" else {}),
            )

    async def type(self, words):
        await self.call("Input.insertText", text=words)

    async def picture(self, path):
        path.write_bytes(base64.b64decode((await self.call("Page.captureScreenshot", format="png"))["data"]))


@asynccontextmanager
async def browser(profile):
    """Give a browser that keeps its files in the folder ``profile``."""
    process = await asyncio.create_subprocess_exec(
        *(
            CHROMIUM,
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-smooth-scrolling",
        ),
        "--host-resolver-rules=MAP fourgig.example 127.0.0.1",
        *("--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"),
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        while not (found := re.search(rb"ws://\S+", await process.stderr.readline())):
            assert process.returncode is None
        async with connect(found[0].decode(), max_size=None, ping_interval=None) as connection:
            opened = Browser(connection)
            reading = asyncio.create_task(opened.read())
            try:
                yield opened
            finally:
                reading.cancel()
    finally:
        process.terminate()
        await process.wait()
