"""Links to cards are made here, as Slack makes them."""

import pytest

from creditbot.domain.place import Place
from creditbot.slack.message import linked
from creditbot.slack.permalinks import Permalinks

CARD = Place("C0123ABCD", "1700000000.000100")


def test_a_link_is_as_slack_makes_it() -> None:
    links = Permalinks()
    assert links.to(CARD) is None
    links.learn("https://team.slack.com/")
    assert links.to(CARD) == "https://team.slack.com/archives/C0123ABCD/p1700000000000100"


def test_what_was_not_posted_has_no_link() -> None:
    links = Permalinks("https://team.slack.com/")
    assert (links.to(None), links.to(Place("C0123ABCD"))) == (None, None)


@pytest.mark.parametrize("url", [None, 7, "", "team.slack.com", "https://team|x.slack.com/", "https://t >x/"])
def test_an_address_that_could_not_stand_in_a_link_is_none(url: object) -> None:
    links = Permalinks()
    links.learn(url)
    assert not links.known


def test_words_without_a_link_stay_words() -> None:
    assert linked("its card", None) == "its card"
    assert linked("its card", "https://team.slack.com/") == "<https://team.slack.com/|its card>"
