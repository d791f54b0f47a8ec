"""The chat page: one file, no script or style from anywhere else, and a policy that says so to the browser."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib import resources

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response


async def show(_: Request) -> Response:
    """Answer ``GET /``."""
    html, policy = _page()
    return HTMLResponse(html, headers={"content-security-policy": policy, "referrer-policy": "no-referrer"})


@cache
def _page() -> tuple[str, str]:
    html = resources.files(__package__).joinpath("page.html").read_text(encoding="utf-8")
    allowed = "; ".join(
        f"{kind}-src 'sha256-{base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()}'"
        for kind in ("script", "style")
        if (found := re.search(rf"<{kind}>(.*?)</{kind}>", html, re.DOTALL))
    )
    return (
        html,
        f"default-src 'none'; {allowed}; connect-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'",
    )
