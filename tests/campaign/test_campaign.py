"""A short campaign on each database, and a control run that shows that its zeros mean something."""

from dataclasses import replace

import pytest

from tests.extent import short_or_long

from .plan import Plan
from .run import Campaign

SHORT = short_or_long(
    Plan(seed=11, requests=12, kills=3, stops=1, faults=0.4, slack_faults=3, restarts=1),
    Plan(seed=11, requests=40, kills=6, stops=2, faults=0.4, slack_faults=8, restarts=2),
)


@pytest.mark.lasts
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_under_faults_and_kills_nothing_is_sent_twice_lost_or_pretended(database: str) -> None:
    report = await Campaign(SHORT, database).run()
    assert report.clean, report
    assert report.requests >= SHORT.requests
    assert report.kills == SHORT.kills
    # Calling everything doubtful would be no answer.
    assert report.applied > report.requests / 2, report


@pytest.mark.lasts
async def test_without_the_guard_the_same_faults_apply_changes_twice() -> None:
    # `make campaign` runs it on PostgreSQL, too: what is switched off is the same code. Few requests do, if
    # most of them meet a fault.
    plan = replace(SHORT, requests=15, kills=2, stops=1, faults=0.8)
    report = await Campaign(plan, module="tests.campaign.unguarded").run()
    assert report.doubles > 0, report
