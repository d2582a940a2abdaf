"""Settings, read once from a mapping such as the environment, with one clear line for each fault."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote, quote_plus

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, SecretStr, ValidationError
from sqlalchemy import make_url

from creditbot.domain.markup import COMMAND
from creditbot.domain.secrecy import by_themselves
from creditbot.network.proxies import DIRECT, Proxies, WrongProxy

from .database_url import DatabaseUrl
from .errors import ConfigError
from .secrets import AppToken, BotToken, LedgerKeys, SendGridKey, Token
from .values import ApiUrl, Approvers, ChannelId, Command, HttpUrl

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


class DatabaseSettings(BaseModel):
    """What every command needs; it knows the secrets that it does not use, so that it shows none of them."""

    # Of all kinds of settings, a process builds only its own.
    model_config = ConfigDict(defer_build=True, hide_input_in_errors=True)

    database_url: DatabaseUrl = Field("sqlite:///creditbot.db", validation_alias="DATABASE_URL")
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"],
        BeforeValidator(lambda value: value.upper() if isinstance(value, str) else value),
    ] = Field("INFO", validation_alias="LOG_LEVEL")
    slack_bot_token: SecretStr | None = Field(None, validation_alias="SLACK_BOT_TOKEN")
    slack_signing_secret: SecretStr | None = Field(None, validation_alias="SLACK_SIGNING_SECRET")
    slack_app_token: SecretStr | None = Field(None, validation_alias="SLACK_APP_TOKEN")
    sendgrid_api_key: SecretStr | None = Field(None, validation_alias="SENDGRID_API_KEY")
    ledger_key: LedgerKeys = Field((), validation_alias="CREDITBOT_LEDGER_KEY")

    @property
    def ledger_keys(self) -> tuple[bytes, ...]:
        """The key that is written with, and those before it, with which older events are checked."""
        return tuple(key.get_secret_value().encode() for key in self.ledger_key)

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
    slack_api_url: ApiUrl = Field(SLACK_API_URL, validation_alias="SLACK_API_URL")
    approvals_channel: ChannelId | None = Field(None, validation_alias="CREDITBOT_APPROVALS_CHANNEL")
    approvers: Approvers = Field((), validation_alias="CREDITBOT_APPROVERS")
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
    sendgrid_api_url: HttpUrl | None = Field(None, validation_alias="SENDGRID_API_URL")
    sendgrid_timeout: float = Field(10.0, ge=1, le=60, validation_alias="SENDGRID_TIMEOUT")
    approvals_channel: ChannelId = Field(validation_alias="CREDITBOT_APPROVALS_CHANNEL")
    command: Command = Field(COMMAND, validation_alias="CREDITBOT_COMMAND")
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
