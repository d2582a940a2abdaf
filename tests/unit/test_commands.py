"""What can be typed after /credits, and what a person is told who typed something else."""

import re
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from creditbot.domain.changes import Change
from creditbot.domain.commands import Ask, OpenForm, ShowBalance
from creditbot.domain.errors import CommandError, UnknownRequest
from creditbot.domain.fields import MAX_NAME, MAX_REASON, reason, request_id, subuser_name
from creditbot.domain.markup import literal, quoted
from creditbot.domain.paging import History, Pending
from creditbot.slack import commands
from creditbot.slack.commands import COMMANDS, USAGE
from creditbot.slack.commands.help import message as help_message
from creditbot.slack.notation import plain
from tests.typed import parse

SAYS_WHAT_TO_TYPE = re.compile(
    r"\b[Tt]ype\b|\bEnter (a|the)\b|\bName a subuser|\bGive a reason\b|\bShorten it\b|at most|`/credits "
)
CALLS_A_CHANNEL = re.compile(r"@(here|channel|everyone)", re.IGNORECASE)

typed_texts = st.text(st.characters(codec="utf-8"), max_size=60)
near_commands = st.builds(
    " ".join,
    st.lists(
        st.sampled_from(
            [*USAGE, "acme", "5k", "12", "#", "@here", "<!here>", "&lt;", "`", "account-id:", ".."]
        )
        | typed_texts,
        max_size=5,
    ),
)


def refusal(text: str) -> CommandError:
    with pytest.raises(CommandError) as caught:
        parse(text)
    return caught.value


def assert_helpful_and_harmless(sentence: str) -> None:
    assert SAYS_WHAT_TO_TYPE.search(sentence), sentence
    assert "<" not in sentence
    assert not CALLS_A_CHANNEL.search(sentence)
    assert sentence.count("`") % 2 == 0, "what was quoted must stay inside its code span"
    assert len(sentence) < 600


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("", ShowBalance(None)),
        (" \t\n", ShowBalance(None)),
        ("balance", ShowBalance(None)),
        ("balance acme", ShowBalance("acme")),
        ("balance john@example.com", ShowBalance("john@example.com")),
        ("balance account-id:12345", ShowBalance("account-id 12345")),
        ("balance account-id 12345", ShowBalance("account-id 12345")),
        ("balance Account-ID: AC_1-x", ShowBalance("account-id AC_1-x")),
        ("BALANCE  acme ", ShowBalance("acme")),
        ("add acme 5000 Black Friday", Ask(Change("acme", 5000), "Black Friday")),
        ("Add acme 5,000 Black  Friday", Ask(Change("acme", 5000), "Black Friday")),
        ("add acme 10 payload campaign", Ask(Change("acme", 10), "payload campaign")),
        ("remove acme 1.5m sold less", Ask(Change("acme", -1_500_000), "sold less")),
        ("remove\tacme\n5k\r\nsold less", Ask(Change("acme", -5000), "sold less")),
        ("add Acme_EU.2 1 x", Ask(Change("Acme_EU.2", 1), "x")),
        ("add ACMÉ 1 Grüße", Ask(Change("ACMÉ", 1), "Grüße")),
        ("add", OpenForm("add")),
        ("add acme", OpenForm("add", "acme")),
        ("remove acme 5k", OpenForm("remove", "acme", "5k")),
        ("request", OpenForm("add")),
        ("request acme 5k Black Friday", OpenForm("add", "acme", "5k", "Black Friday")),
        ("pending", Pending()),
        ("history", History(None)),
        ("history acme", History("acme")),
        ("show 12", 12),
        ("show #12", 12),
        ("cancel 12", 12),
        ("help", None),
        ("HELP", None),
    ],
)
def test_every_subcommand_is_read_into_its_own_value(text: str, command: object) -> None:
    assert parse(text) == command


def test_what_usage_promises_is_understood() -> None:
    filled = {"SUBUSER": "acme", "AMOUNT": "5k", "REASON": "why", "ID": "12"}
    for word, usage in USAGE.items():
        text = usage.removeprefix("/credits ").replace("[", "").replace("]", "")
        for placeholder, value in filled.items():
            text = text.replace(placeholder, value)
        assert text.startswith(word)
        parse(text)


def test_only_names_of_subusers_count_as_subusers() -> None:
    assert ShowBalance("acme").is_subuser
    assert not ShowBalance(None).is_subuser
    assert not ShowBalance("account-id 5").is_subuser


@pytest.mark.parametrize(
    ("typed", "command"),
    [
        ("add <mailto:a@b.co|a@b.co> 5k hi", Ask(Change("a@b.co", 5000), "hi")),
        ("add <mailto:a@b.co> 5k hi", Ask(Change("a@b.co", 5000), "hi")),
        ("add <http://acme.com|acme.com> 5k hi", Ask(Change("acme.com", 5000), "hi")),
        ("add R&amp;D 5k for R&amp;D", Ask(Change("R&D", 5000), "for R&D")),
        ("add acme 5k ask <@U1|bo> and <@U2>", Ask(Change("acme", 5000), "ask @bo and @U2")),
        (
            "add acme 5k <!here> <!subteam^S1|@ops> <!channel|channel>",
            Ask(Change("acme", 5000), "@here @ops channel"),
        ),
        ("add acme 5k see <#C1|sales> and <#C2>", Ask(Change("acme", 5000), "see #sales and #C2")),
        (
            "add acme 5k see <https://a.example/x?a=1&amp;b=2>",
            Ask(Change("acme", 5000), "see https://a.example/x?a=1&b=2"),
        ),
        (
            "add acme 5k see <https://a.example/x|https://a.example/x>",
            Ask(Change("acme", 5000), "see https://a.example/x"),
        ),
        (
            "add acme 5k see <https://evil.example/|https://bank.example/>",
            Ask(Change("acme", 5000), "see https://bank.example/ (https://evil.example/)"),
        ),
        (
            "add acme 5k see <https://evil.example|our bank>",
            Ask(Change("acme", 5000), "see our bank (https://evil.example)"),
        ),
        ("add acme 5k call <tel:5551234|5551234>", Ask(Change("acme", 5000), "call 5551234")),
        ("add acme 5k a &lt; b &gt; c", Ask(Change("acme", 5000), "a < b > c")),
        ("add acme 5k typed &amp;lt;", Ask(Change("acme", 5000), "typed &lt;")),
        ("balance\u00a0acme", ShowBalance("acme")),
    ],
)
def test_slacks_notation_is_read_as_what_the_person_typed(typed: str, command: object) -> None:
    assert parse(typed) == command


def test_entities_are_undone_once_only() -> None:
    assert plain("&amp;amp;lt;") == "&amp;lt;"


@pytest.mark.parametrize(
    "name",
    [
        "..",
        ".",
        "../x",
        "a/b",
        "a\\b",
        "/",
        "x" * 129,
        "x" * 500,
        "account-id:12345",
        "ACCOUNT-ID:1",
        "account-id:",
        "@bob",
        "@here",
        "#sales",
        "a\x00b",
        "a\x1bb",
        "a\x7fb",
        "a\u200bb",
        "\u200b",
        "a\u202eb",
        "a\u2063b",
        "a\ufeffb",
        "a\U000e0041b",
        "a\ud800b",
    ],
)
def test_names_that_could_change_a_path_or_a_header_are_refused(name: str) -> None:
    error = refusal(f"add {name} 5 why")
    assert error.field == "subuser"
    assert_helpful_and_harmless(error.sentence)


@pytest.mark.parametrize("name", ["x@here.com", "x@Channel.com", "john@example.com"])
def test_a_name_that_is_copied_from_an_answer_is_the_same_name(name: str) -> None:
    assert subuser_name(literal(name).strip("`")) == name


@pytest.mark.parametrize("name", ["", " ", "a b", "a\tb", "a\nb", "a\r\nx-header: 1", "a\u3000b"])
def test_names_from_a_form_may_not_hold_white_space(name: str) -> None:
    with pytest.raises(CommandError) as caught:
        subuser_name(name)
    assert caught.value.field == "subuser"
    assert_helpful_and_harmless(caught.value.sentence)


@pytest.mark.parametrize(
    "text", ["", " ", "\n\t", "\u200b", "\u2063\u2064", "\x00", "\ufe0f", "\u0301", "x" * 501]
)
def test_reasons_that_say_nothing_or_too_much_are_refused(text: str) -> None:
    with pytest.raises(CommandError) as caught:
        reason(text)
    assert caught.value.field == "reason"
    assert_helpful_and_harmless(caught.value.sentence)


def test_the_longest_reason_fits_and_is_kept_whole() -> None:
    assert reason("x" * 500) == "x" * 500
    assert isinstance(parse(f"add acme 5 {'x' * 500}"), Ask)


@pytest.mark.parametrize(
    "text",
    [
        "für die 👨\u200d👩\u200d👧\u200d👦",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "ന\u0d4d\u200d വേണം",
        "❤\ufe0f\u200d🔥 sale",
    ],
)
def test_joiners_survive_in_a_reason_where_they_join_something(text: str) -> None:
    assert parse(f"add acme 5 {text}") == Ask(Change("acme", 5), text)


def test_joiners_hide_nothing() -> None:
    assert reason("x\u200dox\u200cb é\u200d\u200d\u200c! \u200d") == "xoxb é\u200d!"
    with pytest.raises(CommandError, match="token"):
        reason("xo\u200dxb-123\u200d4567-abcdef")
    with pytest.raises(CommandError):
        subuser_name("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645")


def test_a_reason_is_one_line_without_what_cannot_be_seen() -> None:
    assert reason(" Black\n\n Friday\t\u202esale\x00 ") == "Black Friday sale"


@pytest.mark.parametrize(
    "text", ["", " ", "#", "-1", "1.0", "1 2", "abc", "\uff11", "9" * 19, "0x1", "<!here>", "@here"]
)
def test_what_is_no_request_id_is_refused_with_the_way_to_find_one(text: str) -> None:
    with pytest.raises(CommandError) as caught:
        request_id(text)
    assert "/credits pending" in caught.value.sentence
    assert_helpful_and_harmless(caught.value.sentence)


@pytest.mark.parametrize("text", ["2147483648", "#3000000000", "9" * 18])
def test_an_id_that_no_request_can_have_is_that_of_none(text: str) -> None:
    with pytest.raises(UnknownRequest, match=f"There is no request `{text.removeprefix('#')}`") as caught:
        request_id(text)
    assert_helpful_and_harmless(caught.value.sentence)


@pytest.mark.parametrize(
    "text",
    [
        "balance a b",
        "balance account-id:",
        "balance account-id:a/b",
        "balance account-id: 1 2",
        "history a b",
        "history account-id:5",
        "show",
        "show 1 2",
        "show x",
        "cancel",
        "cancel all",
        "pending acme",
        "help me",
        "approve 5",
        "ad acme 5 why",
        "<!here>",
        "@here",
        "`*_~<http://x.example|add>",
        "5000",
        "-",
        "\x00",
    ],
)
def test_what_is_not_understood_is_answered_with_what_to_type(text: str) -> None:
    assert_helpful_and_harmless(refusal(text).sentence)


@pytest.mark.parametrize(
    "text",
    [
        "add acme 5000 Black Friday\n/credits add globex 3000 Black Friday",
        "add acme 5000 Black Friday\r\n  /kredits pending",
        "add acme 5000 Black Friday\nadd globex 5 000 Black Friday",
        "add acme 5000 Black Friday\n\nRemove globex",
        "add acme 5000 Black Friday\u2028cancel #12",
        "add acme 5000 Black Friday /credits add globex 3000 Black Friday",
        "request acme 5000 Black Friday\nadd globex 3000 Black Friday",
        "balance acme\n/credits balance globex",
        "help\nadd globex 3000 Black Friday",
    ],
)
def test_commands_that_were_pasted_together_are_not_taken_for_one(text: str) -> None:
    sentence = refusal(text).sentence
    assert "more than one command, so nothing was done" in sentence
    assert_helpful_and_harmless(sentence)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Black Friday\nOPS-12", "Black Friday OPS-12"),
        ("Black Friday\r\nAddress lists grew", "Black Friday Address lists grew"),
        ("Black Friday\nremoved last week by mistake", "Black Friday removed last week by mistake"),
        ("Black Friday\nshow them that it works", "Black Friday show them that it works"),
        ("see /credits show 12", "see /credits show 12"),
        ("Black Friday\n/etc/motd says so", "Black Friday /etc/motd says so"),
    ],
)
def test_a_reason_of_several_lines_is_one(text: str, reason: str) -> None:
    assert parse(f"add acme 5000 {text}") == Ask(Change("acme", 5000), reason)


def test_a_slip_of_the_finger_is_answered_with_the_command_that_was_meant() -> None:
    assert USAGE["balance"] in refusal("balanc acme").sentence
    assert USAGE["history"] in refusal("histroy").sentence


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("<@U1>", "`&lt;@U1&gt;`"),
        ("@here", "`@\u2060here`"),
        ("`x`", "`'x'`"),
        ("a\u200bb", "`a□b`"),
        ("x" * 41, f"`{'x' * 40}…`"),
    ],
)
def test_what_is_quoted_back_can_do_nothing(typed: str, shown: str) -> None:
    assert quoted(typed) == shown


@given(typed_texts | near_commands)
@example("add \ud800 5 x")
@example("balance account-id " + "9" * 500)
@example("show " + "9" * 5000)
@example("add acme " + "9" * 5000)
def test_no_text_raises_anything_but_a_helpful_refusal(text: str) -> None:
    try:
        parse(text)
    except CommandError as error:
        assert_helpful_and_harmless(error.sentence)


@given(typed_texts | st.text(st.sampled_from("aB1.@-_+~ %?&\t\u200b/\\é"), max_size=140))
def test_a_name_that_is_taken_is_safe_in_a_path_and_a_header_and_reads_the_same_again(text: str) -> None:
    try:
        name = subuser_name(text)
    except CommandError:
        return
    assert subuser_name(name) == name
    assert 1 <= len(name) <= 128
    assert name not in {".", ".."}
    assert not name.lower().startswith("account-id:")
    assert not set(name) & set("/\\")
    assert not any(char.isspace() or unicodedata.category(char)[0] in "CZ" for char in name)


@given(typed_texts | st.text(max_size=600))
def test_a_reason_that_is_taken_can_be_read_and_fits(text: str) -> None:
    try:
        taken = reason(text)
    except CommandError:
        return
    assert 1 <= len(taken) <= 500
    assert taken == taken.strip()
    assert not any(unicodedata.category(char).startswith("C") for char in taken if char not in "\u200c\u200d")
    assert not re.search("(^|[\\x00-\\x7f\u200c\u200d])[\u200c\u200d]", taken)
    assert reason(taken) == taken


@given(near_commands, st.integers(1, 10**6), st.sampled_from(["add", "remove"]))
def test_whoever_asks_gets_the_sign_of_the_word_that_they_typed(why: str, value: int, word: str) -> None:
    try:
        command = parse(f"{word} acme {value} x {why}")
    except CommandError:
        return  # the reason is too long
    assert isinstance(command, Ask)
    assert command.change == Change("acme", value if word == "add" else -value)


@given(typed_texts)
def test_quoting_never_ends_its_own_code_span(text: str) -> None:
    span = quoted(text)
    assert span.startswith("`")
    assert span.endswith("`")
    assert span.count("`") == 2
    assert "<" not in span
    assert not CALLS_A_CHANNEL.search(span)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=30))
def test_escaped_text_comes_back_as_it_was_typed(text: str) -> None:
    sent = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert plain(sent) == text


def test_a_form_is_opened_with_what_was_given_even_if_it_is_wrong() -> None:
    assert parse("request a/b 5kk why") == OpenForm("add", "a/b", "5kk", "why")
    assert parse(f"request {'x' * 200} {'9' * 100} {'y' * 900}") == OpenForm(
        "add", "x" * MAX_NAME, "9" * 40, "y" * MAX_REASON
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("bal", "Unknown command `bal`. Did you mean `/credits balance [SUBUSER]`?"),
        ("show", "`/credits show` needs a request's ID. Type `/credits show ID`."),
        ("history acme globex", "`/credits history` needs one subuser, or none."),
        ("pending acme", "Type `/credits pending` with nothing after it."),
    ],
)
def test_what_is_missing_or_too_much_is_named(text: str, says: str) -> None:
    with pytest.raises(CommandError) as caught:
        parse(text)
    assert caught.value.sentence.startswith(says)


ARCHITECTURE = (Path(__file__).parents[2] / "docs" / "architecture.md").read_text()


def test_a_module_with_commands_is_all_that_a_new_command_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [sample] = re.findall(r"```python\n(.*?)```", ARCHITECTURE, re.DOTALL)
    (tmp_path / "ping.py").write_text(sample)
    monkeypatch.setattr(commands, "__path__", [*commands.__path__, str(tmp_path)])

    found = commands.find()

    assert list(found) == [*list(COMMANDS)[:-1], "ping", "help"]
    assert "`/credits ping`: whether creditbot is there" in help_message(found.values()).text
    sys.modules.pop("creditbot.slack.commands.ping")


def test_the_help_has_every_command_in_its_place() -> None:
    lines = help_message(COMMANDS.values()).text.splitlines()[2:-1]
    assert [line.split("`")[1] for line in lines] == list(USAGE.values())


def test_two_commands_cannot_have_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "another.py").write_text("from creditbot.slack.commands.show import COMMANDS")
    monkeypatch.setattr(commands, "__path__", [*commands.__path__, str(tmp_path)])
    with pytest.raises(ValueError, match="two are named show"):
        commands.find()
    sys.modules.pop("creditbot.slack.commands.another")
