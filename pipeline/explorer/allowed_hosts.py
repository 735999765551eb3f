"""Who the explorer answers: browsers that asked for this machine, from a page of its own.

Streamlit looks at neither. A page of another site could have its own name resolve to this machine
(DNS rebinding) and read everything here, or put the explorer into a frame and guide clicks.
"""

import socket
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_NO_FRAMES = (
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"content-security-policy", b"frame-ancestors 'self'"),
)

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]


def allowed_hosts(listens_on: str, more: Iterable[str] = ()) -> frozenset[str]:
    """Return the names that the explorer may be asked for by, those that the user adds too."""
    found = {*_LOOPBACK, listens_on, *more}
    if listens_on not in _LOOPBACK:
        found |= {socket.gethostname(), socket.getfqdn()}
    return frozenset(name.strip("[]").rstrip(".").lower() for name in found)


class AllowedHosts:
    """ASGI middleware that refuses foreign hosts and origins, and being framed by others."""

    def __init__(self, app: Callable[..., Awaitable[None]], hosts: frozenset[str]) -> None:
        """Keep the configuration.

        Args:
          app: What answers.
          hosts: The allowed names; the address that a request came in by is one as well.
        """
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Message, receive: Any, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
        elif problem := self._problem(scope):
            await _refuse(scope["type"], problem, send)
        else:
            await self._app(scope, receive, _with_headers(send))

    def _problem(self, scope: Message) -> str:
        """Return what is wrong with where a request comes from, empty if nothing is."""
        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        origins = [value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"]
        server = scope.get("server") or ("",)
        if len(hosts) != 1 or _name(hosts[0]) not in {*self._hosts, server[0]}:
            return "host"
        if origins and (
            len(origins) > 1 or urlsplit(origins[0]).netloc.lower() != hosts[0].lower()
        ):
            return "origin"
        return ""


def _name(host: str) -> str:
    """Return the name in a ``Host`` header; empty if the header holds no name."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


async def _refuse(kind: str, problem: str, send: Send) -> None:
    if kind == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    text = f"The explorer does not answer this {problem}; see tfx-audio explore --help.\n"
    headers = [(b"content-type", b"text/plain; charset=utf-8"), *_NO_FRAMES]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *_NO_FRAMES]
        await send(message)

    return send_with_headers
