"""What Slack does to typed text, what a person reads, and who is notified."""

import pytest

from creditbot.sandbox.slack import Message, Person, Workspace


@pytest.fixture
def workspace() -> Workspace:
    workspace = Workspace(lambda: 0.0)
    workspace.add_person(Person("U1", "ada", "Ada Lovelace"))
    workspace.add_person(Person("U2", "bob.hope", "Bob Hope"))
    workspace.add_channel("C1", "approvals", ["U1"])
    workspace.add_user_group("S1", "finance-team", ["U1"])
    return workspace


@pytest.mark.parametrize(
    ("typed", "received"),
    [
        ("add acme 5000 Black Friday", "add acme 5000 Black Friday"),
        ("add acme 1.5m v1.2 5,000", "add acme 1.5m v1.2 5,000"),
        ('R&D <now> -> it\'s "fine"', 'R&amp;D &lt;now&gt; -&gt; it\'s "fine"'),
        ("<@U1> <!channel>", "&lt;@U1&gt; &lt;!channel&gt;"),
        ("for @ada, please", "for <@U1|ada>, please"),
        ("ask @bob.hope.", "ask <@U2|bob.hope>."),
        ("@nobody knows", "@nobody knows"),
        (
            "@finance-team @here @channel @everyone",
            "<!subteam^S1|@finance-team> <!here> <!channel> <!everyone>",
        ),
        ("see #approvals and #nothing", "see <#C1|approvals> and #nothing"),
        ("see https://a.example/x?a=1&b=2.", "see <https://a.example/x?a=1&amp;b=2>."),
        ("acme.com", "<http://acme.com|acme.com>"),
        (
            "mail.acme.co.uk/path and file.txt",
            "<http://mail.acme.co.uk/path|mail.acme.co.uk/path> and file.txt",
        ),
        ("a.b@acme.com", "<mailto:a.b@acme.com|a.b@acme.com>"),
        ("", ""),
    ],
)
def test_typed_text_is_escaped(workspace: Workspace, typed: str, received: str) -> None:
    assert workspace.directory().escape(typed) == received


def message(*blocks: dict[str, object], text: str = "") -> Message:
    return Message("C1", "1.0", "U1", text, list(blocks))


def test_all_texts_of_a_message_are_read() -> None:
    card = message(
        {"type": "header", "text": {"type": "plain_text", "text": "A & B"}},
        {
            "type": "section",
            "fields": [{"type": "mrkdwn", "text": "*one*"}, {"type": "mrkdwn", "text": "two &lt;3"}],
            "accessory": {
                "type": "button",
                "text": {"type": "plain_text", "text": "Go"},
                "confirm": {"text": {"type": "plain_text", "text": "unseen"}},
            },
        },
        {
            "type": "table",
            "rows": [
                [{"type": "raw_text", "text": "acme"}, {"type": "raw_number", "value": 5}],
                [{"type": "raw_text", "text": "umbra"}, {"type": "rich_text", "elements": []}],
            ],
        },
        {
            "type": "rich_text",
            "elements": [
                {
                    "type": "rich_text_section",
                    "elements": [
                        {"type": "text", "text": "by "},
                        {"type": "user", "user_id": "U1"},
                        {"type": "emoji", "name": "tada"},
                    ],
                }
            ],
        },
        {"type": "markdown", "text": "**bold**"},
        {"type": "data_visualization", "title": "Credits", "chart": {"type": "pie", "segments": []}},
    )
    assert card.plain().split("\n") == [
        "A & B",
        "*one*",
        "two <3",
        "Go",
        "acme\t5",
        "umbra\t",
        "by <@U1>:tada:",
        "**bold**",
        "Credits",
    ]
    assert message(text="words").plain() == "words"


@pytest.mark.parametrize(
    ("text", "notified"),
    [
        ({"type": "mrkdwn", "text": "<@U1> and <!subteam^S1|@finance>"}, {"U1", "S1"}),
        ({"type": "mrkdwn", "text": "<!here> <!channel>"}, {"here", "channel"}),
        ({"type": "mrkdwn", "text": "hey @here, @channel"}, {"here", "channel"}),
        ({"type": "mrkdwn", "text": "hey @here", "verbatim": True}, set()),
        ({"type": "plain_text", "text": "<@U1> @here"}, set()),
        ({"type": "mrkdwn", "text": "&lt;@U1&gt; a@here.com"}, set()),
    ],
)
def test_a_message_notifies_whom_its_markup_names(text: dict[str, object], notified: set[str]) -> None:
    assert message({"type": "section", "text": text}).mentions() == notified


def test_a_text_without_blocks_notifies_only_by_markup() -> None:
    assert message(text="@here <@U1>").mentions() == {"U1"}
