"""Settings: what is needed, and one line for each fault without any secret in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import make_url

from creditbot.runners.procrastinate import conninfo
from creditbot.settings.environment import (
    DatabaseSettings,
    Settings,
    SocketSettings,
    WebSettings,
    WorkerSettings,
    names,
    unknown_names,
)
from creditbot.settings.errors import ConfigError
from creditbot.store.postgres import connection_parameters

SECRETS = {
    "SLACK_BOT_TOKEN": "xoxb-17-made-up-token",
    "SLACK_SIGNING_SECRET": "made-up-signing-secret",
    "SLACK_APP_TOKEN": "xapp-1-made-up-token",
    "SENDGRID_API_KEY": "SG.made-up.key",
}
GOOD = {**SECRETS, "CREDITBOT_APPROVALS_CHANNEL": "C0123ABCD"}


def lines(environ: dict[str, str | None]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        Settings.from_environ(environ)
    assert str(caught.value) == "\n".join(caught.value.lines)
    return caught.value.lines


def named(found: list[str]) -> list[str]:
    return [line.partition(" ")[0] for line in found]


def test_what_is_needed_is_enough_and_the_rest_has_defaults() -> None:
    settings = Settings.from_environ(GOOD)
    assert settings.slack_bot_token.value == SECRETS["SLACK_BOT_TOKEN"]
    assert settings.sendgrid_api_key.value == SECRETS["SENDGRID_API_KEY"]
    assert settings.approvals_channel == "C0123ABCD"
    assert settings.approvers == ()
    assert settings.slack_api_url == "https://slack.com/api/"
    assert settings.sendgrid_url == "https://api.sendgrid.com"
    assert settings.database_url == "sqlite:///creditbot.db"
    assert settings.command == "/credits"
    assert (settings.host, settings.port, settings.log_level) == ("127.0.0.1", 3000, "INFO")


def test_everything_that_is_missing_is_said_at_once_a_line_each() -> None:
    found = lines({})
    assert named(found) == [
        "CREDITBOT_APPROVALS_CHANNEL",
        "SENDGRID_API_KEY",
        "SLACK_APP_TOKEN",
        "SLACK_BOT_TOKEN",
    ]
    for line in found:
        assert " is missing: set it to " in line
        assert "\n" not in line


def test_missing_and_wrong_settings_are_said_together() -> None:
    found = lines(
        {
            "SLACK_BOT_TOKEN": "xoxp-1",
            "PORT": "x",
            "LOG_LEVEL": "loud",
            "HOST": "",
        }
    )
    assert named(found) == [
        "CREDITBOT_APPROVALS_CHANNEL", "LOG_LEVEL", "PORT", "SENDGRID_API_KEY",
        "SLACK_APP_TOKEN", "SLACK_BOT_TOKEN",
    ]  # fmt: skip


@pytest.mark.parametrize("empty", ["", "  ", "\n", None])
@pytest.mark.parametrize("name", ["SLACK_BOT_TOKEN", "SENDGRID_API_KEY", "CREDITBOT_APPROVALS_CHANNEL"])
def test_an_empty_setting_counts_as_missing(name: str, empty: str | None) -> None:
    found = lines({**GOOD, name: empty})
    assert len(found) == 1
    assert found[0].startswith(f"{name} is missing: ")


@pytest.mark.parametrize("kept", ["SLACK_SIGNING_SECRET", "SLACK_APP_TOKEN"])
def test_one_way_into_slack_is_enough(kept: str) -> None:
    one_way = {**GOOD, "SLACK_SIGNING_SECRET": "", "SLACK_APP_TOKEN": "", kept: SECRETS[kept]}
    assert SECRETS[kept] in Settings.from_environ(one_way).secrets()


def test_a_missing_way_into_slack_names_both() -> None:
    found = lines({**GOOD, "SLACK_SIGNING_SECRET": "", "SLACK_APP_TOKEN": ""})
    assert named(found) == ["SLACK_APP_TOKEN"]
    assert "SLACK_SIGNING_SECRET" in found[0]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("SLACK_BOT_TOKEN", "xoxp-1", "xoxb-"),
        ("SLACK_APP_TOKEN", "xoxb-1", "xapp-"),
        ("SLACK_API_URL", "ftp://slack.com", "https://"),
        ("SLACK_API_URL", "slack.com/api", "https://"),
        ("SENDGRID_API_URL", "api.sendgrid.com", "https://"),
        ("SENDGRID_API_URL", "https://", "https://"),
        ("SENDGRID_API_URL", "https://a.example/v3?x=1", "https://"),
        ("SENDGRID_REGION", "us", "it must be global or eu."),
        ("SENDGRID_TIMEOUT", "0.5", "seconds from 1 to 60."),
        ("SENDGRID_TIMEOUT", "61", "seconds from 1 to 60."),
        ("SENDGRID_TIMEOUT", "nan", "seconds from 1 to 60."),
        ("SENDGRID_TIMEOUT", "soon", "seconds from 1 to 60."),
        ("CREDITBOT_POSTS_PER_SECOND", "0", "a number of messages from 0.1 to 1000."),
        ("CREDITBOT_POSTS_PER_SECOND", "many", "a number of messages from 0.1 to 1000."),
        ("CREDITBOT_POSTS_PER_SECOND", "nan", "a number of messages from 0.1 to 1000."),
        ("PORT", "65536", "a whole number from 0 to 65535."),
        ("PORT", "-1", "a whole number from 0 to 65535."),
        ("PORT", "http", "a whole number from 0 to 65535."),
        ("LOG_LEVEL", "TRACE", "DEBUG, INFO, WARNING or ERROR."),
        ("CREDITBOT_APPROVALS_CHANNEL", "#approvals", "C0123ABCD"),
        ("CREDITBOT_APPROVALS_CHANNEL", "U0123ABCD", "C0123ABCD"),
        ("CREDITBOT_COMMAND", "credits", "looks like /credits"),
        ("CREDITBOT_COMMAND", "/Credits", "lower-case"),
        ("CREDITBOT_COMMAND", "/credits add", "looks like /credits"),
        ("CREDITBOT_COMMAND", "/" + "c" * 32, "at most 31"),
        ("CREDITBOT_APPROVERS", "@bob", "U0123ABCD"),
        ("CREDITBOT_APPROVERS", "U0123 U0456", "commas"),
        ("CREDITBOT_APPROVERS", "U0123,bob", "entry 2"),
        ("DATABASE_URL", "postgres://h", "names no database"),
        ("DATABASE_URL", "sqlite://", "sqlite:///creditbot.db"),
    ],
)
def test_a_wrong_setting_is_one_line_that_says_what_would_be_right(name: str, value: str, says: str) -> None:
    found = lines({**GOOD, name: value})
    assert len(found) == 1
    assert found[0].startswith(f"{name} ")
    assert says in found[0]
    assert "\n" not in found[0]


@pytest.mark.parametrize(
    ("name", "placeholder", "says"),
    [
        ("SLACK_BOT_TOKEN", "xoxb-...", "OAuth & Permissions"),
        ("SLACK_APP_TOKEN", "xapp-...", "Basic Information"),
        ("SLACK_SIGNING_SECRET", "...", "Basic Information"),
        ("SENDGRID_API_KEY", "SG....", "the SendGrid parent account"),
    ],
)
def test_a_placeholder_is_not_taken_for_a_token(name: str, placeholder: str, says: str) -> None:
    [line] = lines({**GOOD, name: placeholder})
    assert line.startswith(f"{name} is still a placeholder: set it to ")
    assert says in line


@pytest.mark.parametrize("name", [*SECRETS, "CREDITBOT_LEDGER_KEY"])
@pytest.mark.parametrize(
    ("spoilt", "says"),
    [
        ('"{}"', "it has quotation marks around it; write it without them."),
        ("'{}'", "quotation marks"),
        ("“{}”", "quotation marks"),
        ("„{}“", "quotation marks"),
        ("\u2018{}\u2019", "quotation marks"),
        ('{}"', "quotation marks"),
        ("{} # from OAuth & Permissions", "it has a space or a line break in it; copy it again"),
        ("{}\nPORT=3000", "a space or a line break"),
        ("Bearer {}", "a space or a line break"),
        ("{}\u00a0x", "a space or a line break"),
        ("{}…", "it has characters that no "),
        ("{}\u200b", "it has characters that no "),
        ("{}\x07", "it has characters that no "),
        ("{}\x00", "it has characters that no "),
    ],
)
def test_a_secret_that_was_copied_with_more_than_itself_is_refused(name: str, spoilt: str, says: str) -> None:
    secret = SECRETS.get(name, "k" * 32)
    [line] = lines({**GOOD, name: spoilt.format(secret)})
    assert line.startswith(f"{name} is wrong: it has ")
    assert says in line
    assert secret not in line


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("character", "/+=~!$%&;,{}<>@:")
def test_a_token_has_letters_digits_dots_hyphens_and_underscores_only(name: str, character: str) -> None:
    [line] = lines({**GOOD, name: f"{SECRETS[name]}{character}x"})
    assert line.startswith(f"{name} is wrong: it has characters that no token has;")


def test_a_sendgrid_key_begins_as_sendgrids_do_wherever_the_api_is() -> None:
    elsewhere = {"SENDGRID_API_KEY": "made-up-key", "SENDGRID_API_URL": "http://127.0.0.1:8080"}
    [line] = lines({**GOOD, **elsewhere})
    assert line.startswith("SENDGRID_API_KEY is wrong: it does not begin with SG.; create an API key")
    assert "made-up" not in line


def test_a_stand_in_for_a_token_is_taken() -> None:
    stand_ins = {
        "SLACK_BOT_TOKEN": "xoxb-test",
        "SLACK_APP_TOKEN": "xapp-test",
        "SENDGRID_API_KEY": "SG.test",
    }
    assert set(stand_ins.values()) <= set(Settings.from_environ({**GOOD, **stand_ins}).secrets())


def test_commands_that_need_only_the_database_do_not_mind_a_placeholder() -> None:
    assert DatabaseSettings.from_environ({"SLACK_BOT_TOKEN": "xoxb-..."}).log_level == "INFO"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("CREDITBOT_APPROVRES", "Did you mean CREDITBOT_APPROVERS?"),
        ("creditbot_approvers", "Did you mean CREDITBOT_APPROVERS?"),
        ("CREDITBOT_PORT", "Did you mean PORT?"),
        ("CREDITBOT_XYZZY", "docs/settings.md lists all settings."),
    ],
)
def test_a_name_that_only_creditbot_could_use_is_told_of_if_it_does_not(name: str, says: str) -> None:
    known = names(Settings)
    assert unknown_names([*known, "PATH", "SLACK_TOKEN", name]) == [
        f"{name} is not a setting of creditbot and is ignored. {says}"
    ]


def test_without_postgresqls_packages_the_locked_ones_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("creditbot.settings.database_url.find_spec", lambda _name: None)
    [line] = lines({**GOOD, "DATABASE_URL": "postgresql://bot:hunter2@db/credits"})
    assert line.startswith("DATABASE_URL points to PostgreSQL, but the packages for it are not installed.")
    assert line.endswith("pip install --require-hashes -r requirements-postgres.lock")


@pytest.mark.parametrize(
    ("role", "there", "says"),
    [
        (WebSettings, "SLACK_APP_TOKEN", "or run `creditbot socket`, which needs SLACK_APP_TOKEN instead."),
        (SocketSettings, "SLACK_SIGNING_SECRET", "or run `creditbot web`, which needs SLACK_SIGNING_SECRET"),
    ],
)
def test_who_has_the_other_way_into_slack_is_told_which_process_uses_it(
    role: type[Settings], there: str, says: str
) -> None:
    ways_in = {"SLACK_SIGNING_SECRET": "", "SLACK_APP_TOKEN": "", there: SECRETS[there]}
    with pytest.raises(ConfigError) as caught:
        role.from_environ({**GOOD, **ways_in})
    [line] = caught.value.lines
    assert says in line


@given(
    st.dictionaries(st.sampled_from(sorted(SECRETS)), st.integers(0, 5), min_size=1),
    st.dictionaries(
        st.sampled_from(["PORT", "LOG_LEVEL", "SENDGRID_REGION", "DATABASE_URL", "SLACK_API_URL"]),
        st.just("wrong"),
    ),
)
def test_no_fault_ever_shows_a_secret(secrets: dict[str, int], wrong: dict[str, str]) -> None:
    # Right beginnings and wrong ones, as people swap their tokens.
    beginnings = ["xoxb-", "xapp-", "xoxp-", "", '"xoxb-', "xoxb- "]
    environ = {name: f"{beginnings[n]}hush-{name}" for name, n in secrets.items()} | wrong
    with pytest.raises(ConfigError) as caught:
        Settings.from_environ(environ)
    assert "hush" not in str(caught.value)
    assert "hush" not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_settings_do_not_show_their_secrets() -> None:
    settings = Settings.from_environ(GOOD)
    for secret in SECRETS.values():
        assert secret not in repr(settings)
        assert secret not in str(settings)
    assert sorted(settings.secrets()) == sorted(SECRETS.values())


@pytest.mark.parametrize(
    ("given_url", "used"),
    [
        ("sqlite:///creditbot.db", "sqlite:///creditbot.db"),
        ("sqlite:////var/lib/creditbot.db", "sqlite:////var/lib/creditbot.db"),
        ("sqlite+aiosqlite:///creditbot.db", "sqlite:///creditbot.db"),
        (" sqlite:///creditbot.db\n", "sqlite:///creditbot.db"),
    ],
)
def test_a_database_address_gets_the_driver_that_is_used(given_url: str, used: str) -> None:
    assert DatabaseSettings.from_environ({"DATABASE_URL": given_url}).database_url == used


@pytest.mark.parametrize(
    "url",
    [
        "postgres://bot:hunter2@db/credits",
        "postgresql://bot:hunter2@db/credits",
        "postgresql+psycopg://bot:hunter2@db/credits",
        "postgresql+asyncpg://bot:hunter2@db/credits",
    ],
)
def test_postgresql_is_taken_however_it_is_spelt_and_its_password_kept_secret(url: str) -> None:
    settings = Settings.from_environ({**GOOD, "DATABASE_URL": url})
    assert settings.database_url == "postgresql+psycopg://bot:hunter2@db/credits"
    assert "hunter2" in settings.secrets()


@pytest.mark.parametrize(
    ("typed", "hosts", "ports"),
    [
        ("bot:pw@a:5432,b:5433/db", "a,b", "5432,5433"),
        ("bot:pw@a,b:5433/db?sslmode=require", "a,b", ",5433"),
        ("bot:pw@a,b/db", "a,b", ","),
        ("bot:p,w@a,b/db", "a,b", ","),
        ("bot:pw@[::1]:5432,[fe80::1]:1/db", "::1,fe80::1", "5432,1"),
        ("bot:pw@/db?host=a&host=b", "a,b", ","),
        ("bot:pw@/db?host=a:1&host=b:2", "a,b", "1,2"),
        ("bot:pw@/db?host=a,b&port=1,2", "a,b", "1,2"),
        ("bot:pw@/db?host=a,b&port=1", "a,b", "1,1"),
        ("bot:pw@/db?host=/run/a&host=/run/b", "/run/a,/run/b", ","),
    ],
)
def test_several_hosts_are_the_same_to_the_store_and_the_queue_however_they_are_written(
    typed: str, hosts: str, ports: str
) -> None:
    url = DatabaseSettings.from_environ({"DATABASE_URL": f"postgresql://{typed}"}).database_url
    given = connection_parameters(url)
    assert (given["host"], given["port"]) == (hosts, ports)
    assert given["target_session_attrs"] == "read-write"
    assert given["connect_timeout"] == 2
    for_the_queue = conninfo_to_dict(conninfo(url))
    assert for_the_queue == {name: str(value) for name, value in given.items()}


def test_which_of_several_hosts_is_wanted_may_be_said() -> None:
    url = "postgresql://bot@a,b/db?target_session_attrs=any"
    given = connection_parameters(DatabaseSettings.from_environ({"DATABASE_URL": url}).database_url)
    assert given["target_session_attrs"] == "any"


@pytest.mark.parametrize(
    "typed",
    [
        "bot:hunter2@a,,b/db",
        "bot:hunter2@a:x,b/db",
        "bot:hunter2@a:1,b:2/db?port=3",
        "bot:hunter2@/db?host=a,b&port=1,2,3",
        "bot:hunter2@c/db?host=a&host=b",
        "bot:hunter2@/db?host=a:1:2&host=b",
    ],
)
def test_several_hosts_that_cannot_be_told_apart_are_refused(typed: str) -> None:
    with pytest.raises(ConfigError) as caught:
        DatabaseSettings.from_environ({"DATABASE_URL": f"postgresql://{typed}"})
    [line] = caught.value.lines
    assert line.endswith("several hosts are written host1:5432,host2:5432.")
    assert "hunter2" not in line


@pytest.mark.parametrize("url", ["postgres://hunter2", "postgres://u:hunter2@h:port/db"])
def test_an_address_that_is_none_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        DatabaseSettings.from_environ({"DATABASE_URL": url})
    assert "hunter2" not in str(caught.value)
    assert len(caught.value.lines) == 1


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://bot:hunter2p@ss-rest@127.0.0.1/credits",
        "postgresql://bot@corp:hunter2@db/credits",
        "postgresql://bot:hunter2@rest/of@db/credits",
        "postgresql://bot:hunter2@rest?of@db/credits",
        "postgresql://bot@db/credits?password=hunter2@rest",
    ],
)
def test_an_address_that_an_at_sign_splits_in_the_wrong_place_is_refused(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        DatabaseSettings.from_environ({"DATABASE_URL": url})
    [line] = caught.value.lines
    assert line.startswith("DATABASE_URL is wrong: it has more than one @;")
    assert line.endswith(" as %40.")
    for part in ("hunter2", "rest", "corp"):
        assert part not in str(caught.value)


@pytest.mark.parametrize("name", ["password", "sslpassword"])
@pytest.mark.parametrize(
    ("typed", "password", "alone"),
    [("hunter2%2Bhunter2", "hunter2+hunter2", True), ("credits", "credits", False)],
)
def test_a_password_behind_the_question_mark_is_kept_secret_too(
    name: str, typed: str, password: str, alone: bool
) -> None:
    url = f"postgresql://bot@db/credits?application_name=x&{name}={typed}"

    settings = Settings.from_environ({**GOOD, "DATABASE_URL": url})

    assert (password in settings.secrets()) == alone
    rendered = make_url(settings.database_url).render_as_string(hide_password=False)
    for address in (url, settings.database_url, rendered):
        assert any(found in address for found in settings.secrets() if found.startswith(f"{name}="))


@pytest.mark.parametrize(
    ("role", "missing"),
    [
        (Settings, "SLACK_APP_TOKEN"),
        (WebSettings, "SLACK_SIGNING_SECRET"),
        (SocketSettings, "SLACK_APP_TOKEN"),
        (WorkerSettings, None),
    ],
)
def test_each_process_asks_only_for_the_way_in_that_it_has(role: type[Settings], missing: str | None) -> None:
    ways_in = ("SLACK_SIGNING_SECRET", "SLACK_APP_TOKEN")
    environ = {name: value for name, value in GOOD.items() if name not in ways_in}
    try:
        role.from_environ(environ)
        found = []
    except ConfigError as error:
        found = [line.partition(" ")[0] for line in error.lines]
    assert found == ([] if missing is None else [missing])


@pytest.mark.parametrize(
    "url",
    [
        "creditbot.db",
        "sqlite:",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite://x.db",
        "sqlite:///x?mode=ro",
    ],
)
def test_a_database_that_would_forget_or_cannot_be_opened_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match=r"DATABASE_URL is wrong: .*sqlite:///creditbot\.db"):
        DatabaseSettings.from_environ({"DATABASE_URL": url})


def test_only_the_mapping_is_read_and_never_the_process_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        **GOOD,
        "PORT": "9",
        "DATABASE_URL": "sqlite:///other.db",
        "LOG_LEVEL": "DEBUG",
    }.items():
        monkeypatch.setenv(name, value)
        monkeypatch.setenv(name.lower(), value)
    assert len(lines({})) == 4
    settings = Settings.from_environ({**GOOD, "CREDITBOT_APPROVALS_CHANNEL": "C0OTHER"})
    assert (settings.port, settings.log_level, settings.approvals_channel) == (3000, "INFO", "C0OTHER")
    assert settings.database_url == "sqlite:///creditbot.db"


def test_commands_that_need_only_the_database_ask_for_nothing_else() -> None:
    assert DatabaseSettings.from_environ({}).database_url == "sqlite:///creditbot.db"
    assert DatabaseSettings.from_environ({"LOG_LEVEL": "warning", "PORT": "x"}).log_level == "WARNING"


def test_approvers_are_read_in_order_and_once_each() -> None:
    settings = Settings.from_environ({**GOOD, "CREDITBOT_APPROVERS": " U1, S2,,W3 ,U1,"})
    assert settings.approvers == ("U1", "S2", "W3")


def test_the_region_chooses_the_host_unless_an_address_is_given() -> None:
    assert (
        Settings.from_environ({**GOOD, "SENDGRID_REGION": "eu"}).sendgrid_url == "https://api.eu.sendgrid.com"
    )
    both = {**GOOD, "SENDGRID_REGION": "eu", "SENDGRID_API_URL": "http://127.0.0.1:8080"}
    assert Settings.from_environ(both).sendgrid_url == "http://127.0.0.1:8080"


@pytest.mark.parametrize("url", ["http://127.0.0.1:8081/api", "http://127.0.0.1:8081/api/"])
def test_slacks_address_ends_in_a_slash_as_its_client_needs(url: str) -> None:
    assert Settings.from_environ({**GOOD, "SLACK_API_URL": url}).slack_api_url == "http://127.0.0.1:8081/api/"


@pytest.mark.parametrize(
    ("typed", "password", "alone"),
    [
        ("hunter2", "hunter2", True),
        ("p%40ss%2Fw0rd%3A", "p@ss/w0rd:", True),
        ("a+b%20c1", "a+b c1", True),
        ("correcthorsebattery", "correcthorsebattery", True),
        ("credits", "credits", False),  # a word of every second line, which must stay readable
    ],
)
def test_a_password_is_kept_secret_as_it_is_and_as_its_address_has_it(
    typed: str, password: str, alone: bool
) -> None:
    settings = Settings.from_environ({**GOOD, "DATABASE_URL": f"postgresql://bot:{typed}@db/credits"})

    assert (password in settings.secrets()) == alone
    rendered = make_url(settings.database_url).render_as_string(hide_password=False)
    for address in (settings.database_url, rendered):
        assert any(found in address for found in settings.secrets() if found.startswith(":"))


def test_the_ledgers_keys_are_read_newest_first_and_kept_secret() -> None:
    newest, older = "n" * 32, "o" * 40
    settings = Settings.from_environ({**GOOD, "CREDITBOT_LEDGER_KEY": f"{newest}, {older}"})
    assert settings.ledger_keys == (newest.encode(), older.encode())
    assert {newest, older} <= set(settings.secrets())
    assert newest not in repr(settings)
    assert DatabaseSettings.from_environ({}).ledger_keys == ()


@pytest.mark.parametrize("value", ["n" * 31, f"{'n' * 32},short", "two words " * 5])
def test_a_ledger_key_that_could_be_guessed_is_not_taken(value: str) -> None:
    [line] = lines({**GOOD, "CREDITBOT_LEDGER_KEY": value})
    assert line.startswith("CREDITBOT_LEDGER_KEY is wrong: it ")
    assert value not in line
