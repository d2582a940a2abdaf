"""The documented API as a pure reaction to requests: an `Incoming` goes in, an `Answer` comes out.

https://www.twilio.com/docs/sendgrid/api-reference
"""

import json
import re
from collections.abc import Iterable
from urllib.parse import parse_qs

from creditbot.sandbox.sendgrid import bodies
from creditbot.sandbox.sendgrid.account import Account, UpdateRefusedError
from creditbot.sandbox.sendgrid.balance import Balance, Region, Subuser
from creditbot.sandbox.sendgrid.calls import Answer, Endpoint, Incoming, Route, route

# The names are SendGrid's; which endpoint needs which isn't documented, so this is the plainest reading.
NEEDED_SCOPE: dict[Endpoint, str] = {
    "user_credits": "user.credits.read",
    "list_subusers": "subusers.read",
    "subuser_credits": "subusers.credits.read",
    "update_remaining": "subusers.credits.remaining.update",
}
SCOPES = frozenset(NEEDED_SCOPE.values())
ACCOUNT_ID_PREFIX = "account-id "
DEFAULT_PAGE_SIZE = 100


class _RefusalError(Exception):
    def __init__(self, status: int, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.answer = Answer(status, bodies.error(message, field))


class Api:
    """One host of the API.

    A subuser answers on the host of its own region only, in paths and in `on-behalf-of` alike; the other
    host finds no such user. The list shows all subusers on both hosts. The documentation says which host is
    for whom, and leaves the rest open.
    """

    def __init__(self, account: Account, *, api_key: str, scopes: Iterable[str], region: Region) -> None:
        self.account = account
        self.api_key = api_key
        self.scopes = set(scopes)
        self.region = region

    def answer(self, incoming: Incoming) -> Answer:
        """Applies the request and returns its answer; every refusal is an answer too."""
        try:
            return Answer(200, self._handle(incoming))
        except _RefusalError as refusal:
            return refusal.answer

    def _handle(self, incoming: Incoming) -> object:
        target = route(incoming.method, incoming.target)
        self._admit(incoming, target)
        match target:
            case Route("user_credits"):
                return bodies.user_credits(self._balance(incoming.headers.get("on-behalf-of")))
            case Route("list_subusers"):
                return self._list(_Query(incoming.target))
            case Route("subuser_credits", str(username)):
                return self._credits(self._subuser(username))
            case Route("update_remaining", str(username)):
                return self._update(username, incoming)
        return {"scopes": sorted(self.scopes)}

    def _admit(self, incoming: Incoming, target: Route) -> None:
        headers = incoming.headers
        if headers.get("authorization") != f"Bearer {self.api_key}":
            raise _RefusalError(401, "authorization required")
        if target.endpoint is None:
            raise _RefusalError(404, "not found")
        if "accept" not in headers:
            raise _RefusalError(406, "an Accept header is required")
        if not self.scopes.issuperset({NEEDED_SCOPE.get(target.endpoint)} - {None}):
            raise _RefusalError(403, "access forbidden")
        if target.endpoint != "user_credits" and "on-behalf-of" in headers:
            # A subuser has no subusers of its own, so acting as one can't reach these endpoints.
            raise _RefusalError(403, "access forbidden")

    def _balance(self, on_behalf_of: str | None) -> Balance:
        if on_behalf_of is None:
            return self.account.parent
        if not on_behalf_of.startswith(ACCOUNT_ID_PREFIX):
            return self._subuser(on_behalf_of)
        customer = self.account.customer_account(on_behalf_of.removeprefix(ACCOUNT_ID_PREFIX).strip())
        if customer is None:
            raise _RefusalError(400, "No user found")
        return customer

    def _subuser(self, username: str) -> Subuser:
        subuser = self.account.subuser(username)
        if subuser is None or subuser.region != self.region:
            raise _RefusalError(400, "No user found")
        return subuser

    def _credits(self, subuser: Subuser) -> bodies.Json:
        return bodies.subuser_credits(subuser, used_is_computed=self.account.used_is_computed)

    def _update(self, username: str, incoming: Incoming) -> bodies.Json:
        content_type = incoming.headers.get("content-type", "").partition(";")[0]
        if content_type.strip().lower() != "application/json":
            raise _RefusalError(415, "Content-Type should be application/json")
        allocation_update = _allocation_update(incoming.body)
        subuser = self._subuser(username)
        try:
            self.account.apply(subuser, allocation_update)
        except UpdateRefusedError as error:
            raise _RefusalError(400, str(error), "allocation_update") from error
        return self._credits(subuser)

    def _list(self, query: "_Query") -> list[bodies.Json]:
        # The filter matches any part of a name: what the live one does is undocumented, so callers
        # have to compare exactly, and this shows whether they do.
        region = query.text("region", "all")
        if region not in {"all", "global", "eu"}:
            raise _RefusalError(400, "region must be one of all, global, eu", "region")
        part = query.text("username", "").lower()
        found = [
            subuser
            for subuser in self.account.subusers
            if part in subuser.username.lower() and region in {"all", subuser.region}
        ]
        offset = query.integer("offset", default=0, minimum=0)
        limit = query.integer("limit", default=DEFAULT_PAGE_SIZE, minimum=1)
        include_region = query.text("include_region", "false") == "true"
        return [
            bodies.listed_subuser(subuser, include_region=include_region)
            for subuser in found[offset : offset + limit]
        ]


class _Query:
    def __init__(self, target: str) -> None:
        self._values = parse_qs(target.partition("?")[2], keep_blank_values=True)

    def text(self, name: str, default: str) -> str:
        return self._values.get(name, [default])[0]

    def integer(self, name: str, *, default: int, minimum: int) -> int:
        text = self.text(name, str(default))
        if not re.fullmatch("[0-9]{1,9}", text) or int(text) < minimum:
            raise _RefusalError(400, f"{name} must be an integer of at least {minimum}", name)
        return int(text)


def _allocation_update(body: bytes) -> int:
    field = "allocation_update"
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _RefusalError(400, "the request body is not valid JSON", field) from error
    if not isinstance(value, dict) or field not in value:
        raise _RefusalError(400, f"{field} is required", field)
    amount = value[field]
    if isinstance(amount, bool) or not isinstance(amount, int):
        raise _RefusalError(400, f"{field} must be an integer", field)
    return amount
