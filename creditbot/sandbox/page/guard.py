"""Who is let in: a browser on this machine that opened this very page, and no other site in that browser."""

from collections.abc import Callable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def guard(port: Callable[[], int]) -> Middleware:
    """A middleware; `port` is asked at each request, since it is known only once the server listens.

    A foreign name in `Host` means that somebody's domain was pointed at this machine (DNS rebinding), a
    foreign `Origin` that another site's page is asking.
    """

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        hosts = {f"127.0.0.1:{port()}", f"localhost:{port()}"}
        if request.headers.getall("Host", []) not in [[host] for host in hosts]:
            raise web.HTTPForbidden(text="This page answers to 127.0.0.1 and localhost only.\n")
        if not set(request.headers.getall("Origin", [])) <= {f"http://{host}" for host in hosts}:
            raise web.HTTPForbidden(text="This page answers to no other site.\n")
        if request.method == "POST" and request.content_type != "application/json":
            # A form of another site can be posted without asking first; JSON can't.
            raise web.HTTPUnsupportedMediaType(text="Acts are sent as JSON.\n")
        return await handler(request)

    return check


async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
    """Nothing from elsewhere is loaded or run, and nobody may put the page into a frame."""
    response.headers.update(HEADERS)
