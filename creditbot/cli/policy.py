"""`creditbot policy`: check it, or explain what it does with a change."""

import asyncio
from typing import Annotated, Literal

import typer

from .environment import SAID_ANYWAY, settings_of
from .group import CommandGroup
from .terminal import FAULTY_SETTINGS, fail

policy_app = typer.Typer(
    cls=CommandGroup, help="Check a policy before it takes effect.", no_args_is_help=True
)


Offline = Annotated[bool, typer.Option("--offline", help="Look nothing up in Slack.")]


@policy_app.command("check")
def check_policy(*, offline: Offline = False) -> None:
    """Check the policy, and the people, groups and channels that it names.

    Exit 0 if there are no faults, or only warnings; 1 if there are faults; 2 if the file is missing or is not
    TOML, if it has an unknown key or a wrong value, or if a setting is wrong.
    """
    from creditbot.settings.environment import PolicySettings
    from creditbot.settings.policy import policy_of

    from . import policy_report

    settings = settings_of(PolicySettings, log_level=SAID_ANYWAY)
    policy = policy_of(settings)
    report = asyncio.run(policy_report.check(settings, policy, offline=offline))
    for sentence in [*report.unknown, *report.warnings]:
        typer.echo(f"warning: {sentence}")
    for sentence in report.faults:
        typer.echo(f"error: {sentence}")
    if report.faults:
        raise SystemExit(1)
    tiers = f"{len(policy.tiers)} tier" + ("" if len(policy.tiers) == 1 else "s")
    if report.unseen:
        *others, last = report.unseen
        unseen = f"{', '.join(others)} and {last}" if others else last
        typer.echo(f"The rules of the policy are valid; {unseen} were not looked up.")
        typer.echo(f"It has {tiers}, hash {policy.hash}")
        return
    typer.echo(f"The policy is valid: {tiers}, hash {policy.hash}")


@policy_app.command("explain")
def explain_policy(
    direction: Annotated[Literal["add", "remove"], typer.Argument(help="Whether to add or remove credits.")],
    subuser: Annotated[str, typer.Argument(metavar="SUBUSER")],
    amount: Annotated[str, typer.Argument(metavar="AMOUNT", help="As in Slack: 5000, 5,000, 5k, 1.5m.")],
    *,
    actor: Annotated[
        str, typer.Option("--as", metavar="ID", help="The requester's user ID, such as U0123ABCD.")
    ],
    offline: Offline = False,
) -> None:
    """Show what would happen to a change, and which rule decides.

    Exit 0 if it would go to its approvers, as far as is known; 1 if it would be refused, if nobody could
    approve it, or if SUBUSER or AMOUNT can't be read; 2 if --as, the policy file or a setting is wrong.
    """
    from creditbot.domain import amounts, fields
    from creditbot.domain.changes import Change
    from creditbot.domain.explain import Scenario
    from creditbot.domain.markup import without_markup
    from creditbot.domain.who import is_person
    from creditbot.settings.environment import PolicySettings
    from creditbot.settings.policy import policy_of

    from . import policy_report

    if not is_person(actor):
        fail(
            "--as is not a user ID, which looks like U0123ABCD: in Slack, open the person's profile and "
            "choose Copy member ID.",
            code=FAULTY_SETTINGS,
        )
    settings = settings_of(PolicySettings, log_level=SAID_ANYWAY)
    policy = policy_of(settings)
    credits_ = amounts.amount(amount)
    change = Change(fields.subuser_name(subuser), credits_ if direction == "add" else -credits_)
    scenario = Scenario(actor, change)
    told = asyncio.run(policy_report.tell(settings, policy, scenario, offline=offline))
    for sentence in told.sentences:
        typer.echo(without_markup(sentence))
    raise SystemExit(0 if told.possible else 1)
