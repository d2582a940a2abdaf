"""`make campaign`: the promise under faults, and a control run that shows what the guard is worth."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console

from .plan import Plan
from .report import Report, table
from .run import Campaign


def main(
    *,
    requests: Annotated[int, typer.Option(help="How many changes are asked for.")] = 1000,
    kills: Annotated[int, typer.Option(help="How often the bot is killed.")] = 200,
    seed: Annotated[int, typer.Option(help="Draws everything else.")] = 1,
    control: Annotated[bool, typer.Option(help="Also run with the guard switched off.")] = True,
) -> None:
    """Kill, stop and fail everything around the bot; exit 1 if the promise was broken."""
    plan = Plan(seed=seed, requests=requests, kills=kills, stops=kills // 4, slack_faults=requests // 10)
    reports: dict[str, Report] = {"SQLite, 1 process": asyncio.run(Campaign(plan).run())}
    if control:
        small = Plan(seed=seed, requests=min(requests, 100), kills=min(kills, 20))
        unguarded = Campaign(small, module="tests.campaign.unguarded")
        reports["guard switched off"] = asyncio.run(unguarded.run())
    Console().print(table(reports))
    held = reports["SQLite, 1 process"].clean
    told_apart = not control or reports["guard switched off"].doubles > 0
    raise SystemExit(0 if held and told_apart else 1)


if __name__ == "__main__":
    typer.run(main)
