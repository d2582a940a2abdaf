"""Settings, read once from a mapping such as the environment, with one clear line for each fault."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from importlib.util import find_spec
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote, quote_plus

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, SecretStr, ValidationError
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from creditbot.domain.secrecy import by_themselves
from creditbot.domain.text import COMMAND
from creditbot.network.proxies import DIRECT, Proxies, WrongProxy

PREFIX = "CREDITBOT_"
SLACK_API_URL = "https://slack.com/api/"
SENDGRID_HOSTS = {"global": "https://api.sendgrid.com", "eu": "https://api.eu.sendgrid.com"}

HELP = {
    "SLACK_BOT_TOKEN": "set it to the Bot User OAuth Token (xoxb-…) from OAuth & Permissions "
    "in your Slack app",
    "SLACK_SIGNING_SECRET": "set it to the Signing Secret from Basic Information in your Slack app",
    "SLACK_APP_TOKEN": "set it to an App-Level Token (xapp-…) with the scope connections:write, from "
    "Basic Information in your Slack app",
    "SENDGRID_API_KEY": "set it to an API key of the SendGrid parent account",
    "CREDITBOT_APPROVALS_CHANNEL": "set it to the ID of the channel for approvals, such as C0123ABCD "
    "(at the end of the channel's About tab)",
}

WANTED = {
    "LOG_LEVEL": "DEBUG, INFO, WARNING or ERROR",
    "PORT": "a whole number from 0 to 65535",
    "SENDGRID_REGION": "global or eu",
    "SENDGRID_TIMEOUT": "a number of seconds from 1 to 60",
}
"""What settings must be that pydantic checks by itself, whose prose is not for people."""

SECRET_PARAMETERS = ("password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key")
"""Parameters of libpq that may stand in an address behind a question mark, and are as secret as its password.

postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
"""


class ConfigError(Exception):
    """Settings are missing or wrong; `lines` has one line for each."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def _filled_in(secret: SecretStr) -> SecretStr:
    """Refuse what the README shows in a token's place; a process would ask with it for ever."""
    if secret.get_secret_value().endswith("..."):
        raise PydanticCustomError("placeholder", "is a placeholder")
    return secret


QUOTES = ('"', "'", "`", "\u00b4", "\u00ab", "\u00bb", *map(chr, range(0x2018, 0x2020)), "\u2039", "\u203a")
"""A `.env` file is read without the quotes around a value; many other ways into an environment keep them."""


def _unquoted(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    if value.startswith(QUOTES) or value.endswith(QUOTES):
        raise ValueError("has quotation marks around it; write it without them")
    return secret


def _in_one_piece(secret: SecretStr) -> SecretStr:
    if any(character.isspace() for character in secret.get_secret_value()):
        raise ValueError("has a space or a line break in it; copy it again, without anything around it")
    return secret


def _printable(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    if not (value.isascii() and value.isprintable()):
        raise ValueError("has characters that no key has; copy it again in full")
    return secret


def _of_tokens_characters(secret: SecretStr) -> SecretStr:
    if re.fullmatch(r"[A-Za-z0-9._-]+", secret.get_secret_value()) is None:
        raise ValueError("has characters that no token has; copy it again in full")
    return secret


Secret = Annotated[
    SecretStr, AfterValidator(_unquoted), AfterValidator(_in_one_piece), AfterValidator(_printable)
]
Token = Annotated[
    SecretStr,
    AfterValidator(_unquoted),
    AfterValidator(_in_one_piece),
    AfterValidator(_filled_in),
    AfterValidator(_of_tokens_characters),
]
"""What Slack and SendGrid give out: letters, digits, dots, hyphens and underscores."""


def _prefixed(prefix: str, where: str) -> AfterValidator:
    def check(secret: SecretStr) -> SecretStr:
        if not secret.get_secret_value().startswith(prefix):
            raise ValueError(f"does not begin with {prefix}; {where}")
        return secret

    return AfterValidator(check)


BotToken = Annotated[Token, _prefixed("xoxb-", "copy the token from OAuth & Permissions in your Slack app")]
AppToken = Annotated[
    Token, _prefixed("xapp-", "copy the token from Basic Information, App-Level Tokens, in your Slack app")
]
SendGridKey = Annotated[
    Token, _prefixed("SG.", "create an API key for the parent account in SendGrid, under Settings, API Keys")
]


def _command(value: str) -> str:
    if not re.fullmatch(r"/[a-z0-9_-]{1,31}", value):
        raise ValueError(
            "is not a slash command, which looks like /credits: a slash, then at most 31 lower-case letters, "
            "digits, hyphens and underscores"
        )
    return value


def _channel(value: str) -> str:
    if not re.fullmatch(r"[CGD][A-Za-z0-9_-]+", value):
        raise ValueError(
            "is not a channel's ID, which looks like C0123ABCD; find it at the end of the channel's About tab"
        )
    return value


def _approvers(value: object) -> object:
    if not isinstance(value, str):
        return value
    identifiers = [part.strip() for part in value.split(",") if part.strip()]
    for place, identifier in enumerate(identifiers, 1):
        if not re.fullmatch(r"[UWS][A-Za-z0-9_-]+", identifier):
            raise ValueError(
                f"entry {place} is not a Slack ID; list user IDs (U0123ABCD) and user-group IDs "
                "(S0123ABCD), separated by commas"
            )
    return tuple(dict.fromkeys(identifiers))


def _ledger_keys(value: object) -> object:
    if not isinstance(value, str):
        return value
    keys = tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))
    if any(len(key) < 32 for key in keys):
        raise ValueError("is too short to be safe; create a key with: openssl rand -hex 32")
    return keys


def _http_url(value: str) -> str:
    found = re.fullmatch(r"https?://[^\s/?#:@]+(?::(?P<port>\d{1,5}))?(/[^\s?#]*)?", value)
    if found is None or int(found["port"] or 0) > 65535:
        raise ValueError("is not an address that begins with https:// (or http://)")
    return value


def _api_url(value: str) -> str:
    value = _http_url(value)
    return value if value.endswith("/") else f"{value}/"


def _database_url(value: str) -> str:
    """The address with the driver that is used, whatever way it was spelt."""
    if re.match(r"postgres(ql)?(\+\w+)?://", value, re.IGNORECASE):
        return _postgres_url(value)
    found = re.fullmatch(r"sqlite(?:\+aiosqlite)?:///(?P<path>[^?]+)", value)
    if found is None or found["path"] == ":memory:":
        raise ValueError(
            "is not an address such as sqlite:///creditbot.db or postgresql://user:password@host/database"
        )
    return f"sqlite:///{found['path']}"


def _postgres_url(value: str) -> str:
    missing = [name for name in ("psycopg", "procrastinate") if find_spec(name) is None]
    if missing:
        raise PydanticCustomError("packages", "needs more packages")
    rest = value.partition("://")[2]
    if rest.count("@") > 1:
        # SQLAlchemy would take what follows the first one for the host, which errors name.
        raise ValueError("has more than one @; write each @ of the user's name and the password as %40")
    try:
        url = _several_hosts(make_url(f"postgresql+psycopg://{_hosts_behind(rest)}"))
    except (ArgumentError, ValueError):
        raise ValueError(
            "is not an address such as postgresql://user:password@host/database; several hosts are written "
            "host1:5432,host2:5432"
        ) from None
    if not url.database:
        raise ValueError("names no database; it ends in /database")
    return url.render_as_string(hide_password=False)


def _hosts_behind(rest: str) -> str:
    """`user@a:5432,b:5433/db`, which SQLAlchemy does not read, with its hosts behind the question mark."""
    authority, slash, tail = rest.partition("/")
    login, at, hosts = authority.rpartition("@")
    if "," not in hosts:
        return rest
    path, _, query = tail.partition("?")
    return f"{login}{at}{slash}{path}?host={quote(hosts)}" + (f"&{query}" if query else "")


def _several_hosts(url: URL) -> URL:
    """However several hosts were written, as libpq has them; it is to find the one that takes writes."""
    given = url.normalized_query
    hosts = [host for names in given.get("host", ()) for host in names.split(",")]
    if len(hosts) < 2:
        return url
    found = [match for host in hosts if (match := HOST.fullmatch(host))]
    ports = [match["port"] or "" for match in found]
    told = [port for numbers in given.get("port", ()) for port in numbers.split(",")]
    if len(found) < len(hosts) or url.host or (told and any(ports)):
        raise ValueError("one of them is no host; or hosts or ports are in two places")
    if told:
        ports = told * len(hosts) if len(told) == 1 else told
    if len(ports) != len(hosts) or not all(re.fullmatch("[0-9]{0,5}", port) for port in ports):
        raise ValueError("not a port for each host")
    parameters = {"target_session_attrs": "read-write"} if "target_session_attrs" not in given else {}
    parameters["host"] = ",".join(match["v6"] or match["name"] for match in found)
    if any(ports):
        parameters["port"] = ",".join(ports)
    return url.difference_update_query(["host", "port"]).update_query_dict(parameters)


HOST = re.compile(
    r"(?:\[(?P<v6>[0-9a-fA-F:.%]+)\]|(?P<name>/[^,]*|[^\s:/,\[\]@]+))(?::(?P<port>[0-9]{1,5}))?"
)
"""A host's name or address, or the folder of a Unix socket, and perhaps its port."""


class DatabaseSettings(BaseSettings):
    """What every command needs; it knows the secrets that it does not use, so that it shows none of them."""

    model_config = SettingsConfigDict(extra="ignore", populate_by_name=False, hide_input_in_errors=True)

    database_url: Annotated[str, AfterValidator(_database_url)] = Field(
        "sqlite:///creditbot.db", validation_alias="DATABASE_URL"
    )
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"],
        BeforeValidator(lambda value: value.upper() if isinstance(value, str) else value),
    ] = Field("INFO", validation_alias="LOG_LEVEL")
    slack_bot_token: SecretStr | None = Field(None, validation_alias="SLACK_BOT_TOKEN")
    slack_signing_secret: SecretStr | None = Field(None, validation_alias="SLACK_SIGNING_SECRET")
    slack_app_token: SecretStr | None = Field(None, validation_alias="SLACK_APP_TOKEN")
    sendgrid_api_key: SecretStr | None = Field(None, validation_alias="SENDGRID_API_KEY")
    ledger_key: Annotated[tuple[Secret, ...], NoDecode, BeforeValidator(_ledger_keys)] = Field(
        (), validation_alias="CREDITBOT_LEDGER_KEY"
    )

    @property
    def ledger_keys(self) -> tuple[bytes, ...]:
        """The key that is written with, and those before it, with which older events are checked."""
        return tuple(key.get_secret_value().encode() for key in self.ledger_key)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        *_others: PydanticBaseSettingsSource,
        **_named: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The mapping that was given, and never the process's own environment behind it."""
        del settings_cls
        return (init_settings,)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str | None]) -> Self:
        """Read the settings from a mapping such as `os.environ`; an empty value counts as not set.

        Raises:
            ConfigError: one line for each setting that is missing or wrong, all at once.
        """
        names = [str(field.validation_alias) for field in cls.model_fields.values()]
        values = {name: (environ.get(name) or "").strip() for name in names}
        given: dict[str, Any] = {name: value for name, value in values.items() if value}
        lines = cls.faults_together(given)
        try:
            settings = cls(**given)
        except ValidationError as error:
            lines += [_line(str(fault["loc"][0]), fault["type"], fault["msg"]) for fault in error.errors()]
            raise ConfigError(sorted(lines)) from None
        if lines:
            raise ConfigError(sorted(lines))
        return settings

    @classmethod
    def faults_together(cls, given: Mapping[str, Any]) -> list[str]:
        """Lines for faults that only show when settings are looked at together."""
        del given
        return []

    def secrets(self) -> list[str]:
        """The values that may never be shown or logged."""
        kept = [self.slack_bot_token, self.slack_signing_secret, self.slack_app_token, self.sendgrid_api_key]
        kept += self.ledger_key
        return [secret.get_secret_value() for secret in kept if secret is not None] + self._password_forms()

    def _password_forms(self) -> list[str]:
        """As they stand in the address, and by themselves."""
        url = make_url(self.database_url)
        found = [url.password] if url.password else []
        forms = [f":{quote(password, safe=' +')}@" for password in found]
        for name in SECRET_PARAMETERS:
            for value in filter(None, url.normalized_query.get(name, ())):
                found.append(value)
                forms.append(f"{name}={quote_plus(value)}")
        return forms + by_themselves(found)


class PolicySettings(DatabaseSettings):
    """What looking at the policy needs; without a token Slack is not asked."""

    slack_bot_token: BotToken | None = Field(None, validation_alias="SLACK_BOT_TOKEN")
    slack_api_url: Annotated[str, AfterValidator(_api_url)] = Field(
        SLACK_API_URL, validation_alias="SLACK_API_URL"
    )
    approvals_channel: Annotated[str, AfterValidator(_channel)] | None = Field(
        None, validation_alias="CREDITBOT_APPROVALS_CHANNEL"
    )
    approvers: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_approvers)] = Field(
        (), validation_alias="CREDITBOT_APPROVERS"
    )
    policy_path: str | None = Field(None, validation_alias="CREDITBOT_POLICY")
    _proxies: Proxies = PrivateAttr(DIRECT)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str | None]) -> Self:
        """The same, with the proxies that the mapping names."""
        try:
            proxies, lines = Proxies.of(environ), []
        except WrongProxy as error:
            proxies, lines = DIRECT, [str(error)]
        try:
            settings = super().from_environ(environ)
        except ConfigError as error:
            raise ConfigError(sorted(error.lines + lines)) from None
        if lines:
            raise ConfigError(lines)
        return settings.going_through(proxies)

    def going_through(self, proxies: Proxies) -> Self:
        self._proxies = proxies
        return self

    @property
    def proxies(self) -> Proxies:
        """What connections to Slack and SendGrid go through."""
        return self._proxies

    def secrets(self) -> list[str]:
        return super().secrets() + self._proxies.secrets()


class Settings(PolicySettings):
    """What the processes need. The names are those of the environment variables, in lower case."""

    slack_bot_token: BotToken = Field(validation_alias="SLACK_BOT_TOKEN")
    slack_signing_secret: Token | None = Field(None, validation_alias="SLACK_SIGNING_SECRET")
    slack_app_token: AppToken | None = Field(None, validation_alias="SLACK_APP_TOKEN")
    sendgrid_api_key: SendGridKey = Field(validation_alias="SENDGRID_API_KEY")
    sendgrid_region: Literal["global", "eu"] = Field("global", validation_alias="SENDGRID_REGION")
    sendgrid_api_url: Annotated[str, AfterValidator(_http_url)] | None = Field(
        None, validation_alias="SENDGRID_API_URL"
    )
    sendgrid_timeout: float = Field(10.0, ge=1, le=60, validation_alias="SENDGRID_TIMEOUT")
    approvals_channel: Annotated[str, AfterValidator(_channel)] = Field(
        validation_alias="CREDITBOT_APPROVALS_CHANNEL"
    )
    command: Annotated[str, AfterValidator(_command)] = Field(COMMAND, validation_alias="CREDITBOT_COMMAND")
    host: str = Field("127.0.0.1", validation_alias="HOST")
    port: int = Field(3000, ge=0, le=65535, validation_alias="PORT")

    @classmethod
    def faults_together(cls, given: Mapping[str, Any]) -> list[str]:
        if given.get("SLACK_APP_TOKEN") or given.get("SLACK_SIGNING_SECRET"):
            return []
        return [_missing("SLACK_APP_TOKEN", "or use HTTP and set SLACK_SIGNING_SECRET")]

    @property
    def sendgrid_url(self) -> str:
        return self.sendgrid_api_url or SENDGRID_HOSTS[self.sendgrid_region]


class WebSettings(Settings):
    """What `web` needs: Slack comes over HTTP only."""

    @classmethod
    def faults_together(cls, given: Mapping[str, Any]) -> list[str]:
        if given.get("SLACK_SIGNING_SECRET"):
            return []
        return [
            _missing("SLACK_SIGNING_SECRET", "or run `creditbot socket`, which needs SLACK_APP_TOKEN instead")
        ]


class SocketSettings(Settings):
    """What `socket` needs: Socket Mode only."""

    @classmethod
    def faults_together(cls, given: Mapping[str, Any]) -> list[str]:
        if given.get("SLACK_APP_TOKEN"):
            return []
        return [
            _missing("SLACK_APP_TOKEN", "or run `creditbot web`, which needs SLACK_SIGNING_SECRET instead")
        ]


class WorkerSettings(Settings):
    """What `worker` needs: Slack does not come in here at all."""

    @classmethod
    def faults_together(cls, given: Mapping[str, Any]) -> list[str]:
        del given
        return []


def unknown_names(names: Iterable[str]) -> list[str]:
    """A sentence for each name that can only be meant for creditbot, and is no setting of its."""
    known = [str(field.validation_alias) for field in Settings.model_fields.values()]
    found = sorted(name for name in names if name.upper().startswith(PREFIX) and name not in known)
    return [f"{name} is not a setting of creditbot and is ignored. {_meant(name, known)}" for name in found]


def _meant(name: str, known: list[str]) -> str:
    bare = {setting.removeprefix(PREFIX): setting for setting in known}
    near = get_close_matches(name.upper().removeprefix(PREFIX), bare, n=1)
    return f"Did you mean {bare[near[0]]}?" if near else "docs/settings.md lists all settings."


def _missing(name: str, *otherwise: str) -> str:
    return f"{name} is missing: {', '.join([HELP[name], *otherwise])}."


def _line(name: str, kind: str, message: str) -> str:
    if kind == "missing":
        return _missing(name)
    if kind == "placeholder":
        return f"{name} is still a placeholder: {HELP[name]}."
    if kind == "packages":
        return (
            f"{name} points to PostgreSQL, but the packages for it are not installed. In the checkout of "
            "creditbot, run pip install --require-hashes -r requirements-postgres.lock"
        )
    if name in WANTED:
        return f"{name} is wrong: it must be {WANTED[name]}."
    text = message.removeprefix("Value error, ")
    # A value is never repeated: it may be a secret that was put in the wrong place.
    it = "it " if text.startswith(("is ", "does ", "has ", "names ")) else ""
    return f"{name} is wrong: {it}{text}."
