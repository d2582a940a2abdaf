"""What an answer that is an error means, and what people can do about it."""

import time
from collections.abc import Mapping

from creditbot.domain.errors import DomainError
from creditbot.domain.markup import escape

from .answers import rate_limit_wait, read_errors


class SendGridProblem(DomainError):
    """SendGrid did not give what was asked.

    `status` is None if no answer came. `passing` says whether trying again may help, and `wait` after
    how many seconds SendGrid said so. `no_such_user` is true for the documented 400 "No user found".
    """

    def __init__(
        self,
        sentence: str,
        *,
        status: int | None = None,
        passing: bool = False,
        wait: float | None = None,
        no_such_user: bool = False,
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.passing = passing
        self.wait = wait
        self.no_such_user = no_such_user


ADVICE = {
    400: "Check the subuser's name and the amount.",
    401: "It does not accept creditbot's API key. Whoever runs creditbot must set SENDGRID_API_KEY "
    "to a valid key of the parent account.",
    403: "creditbot's API key may not do this. Whoever runs creditbot must give the key the scope "
    "`{scope}` in SendGrid, under Settings, API Keys.",
    404: "Whoever runs creditbot must check SENDGRID_API_URL, and that the account has subusers.",
    406: "Report this as a bug in creditbot.",
    408: "SendGrid gave up waiting. Try again in a few minutes.",
    415: "Report this as a bug in creditbot.",
    429: "SendGrid's rate limit was reached. Try again in a minute.",
    451: "SendGrid keeps this account in another region. Whoever runs creditbot must set SENDGRID_REGION to "
    "`eu` or `global`.",
}
FOR_THE_OPERATOR = frozenset({401, 403, 404, 451})
"""Statuses that only a setting or SendGrid's own settings can mend."""

LATER = "Try again in a few minutes."
PROXY_ADVICE = "Whoever runs creditbot must have the proxy let it through, or set HTTPS_PROXY or NO_PROXY."
SERVER_ADVICE = "SendGrid has a problem. Try again in a few minutes."
OTHER_ADVICE = "Try again, or ask whoever runs creditbot."


def explain(status: int, body: str, *, scope: str) -> str:
    """What an error status means and what to do about it; `scope` is what the call needs of the key."""
    if status == 407:  # only a proxy says so, where it is not asked for a tunnel: SENDGRID_API_URL is http
        return f"The proxy asks for a name and a password (407). {PROXY_ADVICE}"
    said = "; ".join(read_errors(body))
    quoted = f": “{escape(said[:300])}”" if said else ""
    advice = ADVICE.get(status, SERVER_ADVICE if status >= 500 else OTHER_ADVICE)
    return f"SendGrid answered {status}{quoted}. {advice.format(scope=scope)}"


def says_no_such_user(status: int, body: str) -> bool:
    """A subuser that does not exist gives 400 with this message, not 404."""
    return status in {400, 404} and any("no user found" in message.lower() for message in read_errors(body))


def problem(status: int, headers: Mapping[str, str], body: str, scope: str) -> SendGridProblem:
    """The error for an answer that is not a readable 200."""
    if status == 200:
        return SendGridProblem(
            "SendGrid's answer can't be read. Try again in a few minutes.", status=200, passing=True
        )
    return SendGridProblem(
        explain(status, body, scope=scope),
        status=status,
        passing=status >= 500 or status in {408, 429},
        wait=rate_limit_wait(headers, time.time()) if status == 429 else None,
        no_such_user=says_no_such_user(status, body),
    )
