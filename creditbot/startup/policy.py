"""The policy put in force, as soon as the database can be written."""

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog

from creditbot.domain.policy import Policy
from creditbot.operations import activate_policy, give_tokens, move_cards
from creditbot.store.database import AWAY, CommitUnclear, Database

log = structlog.get_logger(__name__)

Clock = Callable[[], datetime]


async def activate(database: Database, policy: Policy, channel: str, now: Clock) -> None:
    """Have the ledger and the open requests know the policy, and their cards the channels that it names.

    That is done as soon as the database can be written.

    A process that has not written down which policy is in force takes no decisions: it waits for a database
    that is away, and whatever else goes wrong ends it.
    """
    while True:
        try:
            await give_tokens(database, now)
            if came := await activate_policy(database, policy, now):
                which = "This" if came == "first" else "Another"
                log.info(f"{which} policy is in force from now on", hash=policy.hash, tiers=len(policy.tiers))
            if moved := await move_cards(database, policy, channel, now):
                log.info("Open requests get cards in the channels that are set now", requests=moved)
        except (*AWAY, CommitUnclear) as error:
            log.warning("The policy could not be recorded; trying again", error=str(error).splitlines()[0])
            await asyncio.sleep(1)
        except Exception:
            log.exception("The policy could not be recorded, so nothing can be decided here; stopping")
            raise
        else:
            return
