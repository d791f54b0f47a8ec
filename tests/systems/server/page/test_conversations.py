"""Conversations that are kept: found again, gone on with, changed, forgotten."""

import asyncio

import pytest
from websockets.asyncio.client import connect

from systems.baseline.agent import Baseline, BaselineSettings
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.server.hosting import host
from systems.tiered.agent import Tiered
from systems.tiered.settings import TieredSettings
from tests.systems.server.page.talking import HOLD, MARKDOWN, Speaker, click, ready, say, serving, titles, turns
from tests.systems.server.serving import ask, listening_to, until_the_last

pytestmark = pytest.mark.asyncio(loop_scope="package")


def in_files(folder, words):
    """Return whether any file of the agent's memory has these words, deleted or not."""
    return any(words.encode() in path.read_bytes() for path in folder.glob("memory.sqlite*"))


async def test_what_was_said_is_there_after_a_reload_and_on_another_device(visit, tmp_path, chromium):
    async with serving(tmp_path, Speaker({"weather": "It is **fine**."}), tokens=("the secret",)) as address:
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


async def test_a_long_conversation_is_shown_from_its_end(visit, tmp_path):
    async with serving(tmp_path, Speaker()) as address:
        async with connect(f"ws://{address}/ws") as connection:
            for number in range(60):
                await connection.send(ask(session="default", conversation="long/one", text=f"Turn {number}."))
                await until_the_last(connection)
        page = await ready(await visit(f"http://{address}/"))
        await page.run(click("nav .open"))
        await page.until("document.querySelectorAll('.turn').length === 50")
        await page.run(click("#turns button", "Earlier"))
        await page.until("document.querySelectorAll('.turn').length === 60")
        assert "Turn 0." in (await turns(page))[0]
        assert "Earlier" not in await page.run("$('turns').innerText")
        await page.run("$('show-memories').click()")
        await page.until("$('found-turns').childElementCount === 50 && !$('older').hidden")
        await page.run("$('older').click()")
        await page.until("$('found-turns').childElementCount === 60 && $('older').hidden")


async def test_many_conversations_are_listed_in_pages_and_one_of_old_is_opened_by_its_address(visit, tmp_path):
    async with serving(tmp_path, Speaker()) as address:
        async with connect(f"ws://{address}/ws") as connection:
            for number in range(120):
                await connection.send(ask(session="default", conversation=f"{number}", text=f"Number {number}."))
                await until_the_last(connection)
        page = await ready(await visit(f"http://{address}/"))
        assert len(await titles(page)) == 50
        await page.run("$('more-conversations').click()")
        await page.until("document.querySelectorAll('nav .open').length === 100")
        await page.run("$('more-conversations').click()")
        await page.until("document.querySelectorAll('nav .open').length === 120 && $('more-conversations').hidden")
        assert await titles(page) == [f"Number {number}." for number in reversed(range(120))]
        old = await ready(await visit(f"http://{address}/#=3"))
        await old.until("$('title').textContent === 'Number 3.'")
        await say(old, "Go on.")
        assert (await titles(old))[0] == "Number 3."


async def test_a_reply_can_be_stopped_and_what_was_said_is_kept(visit, tmp_path):
    engine = Speaker({"poem": f"The first line{HOLD} and the last", "continue": "And the second."})
    async with serving(tmp_path, engine) as address:
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
        await page.run(click(".mark button", "Continue"))
        await page.until("$('turns').innerText.includes('And the second.') && $('stop').hidden")
        await page.run("document.querySelector('#turns').replaceChildren()")
        await page.call("Page.reload")
        await page.until("document.querySelectorAll('.turn').length === 2")
        first, second = await turns(page)
        assert "The first line" in first
        assert "And the second." in second


async def test_where_nothing_is_kept_of_a_reply_that_was_stopped_the_page_says_so(visit, tmp_path):
    engine = Speaker({"poem": f"{HOLD}It comes", "other": "Something else."})
    async with serving(tmp_path, engine) as address:
        page = await ready(await visit(f"http://{address}/"))
        await page.run("$('text').value = 'A poem, please'; $('send').click()")
        await page.until("!$('stop').hidden")
        assert await asyncio.to_thread(engine.began.wait, 20)
        await page.run("$('stop').click()")
        await page.until("$('stop').hidden")
        assert "This is not kept" in (await turns(page))[0]
        await say(page, "Something other")
        assert "Something else." in (await turns(page))[-1]
        engine.replies["poem"] = "All of it."
        await page.run(click(".mark button", "Ask again"))
        await page.until("document.querySelector('#turns').innerText.includes('All of it.') && $('stop').hidden")
        [other, again] = await turns(page)
        assert "Something else." in other
        assert "All of it." in again


async def test_a_question_is_edited_a_reply_made_anew_and_a_conversation_deleted(visit, tmp_path):
    engine = Speaker({"tea": "Green.", "coffee": "Black."})
    async with serving(tmp_path, engine) as address:
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
        assert not in_files(tmp_path, "Which")
        await page.call("Page.reload")
        await ready(page)
        assert await titles(page) == []


async def test_what_is_remembered_is_shown_corrected_and_forgotten(visit, tmp_path):
    async with serving(tmp_path, Speaker()) as address:
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
        assert in_files(tmp_path, "Porto")
        assert not in_files(tmp_path, "Rome")
        assert not in_files(tmp_path, "Lisbon")


async def test_the_list_says_in_which_tier_a_conversation_lies(visit, tmp_path):
    tiered = Tiered(TieredSettings(sessions=1), Speaker(), tmp_path)
    async with listening_to(host(tiered)) as address:
        page = await ready(await visit(f"http://{address}/"))
        await say(page, "What is left of the bread?")
        await page.run("$('anew').click()")
        await say(page, "Who has the key?")
        await page.call("Page.reload")
        listed = "[...document.querySelectorAll('nav .open')].map((each) => each.innerText.split(' · ')[1]).join()"
        await page.until(f"{listed} === 'hot,warm'")
        assert await titles(page) == ["Who has the key?", "What is left of the bread?"]


async def test_a_system_that_keeps_nothing_offers_nothing_kept(visit, tmp_path):
    engine = SimulatedEngine(SimulatedSettings(slots=8))
    async with listening_to(host(Baseline(BaselineSettings(), engine, tmp_path))) as address:
        page = await ready(await visit(f"http://{address}/"))
        await say(page, "Hello")
        await say(page, "Hello again")
        assert await page.run("$('unkept').checkVisibility()")
        shown = (
            "['list', 'show-memories', 'show-list', 'export', 'delete'].filter((id) => $(id).checkVisibility())"
            ".concat([...document.querySelectorAll('.actions button')].map((each) => each.innerText))"
        )
        assert await page.run(shown) == ["Copy", "Copy"]
        await page.run("$('anew').click()")
        assert await turns(page) == []


async def test_a_conversation_and_a_piece_of_code_are_taken_along(visit, tmp_path):
    async with serving(tmp_path, Speaker({"plan": MARKDOWN})) as address:
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
