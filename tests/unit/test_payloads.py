"""What Slack delivers is read into values, or found unreadable; nothing else can happen."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditbot.domain.changes import Change
from creditbot.domain.commands import Ask
from creditbot.domain.shown import Shown
from creditbot.domain.who import Actor
from creditbot.slack.home import Home
from creditbot.slack.payloads import (
    Challenge,
    Click,
    Interaction,
    Sender,
    SlashCommand,
    Submission,
    UnknownPayload,
    UnreadablePayload,
    read,
    read_click,
    read_command,
    read_submission,
)
from creditbot.slack.submissions import read_request

CARD = Shown(12, "0123456789abcdef" * 2, "fedcba9876543210")
VALUE = str(CARD)
COMMAND: dict[str, Any] = {
    "command": "/credits",
    "user_id": "U1",
    "team_id": "T1",
    "channel_id": "C1",
    "text": "help",
    "trigger_id": "1.2.3",
    "response_url": "https://hooks.slack.com/x",
}
CLICK: dict[str, Any] = {
    "type": "block_actions",
    "team": {"id": "T1"},
    "user": {"id": "U1", "team_id": "T1"},
    "container": {"type": "message", "message_ts": "1.5", "channel_id": "C1", "is_ephemeral": False},
    "actions": [{"action_id": "approve", "value": VALUE}],
    "trigger_id": "1.2.3",
    "response_url": "https://hooks.slack.com/x",
}
SUBMISSION: dict[str, Any] = {
    "type": "view_submission",
    "team": {"id": "T1"},
    "user": {"id": "U1", "team_id": "T1"},
    "view": {
        "id": "V1",
        "callback_id": "ask",
        "private_metadata": f"{VALUE} applied",
        "state": {
            "values": {
                "direction": {"direction": {"type": "static_select", "selected_option": {"value": "add"}}},
                "reason": {"reason": {"type": "plain_text_input", "value": "Black Friday"}},
                "subuser": {"subuser": {"type": "plain_text_input", "value": None}},
            }
        },
    },
}
READERS: list[tuple[Callable[[Any], object], dict[str, Any]]] = [
    (read_command, COMMAND),
    (read_click, CLICK),
    (read_submission, SUBMISSION),
]

leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6)
keys = st.sampled_from(
    [
        "user",
        "id",
        "container",
        "actions",
        "view",
        "state",
        "values",
        "value",
        "selected_option",
        "user_id",
        "trigger_id",
    ]
)
junk = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(keys | st.text(max_size=4), inner, max_size=5)
    ),
    max_leaves=16,
)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something stands inside a payload."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, item in inside for place in [(*at, key), *places(item, (*at, key))]]


def replaced(body: dict[str, Any], place: tuple[Any, ...], value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(body)
    holder: Any = changed
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = value
    return changed


def outcome(reader: Callable[[Any], object], body: Any) -> object:
    try:
        return reader(body)
    except UnreadablePayload as error:
        return str(error)


def test_a_command_is_read() -> None:
    assert read_command(COMMAND) == SlashCommand(
        "/credits", Sender("U1", "T1"), "C1", "help", "1.2.3", "https://hooks.slack.com/x"
    )
    assert read_command({**COMMAND, "text": ""}).text == ""
    assert read_command({key: value for key, value in COMMAND.items() if key != "text"}).text == ""


def test_a_click_is_read() -> None:
    click = read_click(CLICK)
    assert click == Click(
        Sender("U1", "T1", frozenset({"T1"})),
        "C1",
        "1.5",
        "approve",
        VALUE,
        "1.2.3",
        "https://hooks.slack.com/x",
    )
    assert click.card == CARD


@pytest.mark.parametrize(
    "container",
    [{"is_ephemeral": True}, {"type": "view"}, {"type": "message_attachment"}, {"message_ts": ""}],
)
def test_a_message_that_cannot_be_changed_has_no_ts(container: dict[str, Any]) -> None:
    click = read_click({**CLICK, "container": {**CLICK["container"], **container}})
    assert click.ts is None


def test_a_form_is_read_by_its_blocks() -> None:
    sent = read_submission(SUBMISSION)
    assert sent == Submission(
        Sender("U1", "T1", frozenset({"T1"})),
        "ask",
        "V1",
        f"{VALUE} applied",
        {"direction": "add", "reason": "Black Friday", "subuser": ""},
    )
    assert (sent.card, sent.word) == (CARD, "applied")


def test_a_form_that_carries_nothing_is_about_no_request() -> None:
    sent = read_submission({**SUBMISSION, "view": {**SUBMISSION["view"], "private_metadata": ""}})
    assert (sent.card, sent.word) == (Shown(0), "")


@pytest.mark.parametrize(("reader", "body"), READERS)
@pytest.mark.parametrize("value", [None, 5, "", [], {}])
def test_a_payload_without_what_slack_always_sends_is_unreadable(
    reader: Callable[[Any], object], body: dict[str, Any], value: object
) -> None:
    whose = "user_id" if "user_id" in body else "user"
    with pytest.raises(UnreadablePayload):
        reader({**body, whose: value})


@pytest.mark.parametrize("actions", [None, [], "x", {}, [None], ["x"], [[]], [{}], [{"value": "12"}]])
def test_a_click_without_an_action_is_unreadable(actions: object) -> None:
    with pytest.raises(UnreadablePayload):
        read_click({**CLICK, "actions": actions})


@pytest.mark.parametrize(("reader", "body"), READERS)
def test_a_payload_is_read_by_its_kind(reader: Callable[[Any], object], body: dict[str, Any]) -> None:
    assert read(body) == reader(body)


def test_slacks_question_for_the_address_is_read() -> None:
    assert read({"type": "url_verification", "challenge": "abc", "token": "x"}) == Challenge("abc")


@pytest.mark.parametrize("kind", [None, "", "event_callback", "shortcut", "view_closed", 5, [], {}])
def test_a_kind_of_payload_that_nothing_listens_for_is_said_to_be_unknown(kind: object) -> None:
    with pytest.raises(UnknownPayload):
        read({**CLICK, "type": kind})


@given(
    st.dictionaries(keys | st.text(max_size=4), junk, max_size=8),
    st.sampled_from(["block_actions", "view_submission", "url_verification", "x"]) | junk,
)
def test_junk_of_any_kind_is_read_or_unreadable(body: dict[str, Any], kind: Any) -> None:
    assert isinstance(outcome(read, {**body, "type": kind}), Interaction | str)


@given(st.dictionaries(keys | st.text(max_size=4), junk, max_size=8))
def test_junk_is_unreadable_and_nothing_worse(body: dict[str, Any]) -> None:
    for reader, _ in READERS:
        assert isinstance(outcome(reader, body), Interaction | str)


@given(st.sampled_from(READERS), st.data())
def test_a_payload_with_one_part_gone_wrong_is_read_or_unreadable(
    reader_and_body: tuple[Callable[[Any], object], dict[str, Any]], data: st.DataObject
) -> None:
    reader, body = reader_and_body
    changed = replaced(body, data.draw(st.sampled_from(places(body))), data.draw(junk))
    found = outcome(reader, changed)
    assert isinstance(found, SlashCommand | Click | Submission | str)
    if isinstance(found, Submission):
        assert all(isinstance(value, str) for value in found.values.values())
    if isinstance(found, Click):
        assert isinstance(found.value, str)


VALUES = {"direction": "remove", "subuser": " acme ", "amount": "5k", "reason": "sold\nless"}


def test_a_form_holds_a_request() -> None:
    assert read_request(VALUES) == (Ask(Change("acme", -5000), "sold less"), {})
    assert read_request({**VALUES, "direction": "add"}) == (Ask(Change("acme", 5000), "sold less"), {})


def test_all_faults_of_a_form_are_shown_at_once_each_at_its_field() -> None:
    command, errors = read_request({"direction": "both", "subuser": "a/b", "amount": "-5", "reason": " "})
    assert command is None
    assert sorted(errors) == ["amount", "direction", "reason", "subuser"]
    assert read_request({})[1].keys() == errors.keys()


def test_an_amount_of_a_form_that_is_not_clear_is_asked_about_at_its_field() -> None:
    command, errors = read_request({**VALUES, "amount": "5\u202f000"})
    assert command is None
    assert errors == {
        "amount": "5 000 can be read as 5,000 or as 5. For 5,000, type 5000; for 5, type 5.",
    }


@given(st.dictionaries(st.sampled_from(sorted(VALUES)), st.text(max_size=20)))
def test_whatever_a_form_holds_it_is_a_request_or_plain_sentences(values: dict[str, str]) -> None:
    command, errors = read_request(values)
    assert (command is None) == bool(errors)
    for sentence in errors.values():
        assert sentence
        assert "`" not in sentence


class TestOfWhichWorkspace:
    HERE = Actor("U1")

    @staticmethod
    def home() -> Home:
        home = Home()
        home.learn({"url": "https://team.slack.com/", "team_id": "T1", "enterprise_id": "E1"})
        return home

    def test_a_payload_of_this_one_says_nothing_special(self) -> None:
        for home in (self.home(), Home()):
            assert home.actor(read_command(COMMAND).sender) == self.HERE
            assert home.actor(read_click(CLICK).sender) == self.HERE
            assert home.actor(read_submission(SUBMISSION).sender) == self.HERE

    def test_a_click_from_another_one_is_known_by_the_payload_alone(self) -> None:
        click = read_click(CLICK | {"user": {"id": "U1", "team_id": "T2"}})
        for home in (self.home(), Home()):
            assert home.actor(click.sender) == Actor("U1", elsewhere="T2")

    def test_a_form_that_was_opened_in_another_one_is_known_by_where_the_app_is(self) -> None:
        view = SUBMISSION["view"] | {"app_installed_team_id": "T1"}
        theirs = {"team": {"id": "T2"}, "user": {"id": "U1", "team_id": "T2"}, "view": view}
        for home in (self.home(), Home()):
            assert home.actor(read_submission(SUBMISSION | theirs).sender) == Actor("U1", elsewhere="T2")

    def test_a_command_from_another_one_is_known_once_slack_has_told_which_is_this(self) -> None:
        command = read_command(COMMAND | {"team_id": "T2"})
        assert self.home().actor(command.sender) == Actor("U1", elsewhere="T2")
        assert Home().actor(command.sender) == self.HERE

    def test_a_person_of_the_organisation_itself_is_of_this_one(self) -> None:
        click = read_click(CLICK | {"user": {"id": "U1", "team_id": "E1"}, "enterprise": {"id": "E1"}})
        for home in (self.home(), Home()):
            assert home.actor(click.sender) == self.HERE

    @pytest.mark.parametrize("without", [{"user": {"id": "U1"}}, {"user": {"id": "U1"}, "team": None}])
    def test_a_click_that_does_not_say_is_from_another_one(self, without: dict[str, Any]) -> None:
        assert Home().actor(read_click(CLICK | without).sender) == Actor("U1", elsewhere="unknown")
