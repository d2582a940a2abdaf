"""What the documentation says of the code is so, and its links lead somewhere."""

import re
from pathlib import Path

import pytest
import yaml

from tests.readme import ROOT, SAFETY, states, with_states

PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]


def test_the_diagram_of_states_is_the_one_that_the_code_has() -> None:
    text = SAFETY.read_text()
    assert with_states(text) == text, "run `make diagram`"


def test_the_diagram_has_every_way_and_no_other() -> None:
    drawn = states()
    assert "    approved --> cancelled\n" in drawn
    assert "    in_doubt --> failed\n" in drawn
    assert "cancelled --> approved" not in drawn
    assert drawn.count("--> [*]") == 6


def test_each_test_that_the_threat_model_names_is_there() -> None:
    named = re.findall(r"\(`(tests/[\w/]+\.py)::(\w+)`\)", (ROOT / "SECURITY.md").read_text())
    assert len(named) > 10
    for file, test in named:
        assert f"def {test}(" in (ROOT / file).read_text(), test


def test_each_scope_of_the_manifest_is_explained_and_there_are_few() -> None:
    scopes = yaml.safe_load((ROOT / "manifest.yml").read_text())["oauth_config"]["scopes"]["bot"]
    settings = (ROOT / "docs" / "settings.md").read_text()
    table = settings.partition("## Slack's scopes, and why")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `([a-z:]+)` \|", table, re.MULTILINE) == scopes
    assert len(scopes) <= 4


def anchors(page: Path) -> set[str]:
    """The places in a page that a link can name, as GitHub names them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_link_to_a_page_or_a_picture_leads_there(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text()):
        name, _, place = target.partition("#")
        linked = page.parent / name if name else page
        assert linked.exists(), target
        assert not place or place in anchors(linked), target


def test_the_readme_and_its_page_show_the_same_commands() -> None:
    readme, commands = (ROOT / "README.md").read_text(), (ROOT / "docs" / "commands.md").read_text()
    block = re.search(r"```\n(/credits  .*?)```", readme, re.DOTALL)
    assert block is not None
    assert block[1] in commands
