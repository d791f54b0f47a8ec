"""Replies as they are read: on screens of any size, in both themes, whatever is in them."""

import pytest

from tests.systems.server.page.talking import HOLD, MARKDOWN, Speaker, ready, say, serving

pytestmark = pytest.mark.asyncio(loop_scope="package")

LOOKS = [(width, theme) for width in (1200, 360) for theme in ("light", "dark")]

# Below 4.5 to 1, text is hard to read (WCAG 2, AA).
CONTRAST = """(() => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = parts(colour).map((each) => linear(each / 255));
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


HOSTILE = {
    "script": "<script>document.title = 'owned'</script><img src=x onerror=\"document.title = 'owned'\">",
    "link": "[a](javascript:alert(1)) [b](data:text/html,x) [c]( JaVaScRiPt:1) <javascript:1> [d](//e.org)",
    "deep": "> " * 3000 + "x\n\n" + "".join(f"{' ' * depth}- x\n" for depth in range(500)) + "[" * 3000 + "*" * 3000,
    "stars": "*" * 1_000_000,
    "openers": "*a " * 60_000,
    "links": "[a](b" * 35_000,
    "ticks": "` `` ``` " * 20_000,
    "rows": "|a|\n|-|\n" * 20_000,
    "open": "```js\nlet open = 1;",
}


@pytest.mark.parametrize(("width", "theme"), LOOKS)
async def test_a_person_reads_a_reply_on_any_screen(visit, tmp_path, width, theme):
    async with serving(tmp_path, Speaker({"plan": MARKDOWN})) as address:
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


async def test_whoever_scrolls_up_is_left_there(visit, tmp_path):
    lines = "\n\n".join(f"Line {number}" for number in range(60))
    async with serving(tmp_path, engine := Speaker({"long": f"{lines}{HOLD}\n\nmore{HOLD}\n\nthe end"})) as address:
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


async def test_no_text_becomes_markup_or_freezes_the_page(visit, tmp_path):
    async with serving(tmp_path, Speaker(HOSTILE)) as address:
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
