"""Mail that flows all the time, so that balances fall by themselves as they do in life."""

import asyncio

from creditbot.sandbox.sendgrid.account import Account

TICK_SECONDS = 0.1


class Burn:
    """Sends `account.burn_rates[username]` mails per second. Rates may change while it runs."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._owed: dict[str, float] = {}

    def step(self, seconds: float) -> None:
        """Sends what is due after `seconds` more; parts of a mail wait for the next step."""
        for username, rate in self._account.burn_rates.items():
            owed = self._owed.get(username, 0.0) + rate * seconds
            mails = int(owed)
            self._owed[username] = owed - mails
            if mails:
                self._account.send_mail(username, mails)

    async def run(self) -> None:
        """Runs until it is cancelled."""
        loop = asyncio.get_running_loop()
        last = loop.time()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now = loop.time()
            self.step(now - last)
            last = now
