"""The faults that a person can switch on from the page."""

from dataclasses import dataclass, field
from typing import Any

from creditbot.sandbox.sendgrid import SendGridSandbox
from creditbot.sandbox.sendgrid.faults import FaultOptions, Kind
from creditbot.sandbox.slack import SlackSandbox

SLACK_DOWN = "slack_down"
NO_FIGURES = "no_figures"
FIGURES = frozenset({"data_table", "data_visualization"})


@dataclass(frozen=True)
class Switch:
    """A fault of SendGrid that the next PATCH meets, and what a person is told of it."""

    name: str
    label: str
    tells: str
    kind: Kind
    options: FaultOptions = field(default_factory=FaultOptions)


SWITCHES = (
    Switch("drop", "Drop after applying", "the next answer is lost", "drop_after"),
    Switch("hang", "Hang", "the next PATCH gets no answer", "hang_before"),
    Switch("error", "500", "the next PATCH fails with a server error", "status_before"),
    Switch(
        "rate_limit",
        "429",
        "rate limit: retry after 5 s",
        "rate_limit",
        FaultOptions(reset=5),
    ),
)


class Switchboard:
    """Reads and sets the switches. A switch of SendGrid goes off by itself once a PATCH has met it."""

    def __init__(self, slack: SlackSandbox, sendgrid: SendGridSandbox) -> None:
        self._slack = slack
        self._sendgrid = sendgrid

    def read(self) -> list[dict[str, Any]]:
        """Each switch as the page draws it."""
        pending = {fault.kind for fault in self._sendgrid.faults.pending}
        rows = [(s.name, s.label, s.tells, s.kind in pending) for s in SWITCHES]
        down = "the bot’s calls get a 503"
        rows.append((SLACK_DOWN, "Slack down", down, self._slack.faults.down))
        refused = "charts and data tables"
        rows.append((NO_FIGURES, "Blocks refused", refused, self._slack.workspace.lacking == FIGURES))
        return [dict(zip(("name", "label", "tells", "on"), row, strict=True)) for row in rows]

    def turn(self, name: str, *, on: bool) -> None:
        """Put a switch on or off; LookupError for one that there isn't."""
        if name == SLACK_DOWN:
            self._slack.faults.down = on
            return
        if name == NO_FIGURES:
            self._slack.workspace.lacking = FIGURES if on else frozenset()
            return
        switch = next((s for s in SWITCHES if s.name == name), None)
        if switch is None:
            raise LookupError(f"no switch {name!r}")
        pending = self._sendgrid.faults.pending
        # One fault at a time: the next PATCH can meet only one.
        kinds = {s.kind for s in SWITCHES}
        pending[:] = [fault for fault in pending if fault.kind not in kinds]
        if on:
            self._sendgrid.faults.add(switch.kind, **switch.options)
