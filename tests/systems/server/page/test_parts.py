"""What the page is made of, and what it lets a browser do."""

import asyncio
import re
import urllib.error
import urllib.request

import pytest

from tests.systems.server.serving import agent, listening_to

pytestmark = pytest.mark.asyncio(loop_scope="package")


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
