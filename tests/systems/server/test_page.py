"""The chat page as people use it: by mouse, by keyboard, on a phone, in a headless Chromium."""

import asyncio
import re
import urllib.error
import urllib.request
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio

from systems.baseline.agent import Baseline, BaselineSettings
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.server.hosting import host
from tests.systems.server.browser import CHROMIUM, browser
from tests.systems.server.keeping import HOLD, Speaker, keeping
from tests.systems.server.serving import agent, listening_to

pytestmark = pytest.mark.asyncio(loop_scope="module")

LOOKS = [(width, theme) for width in (1200, 360) for theme in ("light", "dark")]

MARKDOWN = """# A plan

Do **this**, *then* `that`, as [they say](https://example.org/a).

1. First
   - within

| a | b |
|---|--:|
| 1 | 2 |

```python
print("a line that is so long that it does not fit on a phone, not even on one that is held sideways")
```
"""

# Below 4.5 to 1, text is hard to read (WCAG 2, AA).
CONTRAST = """(() => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = parts(colour).map((each) => each / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if ((parts(colour)[3] ?? 1) === 1) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const pale = [];
  for (const node of document.querySelectorAll("body *")) {
    const own = [...node.childNodes].some((each) => each.nodeType === 3 && each.data.trim());
    if (!own || !node.checkVisibility() || ["SCRIPT", "NOSCRIPT"].includes(node.tagName)) continue;
    const [one, other] = [light(getComputedStyle(node).color), light(behind(node))].sort((a, b) => b - a);
    if ((one + 0.05) / (other + 0.05) < 4.5) pale.push(node.outerHTML.slice(0, 80));
  }
  return pale;
})()"""


def fetched(address):
    with urllib.request.urlopen(address) as response:
        return response.read().decode(), response.headers


async def test_the_page_is_made_of_its_own_parts_and_nothing_else(tmp_path):
    async with listening_to(agent(tmp_path)) as address:
        html, headers = await asyncio.to_thread(fetched, f"http://{address}/")
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert not re.search(r"\s(on\w+|style)=|<script>|<style", html)
        wanted, known = set(re.findall(r"(?:src|href)=\"(?!data:)([^\"]*)\"", html)), set()
        while wanted - known:
            name = min(wanted - known)
            known.add(name)
            text, headers = await asyncio.to_thread(fetched, f"http://{address}/{name}")
            assert headers["content-security-policy"] == policy
            assert headers["x-content-type-options"] == "nosniff"
            wanted |= {f"page/{part}" for part in re.findall(r" from \"\./([^\"]*)\"", text)}
            assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text)
        assert all(re.fullmatch(r"page/\w+\.(css|js)", name) for name in known)
        for name in ("page/", "page/nothing.js", "page/../page.py", "page/%2e%2e/page.py", "page/__init__.py"):
            with pytest.raises(urllib.error.HTTPError) as caught:
                await asyncio.to_thread(fetched, f"http://{address}/{name}")
            assert caught.value.code == 404
        again = urllib.request.Request(f"http://{address}/page/main.js", headers={"if-none-match": "*"})
        tag = (await asyncio.to_thread(fetched, again))[1]["etag"]
        again.headers["If-none-match"] = tag
        with pytest.raises(urllib.error.HTTPError) as caught:
            await asyncio.to_thread(fetched, again)
        assert caught.value.code == 304


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium(tmp_path_factory):
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here")
    async with browser(tmp_path_factory.mktemp("chromium")) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def visit(chromium):
    """Open pages of one visitor; nothing in them may break the policy or fail."""
    pages = []
    async with chromium.visitor() as opened:

        async def visit(address, **look):
            pages.append(await opened(address, **look))
            return pages[-1]

        yield visit
        for page in pages:
            assert page.complaints == []


async def ready(page):
    await page.until("$('state').textContent === 'connected'")
    return page


async def say(page, words):
    """Ask, and return when it was answered, one way or another."""
    await page.run("$('text').focus()")
    await page.type(words)
    await page.run("$('ask').requestSubmit()")
    await page.until("$('stop').hidden")


async def turns(page):
    return await page.run("[...document.querySelectorAll('.turn')].map((each) => each.innerText)")


async def titles(page):
    return await page.run("[...document.querySelectorAll('nav .open')].map((each) => each.firstChild.data)")


def click(selector, words=""):
    return (
        f"[...document.querySelectorAll({selector!r})].find((each) => each.checkVisibility() && "
        f"each.innerText.includes({words!r})).click()"
    )


@pytest.mark.parametrize(("width", "theme"), LOOKS)
async def test_a_person_reads_a_reply_on_any_screen(visit, width, theme):
    async with keeping(Speaker({"plan": MARKDOWN})) as address:
        page = await ready(await visit(f"http://{address}/", width=width, theme=theme, height=740))
        await say(page, "Vera lives in Lisbon.")
        await say(page, "Make me a plan")
        found = await page.run(
            "['h3', 'strong', 'em', 'code', 'ol > li > ul > li', 'td.to-right', 'pre', 'a[rel~=noopener]']"
            ".filter((each) => !$('turns').querySelector(`.answer ${each}`))"
        )
        assert found == []
        await page.until("document.querySelectorAll('nav .open').length === 1 && !$('export').hidden")
        for opened in ("", "show-memories", "show-settings"):
            if opened:
                await page.run(f"$('{opened}').click()")
                await page.until("document.querySelector('dialog[open]')")
            assert await page.run(CONTRAST) == []
            assert await page.run("document.documentElement.scrollWidth") == width
            overflowing = (
                "[...document.querySelectorAll('button, dialog')].filter((each) => each.checkVisibility() &&"
                f" each.getBoundingClientRect().right > {width}).length"
            )
            assert await page.run(overflowing) == 0
            if opened:
                await page.press("Escape")
        if width == 360:
            await page.run("$('show-list').click()")
        assert await page.run("document.querySelector('nav .open').checkVisibility()")


async def test_what_was_said_is_there_after_a_reload_and_on_another_device(visit, chromium):
    async with keeping(Speaker({"weather": "It is **fine**."}), tokens=("the secret",)) as address:
        page = await visit(f"http://{address}/")
        await page.until("$('login').open")
        await page.run("$('token').value = 'wrong'; $('login-form').requestSubmit()")
        await page.until("$('login-why').textContent.includes('not one of')")
        await page.run("$('token').value = 'the secret'; $('login-form').requestSubmit()")
        await ready(page)
        await say(page, "How is the weather?")
        await page.call("Page.reload")
        await page.until("document.querySelector('.answer strong')?.innerText === 'fine'")
        another_tab = await visit(f"http://{address}/")
        await another_tab.until("document.querySelectorAll('nav .open').length === 1")
        assert await turns(another_tab) == []
        async with chromium.visitor() as opened:
            device = await opened(f"http://{address}/", width=360)
            await device.until("$('login').open")
            await device.run("$('token').value = 'the secret'; $('login-form').requestSubmit()")
            await ready(device)
            await device.run("$('show-list').click()")
            await device.run(click("nav .open"))
            await device.until("document.querySelector('.answer strong')?.innerText === 'fine'")
            assert not await device.run("$('list').classList.contains('open')")
        await page.run("$('show-settings').click()")
        await page.run("$('leave').click()")
        await page.until("$('login')?.open && !localStorage.length")


async def test_a_reply_can_be_stopped_and_what_was_said_stays(visit):
    engine = Speaker({"poem": f"The first line{HOLD} and the last", "other": "Something else."})
    async with keeping(engine) as address:
        page = await ready(await visit(f"http://{address}/"))
        await page.run("$('text').value = 'A poem, please'; $('send').focus(); $('send').click()")
        await page.until("document.querySelector('.answer').innerText.includes('The first line')")
        assert await page.run("document.activeElement.id") == "text"  # not on a button that is gone
        await page.run("$('stop').focus(); $('stop').click()")
        await page.until("$('stop').hidden")
        assert await page.run("document.activeElement.id") == "text"
        assert await asyncio.to_thread(engine.ended.wait, 20)
        [stopped] = await turns(page)
        assert "The first line" in stopped
        assert "Stopped here" in stopped
        assert "last" not in stopped
        await say(page, "Something other")
        assert "Something else." in (await turns(page))[-1]
        engine.replies["poem"] = "All of it."
        await page.run(click(".mark button", "Ask again"))
        await page.until("document.querySelector('#turns').innerText.includes('All of it.') && $('stop').hidden")
        [other, again] = await turns(page)
        assert "Something else." in other
        assert "All of it." in again


async def test_a_question_is_edited_a_reply_made_anew_and_a_conversation_deleted(visit):
    engine = Speaker({"tea": "Green.", "coffee": "Black."})
    async with keeping(engine) as address:
        page = await ready(await visit(f"http://{address}/"))
        await say(page, "Which tea?")
        await say(page, "And then?")
        await page.until(
            "[...document.querySelectorAll('.actions button')].filter((b) => b.innerText === 'Edit').length === 2"
        )
        engine.otherwise = "Nothing."
        await page.run(click(".actions button", "Answer anew"))
        await page.until("document.querySelectorAll('.turn')[1]?.innerText.includes('Nothing.') && $('stop').hidden")
        assert "Very well." not in " ".join(await turns(page))
        await page.until(
            "[...document.querySelectorAll('.actions button')].filter((b) => b.innerText === 'Edit').length === 2"
        )
        await page.run(click(".actions.right button", "Edit"))
        await page.until(
            "document.activeElement.tagName === 'TEXTAREA' && document.activeElement.value === 'Which tea?'"
        )
        await page.run("document.activeElement.select()")
        await page.type("Which coffee?")
        await page.run("document.activeElement.form.requestSubmit()")
        await page.until("$('turns').innerText.includes('Black.') && $('stop').hidden")
        assert len(await turns(page)) == 1
        await page.until("!$('delete').hidden")
        await page.until("document.querySelector('nav .open')?.innerText.includes('Which coffee?')")
        await page.run("$('delete').click()")
        await page.until("$('choice').open")
        await page.press("Escape")
        assert await titles(page) == ["Which coffee?"]
        await page.run("$('delete').click()")
        await page.run(click("#choices button", "Delete"))
        await page.until("!document.querySelector('nav .open') && !document.querySelector('.turn')")
        await page.call("Page.reload")
        await ready(page)
        assert await titles(page) == []


async def test_what_is_remembered_is_shown_corrected_and_forgotten(visit):
    async with keeping(Speaker()) as address:
        page = await ready(await visit(f"http://{address}/"))
        await say(page, "Vera lives in Lisbon.")
        await say(page, "Ben lives in Rome.")
        assert "1 remembered for this reply" in (await turns(page))[-1]
        await page.run("document.querySelector('.notes').open = true")
        await page.run(click(".notes button"))
        await page.until("$('memories').open && $('found-turns').childElementCount === 1")
        await page.run(click("#found-turns button", "Correct"))
        await page.run("document.activeElement.select()")
        await page.type("Vera lives in Porto.")
        await page.run("document.activeElement.form.requestSubmit()")
        await page.until("$('found-turns').innerText.includes('Porto')")
        await page.run("$('containing').value = 'lives'; $('search').requestSubmit()")
        await page.until("$('found-turns').childElementCount === 2")
        await page.run(click("#found-turns button", "Forget"))  # the newest: Ben
        await page.until("$('choice').open")
        await page.run(click("#choices button", "Forget"))
        await page.until("$('found-turns').childElementCount === 1")
        await page.press("Escape")
        await page.until("!$('memories').open && document.querySelectorAll('.turn').length === 1")
        assert "Porto" in (await turns(page))[0]


async def test_whoever_scrolls_up_is_left_there(visit):
    lines = "\n\n".join(f"Line {number}" for number in range(60))
    async with keeping(engine := Speaker({"long": f"{lines}{HOLD}\n\nmore{HOLD}\n\nthe end"})) as address:
        page = await ready(await visit(f"http://{address}/"))
        await page.run("$('text').value = 'Something long'; $('ask').requestSubmit()")
        end = "Math.abs($('talk').scrollHeight - $('talk').clientHeight - $('talk').scrollTop) <= 1"
        await page.until(f"$('talk').innerText.includes('Line 59') && {end}")
        await page.run("$('talk').focus()")
        await page.press("PageUp")
        await page.until("!$('newest').hidden")
        before = await page.run("$('talk').scrollTop")
        engine.go_on()
        await page.until("$('talk').innerText.includes('more')")
        assert await page.run("$('talk').scrollTop") <= before
        await page.run("$('newest').click()")
        await page.until(end)
        engine.go_on()
        await page.until(f"$('stop').hidden && $('talk').innerText.includes('the end') && {end}")
        assert await page.run("$('newest').hidden")


HOSTILE = {
    "script": "<script>document.title = 'owned'</script><img src=x onerror=\"document.title = 'owned'\">",
    "link": "[a](javascript:document.title='owned') [b](data:text/html,x) [c]( JaVaScRiPt:1) <javascript:1> [d](//e.org)",
    "deep": "> " * 3000 + "x\n\n" + "".join(f"{' ' * depth}- x\n" for depth in range(500)) + "[" * 3000 + "*" * 3000,
    "stars": "*" * 1_000_000,
    "openers": "*a " * 60_000,
    "links": "[a](b" * 35_000,
    "ticks": "` `` ``` " * 20_000,
    "rows": "|a|\n|-|\n" * 20_000,
    "open": "```js\nlet open = 1;",
}


async def test_no_text_becomes_markup_or_freezes_the_page(visit):
    async with keeping(Speaker(HOSTILE)) as address:
        page = await ready(await visit(f"http://{address}/"))
        title = await page.run("document.title")
        for name, text in HOSTILE.items():
            script = f"""import('./page/markdown.js').then(({{ show }}) => {{
                const place = document.createElement('div');
                $('turns').replaceChildren(place);
                for (const part of [0.3, 0.6, 1]) show(place, {text!r}.slice(0, {len(text)} * part));
                return [place.querySelectorAll('script, img, iframe, [onerror]').length,
                    [...place.querySelectorAll('a')].map((each) => each.protocol), place.innerText.length];
            }})"""
            made, protocols, length = await page.run(script)
            assert made == 0, name
            assert set(protocols) <= {"http:", "https:"}, name
            assert length > 0, name
        assert await page.run("document.querySelector('.code pre').innerText") == "let open = 1;"
        await say(page, "script")
        assert await page.run("$('turns').querySelectorAll('script, img').length") == 0
        await page.until(f"document.title !== {title!r}")
        assert "owned" not in await page.run("document.title")


async def test_the_keyboard_alone_suffices(visit):
    async with keeping(Speaker({"poem": f"A line{HOLD} more"})) as address:
        page = await ready(await visit(f"http://{address}/", motion="reduce"))
        assert await page.run("document.activeElement.id") == "text"
        while await page.run("document.activeElement.id") != "skip":
            await page.press("Tab", modifiers=8)  # Shift
        await page.press("Enter")
        assert await page.run("document.activeElement.id") == "text"
        await page.type("One")
        await page.press("Enter", modifiers=8)  # Shift
        await page.type("two")
        await page.press("Enter")
        await page.until("document.querySelectorAll('.turn').length === 1 && $('stop').hidden")
        assert await page.run("document.querySelector('.question').innerText") == "One\ntwo"
        await page.type("A poem")
        await page.press("Enter")
        await page.until("$('turns').innerText.includes('A line')")
        assert (
            await page.run("getComputedStyle(document.querySelector('.answering'), '::after').animationName") == "none"
        )
        assert await page.run("document.activeElement.id") == "text"
        await page.press("Escape")
        await page.until("$('turns').innerText.includes('Stopped here')")
        await page.until("document.querySelector('nav .open')")
        seen = {"send"}
        await page.run("$('send').focus()")
        while True:
            await page.press("Tab")
            where, outlined = await page.run(
                "[document.activeElement.id || document.activeElement.outerHTML.slice(0, 200), "
                "getComputedStyle(document.activeElement).outlineStyle]"
            )
            if where == "send":
                break
            assert outlined != "none" or where.startswith("<body"), where
            seen.add(where)
        assert {"new", "talk", "text", "show-memories", "show-settings", "export", "delete"} <= seen
        await page.run("$('show-settings').focus()")
        await page.press("Enter")
        await page.until("$('settings').open")
        assert await page.run("$('settings').contains(document.activeElement)")
        await page.press("Escape")
        await page.until("!$('settings').open && document.activeElement.id === 'show-settings'")


async def test_a_screen_reader_hears_the_reply_once_and_finds_every_part_by_name(visit):
    async with keeping(engine := Speaker({"poem": f"A line{HOLD} and more"})) as address:
        page = await ready(await visit(f"http://{address}/"))
        await page.run(
            "globalThis.heard = []; new MutationObserver(() => { if ($('live').textContent) heard.push($('live').textContent); })"
            ".observe($('live'), { childList: true }); $('text').value = 'A poem'; $('ask').requestSubmit()"
        )
        await page.until("$('turns').innerText.includes('A line')")
        engine.go_on()
        await page.until("heard.length")
        assert await page.run("heard") == ["The reply: A line and more"]
        assert await page.run("$('turns').closest('[aria-live]')") is None
        await page.until("!$('delete').hidden")
        nodes = (await page.call("Accessibility.getFullAXTree"))["nodes"]
        roles = {}
        for node in nodes:
            if not node["ignored"]:
                roles.setdefault(node["role"]["value"], []).append(node.get("name", {}).get("value", ""))
        assert {"banner", "main", "navigation"} <= roles.keys()
        for kind in ("button", "link", "textbox", "navigation", "article", "region"):
            assert all(roles[kind]), (kind, roles[kind])


async def test_failures_are_said_with_a_way_on(visit):
    engine = Speaker({"breath": None, "tale": "Once upon"})
    engine.cut = {"tale"}
    async with keeping(engine) as address:
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


async def test_the_page_finds_its_server_again(visit):
    engine = Speaker({"poem": f"A line{HOLD} more"})
    async with keeping(engine, grace_s=0) as address:
        port = int(address.rpartition(":")[2])
        page = await ready(await visit(f"http://{address}/"))
        await page.run("$('text').value = 'A poem'; $('ask').requestSubmit()")
        await page.until("$('turns').innerText.includes('A line')")
    await page.until("$('turns').innerText.includes('The connection was lost before the reply was whole.')")
    await page.until("$('state').textContent.includes('cannot be reached')")
    async with keeping(Speaker({"poem": "All of it."}), port=port):
        await ready(page)
        await page.run(click(".mark button", "Try again"))
        await page.until("$('turns').innerText.includes('All of it.') && $('stop').hidden")


async def test_a_page_opened_by_a_name_says_what_to_do(visit):
    async with keeping(Speaker()) as address:
        name = f"fourgig.example:{address.rpartition(':')[2]}"
        page = await visit(f"http://{name}/")
        assert f"server.origins=http://{name}" in await page.run("document.body.innerText")
    async with keeping(Speaker(), tokens=("the secret",)) as address:
        page = await visit(f"http://fourgig.example:{address.rpartition(':')[2]}/")
        await page.until("$('login').open")
        await page.run("$('token').value = 'the secret'; $('login-form').requestSubmit()")
        await ready(page)


async def test_a_page_behind_a_proxy_that_hides_its_name_says_what_to_do(visit):
    async with keeping(Speaker()) as address, proxy(address, "", host_sent=address) as outside:
        page = await visit(f"http://{outside}/")
        await page.until(f"$('state').textContent.includes('server.origins=http://{outside}')")
        await page.run("$('text').value = 'Hello'; $('ask').requestSubmit()")
        await page.until("$('turns').innerText.includes('may not connect')")
    async with keeping(Speaker(), port=int(address.rpartition(":")[2]), origins=(f"http://{outside}",)):
        async with proxy(address, "", host_sent=address, port=int(outside.rpartition(":")[2])):
            await ready(page)


async def test_the_page_works_under_a_path_of_a_proxy(visit):
    async with keeping(Speaker({"weather": "It is fine."})) as address, proxy(address, "/agents/vera") as outside:
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
        yield "127.0.0.1:{}".format(server.sockets[0].getsockname()[1])
    finally:
        server.close()


async def test_a_system_that_keeps_nothing_offers_nothing_kept(visit, tmp_path):
    engine = SimulatedEngine(SimulatedSettings(slots=8))
    async with listening_to(host(Baseline(BaselineSettings(), engine, tmp_path))) as address:
        page = await ready(await visit(f"http://{address}/"))
        await say(page, "Hello")
        await say(page, "Hello again")
        shown = (
            "['list', 'show-memories', 'show-list', 'export', 'delete'].filter((id) => $(id).checkVisibility())"
            ".concat([...document.querySelectorAll('.actions button')].map((each) => each.innerText))"
        )
        assert await page.run(shown) == ["Copy", "Copy"]
        await page.run("$('anew').click()")
        assert await turns(page) == []


async def test_settings_stay_and_the_history_is_set_on_the_server(visit):
    async with keeping(Speaker()) as address:
        page = await ready(await visit(f"http://{address}/"))
        await page.run("$('show-settings').click()")
        await page.until("$('in-force').textContent.includes('/settings')")
        await page.run("document.querySelector('[name=theme][value=dark]').click()")
        await page.run("document.querySelector('[name=size][value=largest]').click()")
        assert await page.run("getComputedStyle(document.body).fontSize") == "23px"
        dark = await page.run("getComputedStyle(document.body).backgroundColor")
        await page.run("$('history-length').value = 4; $('set-history').click()")
        await page.until("$('in-force').textContent.includes('Done')")
        await page.call("Page.reload")
        await ready(page)
        assert await page.run("getComputedStyle(document.body).backgroundColor") == dark
        assert await page.run("document.documentElement.dataset.size") == "largest"


async def test_a_conversation_and_a_piece_of_code_are_taken_along(visit):
    async with keeping(Speaker({"plan": MARKDOWN})) as address:
        page = await ready(await visit(f"http://{address}/"))
        await say(page, "Make me a plan")
        await page.until("!$('export').hidden")
        await page.run(
            "globalThis.saved = []; globalThis.copied = [];"
            "URL.createObjectURL = (blob) => { blob.text().then((text) => saved.push(text)); return 'data:,'; };"
            "HTMLAnchorElement.prototype.click = function () { saved.push(this.download); };"
            "document.execCommand = () => copied.push(document.activeElement.value);"
            "Object.defineProperty(navigator, 'clipboard', { value: { writeText: async (text) => copied.push(text) } })"
        )
        for form in ("Markdown", "JSON"):
            await page.run("$('export').click()")
            await page.run(click("#choices button", form))
        await page.until("saved.length === 4")
        saved = await page.run("saved.sort()")
        assert {"Make-me-a-plan.md", "Make-me-a-plan.json"} <= set(saved)
        assert sum(MARKDOWN in text for text in saved) == 1
        assert sum('"question": "Make me a plan"' in text for text in saved) == 1
        await page.run(click(".code button"))
        await page.run(click(".turn > .actions button", "Copy"))
        await page.until("copied.length === 2")
        code, whole = await page.run("copied")
        assert code.startswith("print(")
        assert whole == MARKDOWN
