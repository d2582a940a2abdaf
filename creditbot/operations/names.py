"""Whether SendGrid knows a subuser, asked while a form is still open and can say so."""

import asyncio
from datetime import timedelta

from creditbot.domain import rules
from creditbot.domain.errors import NotAnswered, Refusal
from creditbot.domain.policy import Policy
from creditbot.domain.who import Actor, Directory
from creditbot.elapsed import boottime
from creditbot.sendgrid.client import SendGrid
from creditbot.sendgrid.names import no_subuser
from creditbot.sendgrid.problems import SendGridProblem
from creditbot.store import requests
from creditbot.store.database import Database

from .delivery import Delivery

WITHIN = timedelta(seconds=1.2)
"""After the form has come: Slack wants its ack within 3 s, and the request is yet to be committed."""


class Names:
    """A courtesy: what goes wrong here, or takes too long, the job that checks a request finds out later."""

    def __init__(
        self,
        database: Database,
        sendgrid: SendGrid,
        policy: Policy,
        directory: Directory,
        *,
        within: timedelta = WITHIN,
    ) -> None:
        self._database = database
        self._sendgrid = sendgrid
        self._policy = policy
        self._directory = directory
        self._within = within

    async def unknown(self, subuser: str, actor: Actor, delivery: Delivery) -> str | None:
        """A sentence for a name that SendGrid does not know, if it says so in time; otherwise None.

        None also for someone who may not ask, who is not to learn which names there are, and where this
        delivery has made its request before, which stands.
        """
        deadline = asyncio.get_running_loop().time() + self._within.total_seconds() - boottime() + delivery.at
        try:
            async with asyncio.timeout_at(deadline):
                if await self._is_new(delivery) and await self._may_ask(actor):
                    await self._sendgrid.subuser_credits(subuser)
        except SendGridProblem as problem:
            return await self._sentence(subuser, deadline) if problem.no_such_user else None
        except (TimeoutError, NotAnswered):
            return None
        return None

    async def _is_new(self, delivery: Delivery) -> bool:
        origin = delivery.id
        if origin is None:
            return True
        found = await self._database.read_for_person(
            lambda connection: requests.by_origin(connection, origin), delivery.at
        )
        return found is None

    async def _may_ask(self, actor: Actor) -> bool:
        try:
            rules.check_may_ask(actor, self._policy, await self._directory(self._policy.may_ask))
        except Refusal:
            return False
        return True

    async def _sentence(self, subuser: str, deadline: float) -> str:
        try:
            async with asyncio.timeout_at(deadline):
                return await self._sendgrid.unknown_name(subuser)
        except TimeoutError:
            return no_subuser(subuser)
