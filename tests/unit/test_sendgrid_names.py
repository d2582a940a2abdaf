"""Names of subusers in calls, and those that may have been meant."""

import httpx
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from creditbot.sendgrid.names import near_matches, path_segment


@pytest.mark.parametrize(
    ("name", "segment"),
    [
        ("acme", "acme"),
        ("john@example.com", "john%40example.com"),
        ("a/b", "a%2Fb"),
        ("../user", "..%2Fuser"),
        ("a?b#c%d", "a%3Fb%23c%25d"),
        ("a b", "a%20b"),
        ("...", "..."),
        ("é", "%C3%A9"),
    ],
)
def test_a_name_is_one_segment_of_a_path(name: str, segment: str) -> None:
    assert path_segment(name) == segment


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_a_name_that_would_be_another_path_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="segment"):
        path_segment(name)


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=20))
def test_every_name_reaches_sendgrid_as_it_is(name: str) -> None:
    assume(name not in {".", ".."})
    url = httpx.URL("https://api.sendgrid.com").join(f"/v3/subusers/{path_segment(name)}/credits")
    raw = url.raw_path.decode()
    assert raw.count("/") == 4
    assert url.path == f"/v3/subusers/{name}/credits"


def test_near_names_come_closest_first_whatever_their_case() -> None:
    known = ["acme", "Acme-EU", "acme-us", "zebra", "acmee", "globex"]
    assert near_matches("acmeee", known, 2) == ["acmee", "acme"]
    assert near_matches("ACME-EU", known, 1) == ["Acme-EU"]


def test_names_that_differ_in_case_padding_or_separators_come_first() -> None:
    brands = [f"brand-{n:02}" for n in range(100)]
    assert near_matches("brand-7", brands, 3)[0] == "brand-07"
    assert near_matches("Brand_007", brands, 1) == ["brand-07"]
    assert near_matches("BRAND-7", ["brand-07", "Brand-7", "brand-70", "brand-77"], 2) == [
        "Brand-7",
        "brand-07",
    ]
    assert near_matches("brand-00", ["brand-0", "brand"], 1) == ["brand-0"]


def test_names_that_begin_alike_are_near() -> None:
    assert near_matches("acme", ["acme_marketing_department_europe", "zebra"], 3) == [
        "acme_marketing_department_europe"
    ]


def test_a_name_is_not_near_itself() -> None:
    assert near_matches("acme", ["acme"], 3) == []
    assert near_matches("acme", ["ACME"], 3) == ["ACME"]
    assert near_matches("acme", [], 3) == []


@given(st.text(max_size=8), st.lists(st.text(max_size=8), max_size=6), st.integers(1, 3))
def test_near_names_are_known_names_and_no_more_than_asked(name: str, known: list[str], most: int) -> None:
    found = near_matches(name, known, most)
    assert len(found) <= most
    assert set(found) <= set(known) - {name}
