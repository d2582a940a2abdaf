"""The Web API: who may call, what is recorded of a call, and which method answers it.

https://docs.slack.dev/apis/web-api
"""

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from .arguments import read_arguments
from .faults import DropAfter, ErrorAnswer, Hang, HttpAnswer, SlackFaults
from .model import ApiCall, Json, Refusal

EVERY_SCOPE = frozenset(
    [
        "commands",
        "chat:write",
        "usergroups:read",
        "users:read",
        "channels:read",
        "groups:read",
        "im:read",
        "im:write",
    ]
)


@dataclass(frozen=True)
class Method:
    """One method; `scope` is what the bot token needs for it, `by_app` says that it takes the app token."""

    answer: Callable[[Json], Json]
    scope: str | None = None
    by_app: bool = False


class WebApi:
    """Answers `/api/METHOD`."""

    def __init__(
        self,
        methods: dict[str, Method],
        *,
        bot_token: str,
        app_token: str,
        faults: SlackFaults,
        clock: Callable[[], float],
        called: Callable[[ApiCall], None],
    ) -> None:
        self._methods = methods
        self._bot_token = bot_token
        self._app_token = app_token
        self._faults = faults
        self._clock = clock
        self._called = called
        self.scopes: set[str] = set(EVERY_SCOPE)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one call, with the fault that was set for it."""
        method = request.match_info["method"]
        at = self._clock()
        try:
            args = await read_arguments(request)
        except Refusal as refusal:
            return self._reply(ApiCall(method, {}, at, refusal.as_answer(), 200))
        token = _token(request, args)
        fault = self._faults.take(method)
        match fault:
            case HttpAnswer(status, headers):
                self._called(ApiCall(method, args, at, {}, status))
                return web.Response(status=status, headers=headers)
            case ErrorAnswer(error, extra):
                return self._reply(ApiCall(method, args, at, Refusal(error, **extra).as_answer(), 200))
            case Hang():
                await self._faults.wait_out(fault)
        answer = self._answer(method, args, token)
        if isinstance(fault, DropAfter):
            self._called(ApiCall(method, args, at, {}, None))
            return drop(request)
        return self._reply(ApiCall(method, args, at, answer, 200))

    def _answer(self, name: str, args: Json, token: str | None) -> Json:
        method = self._methods.get(name)
        if method is None:
            return Refusal("unknown_method", req_method=name).as_answer()
        try:
            self._authorize(method, token)
            return {"ok": True, **method.answer(args)}
        except Refusal as refusal:
            return refusal.as_answer()

    def _authorize(self, method: Method, token: str | None) -> None:
        if not token:
            raise Refusal("not_authed")
        if token not in (self._bot_token, self._app_token):
            raise Refusal("invalid_auth")
        if token != (self._app_token if method.by_app else self._bot_token):
            raise Refusal("not_allowed_token_type")
        if method.scope is not None and method.scope not in self.scopes:
            raise Refusal("missing_scope", needed=method.scope, provided=",".join(sorted(self.scopes)))

    def _reply(self, call: ApiCall) -> web.Response:
        self._called(call)
        return web.json_response(call.answer, headers={"X-OAuth-Scopes": ",".join(sorted(self.scopes))})


def _token(request: web.Request, args: Json) -> str | None:
    in_body = args.pop("token", None)
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind == "Bearer" else in_body


def drop(request: web.Request) -> web.Response:
    """Cut the connection; the response that this returns has nowhere to go."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
