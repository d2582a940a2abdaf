"""What the README says of the code is so."""

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
