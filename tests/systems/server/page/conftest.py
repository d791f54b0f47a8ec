"""One browser for all tests of the page, and for each a visitor of its own."""

import pytest
import pytest_asyncio

from tests.systems.server.page.browser import CHROMIUM, browser


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def chromium(tmp_path_factory):
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here")
    async with browser(tmp_path_factory.mktemp("chromium")) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="package")
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
