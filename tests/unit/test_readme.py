"""What the README says of the code is so."""

import re

import yaml

from tests.readme import README, states, with_states


def test_the_diagram_of_states_is_the_one_that_the_code_has() -> None:
    text = README.read_text()
    assert with_states(text) == text, "run `make diagram`"


def test_the_diagram_has_every_way_and_no_other() -> None:
    drawn = states()
    assert "    approved --> cancelled\n" in drawn
    assert "    in_doubt --> failed\n" in drawn
    assert "cancelled --> approved" not in drawn
    assert drawn.count("--> [*]") == 6


ROOT = README.parent


def test_each_test_that_the_threat_model_names_is_there() -> None:
    named = re.findall(r"\(`(tests/[\w/]+\.py)::(\w+)`\)", (ROOT / "SECURITY.md").read_text())
    assert len(named) > 10
    for file, test in named:
        assert f"def {test}(" in (ROOT / file).read_text(), test


def test_each_scope_of_the_manifest_is_explained_and_there_are_few() -> None:
    scopes = yaml.safe_load((ROOT / "manifest.yml").read_text())["oauth_config"]["scopes"]["bot"]
    table = README.read_text().partition("### The scopes, and why")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `([a-z:]+)` \|", table, re.MULTILINE) == scopes
    assert len(scopes) <= 4
