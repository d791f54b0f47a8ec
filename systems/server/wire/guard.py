"""Who may talk to the server: tokens, compared in constant time, and the web pages whose scripts may connect."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from systems.errors import BadInput, NotAllowed, NotKnown
from systems.server.settings import ServerSettings

ANYONE = ""
"""The user of a server without tokens: whoever can connect."""

TOKEN_BYTES = 16
"""The shortest token that is accepted for listening beyond this machine, in bytes."""


class Guard:
    """Tells users apart. A user is a short name derived from a token; without tokens there is one, `ANYONE`."""

    def __init__(self, settings: ServerSettings) -> None:
        """Raises `BadInput` if the server would listen beyond this machine without a token, or with a short one."""
        tokens = (*settings.tokens, *settings.admin_tokens)
        if not is_loopback(settings.host):
            if not tokens:
                raise BadInput(
                    f"A token is required to listen on {settings.host}, where others can connect. Choose a long one "
                    "and set it with FOURGIG_SERVER_TOKENS or --token."
                )
            if any(len(token.encode()) < TOKEN_BYTES for token in tokens):
                raise BadInput(f"A token needs at least {TOKEN_BYTES} characters to listen on {settings.host}.")
        self._users = {_digest(token): _digest(token)[:16] for token in tokens}
        self._administrators = frozenset(_digest(token)[:16] for token in settings.admin_tokens) or {ANYONE}
        self.origins = frozenset(map(_origin, settings.origins))
        self._address = f"127.0.0.1:{settings.port}" if settings.port else "127.0.0.1"
        self._names = {urlsplit(origin).hostname for origin in self.origins}

    @property
    def open(self) -> bool:
        """Whether no token is needed."""
        return not self._users

    def user(self, token: str) -> str:
        """Return the user whose token this is. Raises `NotKnown`."""
        shown = _digest(token)
        found = [user for known, user in self._users.items() if hmac.compare_digest(known, shown)]
        if not found:
            raise NotKnown("This token is not one of the server's.")
        return found[0]

    def bearer(self, headers: Headers) -> str:
        """Return the user of the request with these headers. Raises `NotKnown`."""
        if self.open:
            return ANYONE
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token:
            raise NotKnown("A token is required: send the header `Authorization: Bearer …`.")
        return self.user(token.strip())

    def check_administrator(self, user: str) -> None:
        """Refuse what concerns everyone to a user who is no administrator. Raises `NotAllowed`."""
        if user not in self._administrators:
            raise NotAllowed("Only an administrator may change what concerns everyone.")

    def check_origin(self, headers: Headers) -> None:
        """Refuse scripts of other pages: they could talk to the agent in the visitor's name. Raises `NotAllowed`.

        The server's own page is one whose address is that of the request. Whoever owns a name can point it at this
        machine, and his page is the server's own then: so without a token the address must be no name, or one of those
        listed. With tokens any name will do, for such a page has none: what a browser keeps of the real page, it keeps
        under the real page's name.
        """
        origin = headers.get("origin")
        if origin in self.origins:
            return
        if origin is not None and _address(origin) != headers.get("host", "").lower():
            raise NotAllowed(
                f"Pages from {origin[:100]} may not connect to this server, for server.origins does not list them."
            )
        self.check_name(headers)

    def check_name(self, headers: Headers) -> None:
        """Refuse requests for a name, where no token is needed. Raises `NotAllowed`."""
        host = headers.get("host", "")
        name = urlsplit(f"//{host}").hostname or "" if _is_host(host) else host
        if not self.open or not name or _is_address(name) or name in self._names:
            return
        raise NotAllowed(
            f"Without a token this server is not reached by a name ({host[:100]}), which its owner could point at any "
            f"machine. Use the address, http://{self._address}/, or start the server with --token, or with "
            f"server.origins=http://{host[:100]}."
        )


def session_of(user: str, session: str) -> str:
    """Return the name under which the system keeps the session of ``user``: nobody else can name it."""
    return session if user == ANYONE else f"{user}/{session}"


def is_loopback(host: str) -> bool:
    """Return whether only this machine can connect to a server that listens on ``host``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _origin(listed: str) -> str:
    """Return the origin as browsers send it. Raises `BadInput` for what no browser sends."""
    origin = listed.strip().lower().removesuffix("/")
    if not re.fullmatch(r"[a-z][a-z0-9+.-]*://(\[[0-9a-f:.]+\]|[^/?#@:\[\]\s*]+)(:[0-9]{1,5})?", origin):
        raise BadInput(
            f"{listed!r} is no origin of web pages. An origin is a scheme, a name and perhaps a port: "
            "https://chat.example, http://192.168.1.5:3000."
        )
    for scheme, port in (("http", ":80"), ("https", ":443")):
        if origin.startswith(f"{scheme}://"):
            origin = origin.removesuffix(port)
    return origin


def _address(origin: str) -> str:
    """Return the name and the port of an origin."""
    return origin.partition("://")[2].lower()


def _is_host(host: str) -> bool:
    return re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^\s/?#@:\[\]]+)(:[0-9]*)?", host) is not None


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        # Browsers look up nothing under "localhost": it is this machine, whoever owns what.
        return host == "localhost" or host.endswith(".localhost")
    return True


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
