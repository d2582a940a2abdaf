"""The diagram of states in docs/safety.md is drawn from the code: `python -m tests.readme` redraws it."""

from pathlib import Path

from creditbot.domain.requests import TRANSITIONS, Status

ROOT = Path(__file__).parent.parent
SAFETY = ROOT / "docs" / "safety.md"
BEGIN, END = "<!-- states: drawn from the code by `make diagram` -->", "<!-- end of states -->"


def states() -> str:
    """TRANSITIONS as a Mermaid diagram, which GitHub draws."""
    ways = [f"    {from_} --> {to}" for from_, onward in TRANSITIONS.items() for to in in_order(onward)]
    ends = [f"    {status} --> [*]" for status in Status if not TRANSITIONS[status]]
    lines = ["stateDiagram-v2", "    direction LR", "    [*] --> pending", *ways, *ends]
    return "\n".join(["```mermaid", *lines, "```"])


def in_order(statuses: frozenset[Status]) -> list[Status]:
    return [status for status in Status if status in statuses]


def with_states(text: str) -> str:
    """The page with its diagram as it should be."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("docs/safety.md has lost the marks around the diagram of states")
    return f"{before}{begin}\n{states()}\n{end}{after}"


if __name__ == "__main__":
    SAFETY.write_text(with_states(SAFETY.read_text()))
