"""`make campaign`: the promise under faults, and a control run that shows what the guard is worth."""

import asyncio
from dataclasses import replace
from typing import Annotated, Literal

import typer
from rich.console import Console

from tests import extent

from .plan import Plan
from .report import Report, table
from .run import Campaign

Database = Literal["sqlite", "postgresql", "both"]

NAMES = {"sqlite": "SQLite, 1 process", "postgresql": "PostgreSQL, 2 web and 2 workers"}


def main(
    *,
    requests: Annotated[int, typer.Option(help="How many changes are asked for.")] = 1000,
    kills: Annotated[int, typer.Option(help="How often a process is killed.")] = 200,
    seed: Annotated[int, typer.Option(help="Draws everything else.")] = 1,
    database: Annotated[Database, typer.Option(help="Where the record is kept.")] = "both",
    control: Annotated[bool, typer.Option(help="Also run with the guard switched off.")] = True,
) -> None:
    """Kill, stop and fail everything around the bot; exit 1 if the promise was broken."""
    chosen = [name for name in NAMES if database in {name, "both"}]
    plan = Plan(
        seed=seed,
        requests=requests,
        kills=kills,
        stops=kills // 4,
        slack_faults=requests // 10,
        restarts=kills // 20,
    )
    guarded = {NAMES[name]: asyncio.run(Campaign(plan, name).run()) for name in chosen}
    controls: dict[str, Report] = {}
    if control:
        small = replace(plan, requests=min(requests, 100), kills=min(kills, 20), stops=5, slack_faults=10)
        for name in chosen:
            unguarded = Campaign(small, name, module="tests.campaign.unguarded")
            controls[f"{NAMES[name].partition(',')[0]}, guard off"] = asyncio.run(unguarded.run())
    Console().print(table(guarded | controls))
    held = all(report.clean for report in guarded.values())
    told_apart = all(report.doubles > 0 for report in controls.values())
    raise SystemExit(0 if held and told_apart else 1)


if __name__ == "__main__":
    extent.choose(long=True)
    typer.run(main)
