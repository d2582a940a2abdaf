"""Settings, read once from a mapping such as the environment, with one clear line for each fault."""

import re
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote, quote_plus

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

SLACK_API_URL = "https://slack.com/api/"
SENDGRID_HOSTS = {"global": "https://api.sendgrid.com", "eu": "https://api.eu.sendgrid.com"}

HELP = {
    "SLACK_BOT_TOKEN": "set it to the Bot User OAuth Token (xoxb-…) from OAuth & Permissions "
    "in your Slack app",
    "SLACK_SIGNING_SECRET": "set it to the Signing Secret from Basic Information in your Slack app, "
    "or set SLACK_APP_TOKEN for Socket Mode",
    "SLACK_APP_TOKEN": "set it to an App-Level Token (xapp-…) with the scope connections:write, from "
    "Basic Information in your Slack app",
    "SENDGRID_API_KEY": "set it to an API key of the SendGrid parent account",
    "CREDITBOT_APPROVALS_CHANNEL": "set it to the ID of the channel for approvals, such as C0123ABCD "
    "(at the end of the channel's About tab)",
}


SECRET_PARAMETERS = ("password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key")
"""Parameters of libpq that may stand in an address behind a question mark, and are as secret as its password.

postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
"""


class ConfigError(Exception):
    """Settings are missing or wrong; `lines` has one line for each."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def _printable(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    if not (value.isascii() and value.isprintable() and " " not in value):
        raise ValueError("has characters that no token has; copy it again, whole")
    return secret


Secret = Annotated[SecretStr, AfterValidator(_printable)]


def _prefixed(prefix: str, where: str) -> AfterValidator:
    def check(secret: SecretStr) -> SecretStr:
        if not secret.get_secret_value().startswith(prefix):
            raise ValueError(f"does not begin with {prefix}; take the token from {where} in your Slack app")
        return secret

    return AfterValidator(check)


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
        raise ValueError("is too short to be safe; make a key with: openssl rand -hex 32")
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
    return f"sqlite+aiosqlite:///{found['path']}"


def _postgres_url(value: str) -> str:
    missing = [name for name in ("psycopg", "procrastinate") if find_spec(name) is None]
    if missing:
        raise ValueError("PostgreSQL needs more packages: pip install 'creditbot[postgres]'")
    rest = value.partition("://")[2]
    if rest.count("@") > 1:
        # SQLAlchemy would take what follows the first one for the host, which errors name.
        raise ValueError("has more than one @; write each @ of the user's name and the password as %40")
    try:
        url = make_url(f"postgresql+psycopg://{rest}")
    except (ArgumentError, ValueError):
        raise ValueError("is not an address such as postgresql://user:password@host/database") from None
    if not url.database:
        raise ValueError("names no database; it ends in /database")
    return url.render_as_string(hide_password=False)


class DatabaseSettings(BaseSettings):
    """What every command needs; it knows the secrets that it does not use, so that it shows none of them."""

    model_config = SettingsConfigDict(extra="ignore", populate_by_name=False, hide_input_in_errors=True)

    database_url: Annotated[str, AfterValidator(_database_url)] = Field(
        "sqlite+aiosqlite:///creditbot.db", validation_alias="DATABASE_URL"
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
        """As they stand in the address; and by themselves, unless they are words that every line may have."""
        url = make_url(self.database_url)
        found = [url.password] if url.password else []
        forms = [f":{quote(password, safe=' +')}@" for password in found]
        for name in SECRET_PARAMETERS:
            for value in filter(None, url.normalized_query.get(name, ())):
                found.append(value)
                forms.append(f"{name}={quote_plus(value)}")
        return forms + [word for word in found if not (word.isalpha() and len(word) < 12)]


class PolicySettings(DatabaseSettings):
    """What looking at the policy needs; without a token Slack is not asked."""

    slack_bot_token: Annotated[Secret, _prefixed("xoxb-", "OAuth & Permissions")] | None = Field(
        None, validation_alias="SLACK_BOT_TOKEN"
    )
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


class Settings(PolicySettings):
    """What the processes need. The names are those of the environment variables, in lower case."""

    slack_bot_token: Annotated[Secret, _prefixed("xoxb-", "OAuth & Permissions")] = Field(
        validation_alias="SLACK_BOT_TOKEN"
    )
    slack_signing_secret: Secret | None = Field(None, validation_alias="SLACK_SIGNING_SECRET")
    slack_app_token: (
        Annotated[SecretStr, _prefixed("xapp-", "Basic Information, App-Level Tokens")] | None
    ) = Field(None, validation_alias="SLACK_APP_TOKEN")
    sendgrid_api_key: Secret = Field(validation_alias="SENDGRID_API_KEY")
    sendgrid_region: Literal["global", "eu"] = Field("global", validation_alias="SENDGRID_REGION")
    sendgrid_api_url: Annotated[str, AfterValidator(_http_url)] | None = Field(
        None, validation_alias="SENDGRID_API_URL"
    )
    sendgrid_timeout: float = Field(10.0, ge=1, le=60, validation_alias="SENDGRID_TIMEOUT")
    approvals_channel: Annotated[str, AfterValidator(_channel)] = Field(
        validation_alias="CREDITBOT_APPROVALS_CHANNEL"
    )
    host: str = Field("127.0.0.1", validation_alias="HOST")
    port: int = Field(3000, ge=0, le=65535, validation_alias="PORT")

    @classmethod
    def way_in(cls, given: Mapping[str, Any]) -> str | None:
        """The setting that is missing for Slack to get in, if one is."""
        there = given.get("SLACK_APP_TOKEN") or given.get("SLACK_SIGNING_SECRET")
        return None if there else "SLACK_SIGNING_SECRET"

    @classmethod
    def faults_together(cls, given: Mapping[str, Any]) -> list[str]:
        missing = cls.way_in(given)
        return [] if missing is None else [f"{missing} is missing: {HELP[missing]}."]

    @property
    def sendgrid_url(self) -> str:
        return self.sendgrid_api_url or SENDGRID_HOSTS[self.sendgrid_region]


class WebSettings(Settings):
    """What `web` needs: Slack comes over HTTP only."""

    @classmethod
    def way_in(cls, given: Mapping[str, Any]) -> str | None:
        return None if given.get("SLACK_SIGNING_SECRET") else "SLACK_SIGNING_SECRET"


class SocketSettings(Settings):
    """What `socket` needs: Socket Mode only."""

    @classmethod
    def way_in(cls, given: Mapping[str, Any]) -> str | None:
        return None if given.get("SLACK_APP_TOKEN") else "SLACK_APP_TOKEN"


class WorkerSettings(Settings):
    """What `worker` needs: Slack does not come in here at all."""

    @classmethod
    def way_in(cls, given: Mapping[str, Any]) -> str | None:
        del given
        return None


def _line(name: str, kind: str, message: str) -> str:
    if kind == "missing":
        return f"{name} is missing: {HELP[name]}."
    text = message.removeprefix("Value error, ")
    text = text[0].lower() + text[1:] if text.startswith("Input") else text
    # A value is never repeated: it may be a secret that was put in the wrong place.
    it = "it " if text.startswith(("is ", "does ", "has ")) else ""
    return f"{name} is wrong: {it}{text}."
