"""The page by keyboard alone, and as a screen reader hears it; and its settings."""

import pytest

from systems.pooled.agent import Pooled
from systems.pooled.settings import PooledSettings
from systems.server.hosting import host
from tests.systems.server.page.talking import HOLD, Speaker, ready, say, serving
from tests.systems.server.serving import listening_to

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_the_keyboard_alone_suffices(visit, tmp_path):
    async with serving(tmp_path, Speaker({"poem": f"A line{HOLD} more"})) as address:
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


async def test_a_screen_reader_hears_the_reply_once_and_finds_every_part_by_name(visit, tmp_path):
    async with serving(tmp_path, engine := Speaker({"poem": f"A line{HOLD} and more"})) as address:
        page = await ready(await visit(f"http://{address}/"))
        await page.run(
            "globalThis.heard = [];"
            "new MutationObserver(() => { if ($('live').textContent) heard.push($('live').textContent); })"
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


async def test_settings_stay_and_the_history_is_set_on_the_server(visit, tmp_path):
    async with serving(tmp_path, Speaker()) as address:
        page = await ready(await visit(f"http://{address}/"))
        await page.run("$('show-settings').click()")
        await page.until("$('in-force').textContent.includes('History: 10 messages')")
        await page.run("document.querySelector('[name=theme][value=dark]').click()")
        await page.run("document.querySelector('[name=size][value=largest]').click()")
        assert await page.run("getComputedStyle(document.body).fontSize") == "23px"
        dark = await page.run("getComputedStyle(document.body).backgroundColor")
        await page.run("$('history-length').value = 4; $('set-history').click()")
        await page.until("$('in-force').textContent.includes('History: 4 messages')")
        await page.call("Page.reload")
        await ready(page)
        assert await page.run("getComputedStyle(document.body).backgroundColor") == dark
        assert await page.run("document.documentElement.dataset.size") == "largest"


async def test_settings_show_how_an_agent_keeps_its_targets_if_it_has_any(visit, tmp_path):
    pooled = host(Pooled(PooledSettings(), Speaker(), tmp_path))
    async with listening_to(pooled) as address:
        page = await ready(await visit(f"http://{address}/"))
        await say(page, "Hello")
        await page.run("$('show-settings').click()")
        await page.until("!$('targets').hidden")
        rows = await page.run("[...$('kept-targets').rows].map((row) => row.textContent)")
        assert "Turns that were answered100.0 %excellent" in rows
        assert len(rows) == 7
    (tmp_path / "other").mkdir()
    async with serving(tmp_path / "other", Speaker()) as address:
        page = await ready(await visit(f"http://{address}/"))
        await page.run("$('show-settings').click()")
        await page.until("$('in-force').textContent.includes('History')")
        assert await page.run("$('targets').hidden")
