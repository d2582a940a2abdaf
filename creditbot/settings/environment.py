"""Settings, read once from a mapping such as the environment, with one clear line for each fault."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from difflib import get_close_matches
from typing import Any, ClassVar, Self
from urllib.parse import quote, quote_plus

from sqlalchemy import make_url

from creditbot.domain.markup import COMMAND
from creditbot.domain.secrecy import by_themselves
from creditbot.network.proxies import DIRECT, Proxies, WrongProxy

from . import secrets, values
from .database_url import database_url
from .errors import ConfigError, PackagesError, PlaceholderError
from .secrets import Secret

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

SECRET_PARAMETERS = ("password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key")
"""Parameters of libpq that may stand in an address behind a question mark, and are as secret as its password.

postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
"""


@dataclass(frozen=True, slots=True)
class Variable:
    """An environment variable, and the reader of its text, which raises ValueError with what is wrong."""

    name: str
    read: Callable[[str], Any]


def setting(name: str, read: Callable[[str], Any], default: Any = MISSING, *, shown: bool = True) -> Any:
    """A field that is read from an environment variable; one without a default must be there."""
    return field(default=default, repr=shown, metadata={VARIABLE: Variable(name, read)})


VARIABLE = "variable"


@dataclass(frozen=True, kw_only=True)
class DatabaseSettings:
    """What every command needs; it knows the secrets that it does not use, so that it shows none of them."""

    database_url: str = setting("DATABASE_URL", database_url, "sqlite:///creditbot.db", shown=False)
    """A password may be in it."""
    log_level: str = setting("LOG_LEVEL", values.log_level, "INFO")
    slack_bot_token: Secret | None = setting("SLACK_BOT_TOKEN", Secret, None)
    slack_signing_secret: Secret | None = setting("SLACK_SIGNING_SECRET", Secret, None)
    slack_app_token: Secret | None = setting("SLACK_APP_TOKEN", Secret, None)
    sendgrid_api_key: Secret | None = setting("SENDGRID_API_KEY", Secret, None)
    ledger_key: tuple[Secret, ...] = setting("CREDITBOT_LEDGER_KEY", secrets.ledger_keys, ())

    @property
    def ledger_keys(self) -> tuple[bytes, ...]:
        """The key that is written with, and those before it, with which older events are checked."""
        return tuple(key.value.encode() for key in self.ledger_key)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str | None]) -> Self:
        """Read the settings from a mapping such as `os.environ`; an empty value counts as not set.

        Raises:
            ConfigError: one line for each setting that is missing or wrong, all at once.
        """
        found, lines = cls._read(environ)
        if lines:
            raise ConfigError(sorted(lines))
        return cls(**found)

    @classmethod
    def _read(cls, environ: Mapping[str, str | None]) -> tuple[dict[str, Any], list[str]]:
        """The values by the fields' names, and a line for each fault."""
        given = {name: text for name in names(cls) if (text := (environ.get(name) or "").strip())}
        found: dict[str, Any] = {}
        lines = cls.faults_together(given)
        for each, variable in _variables(cls):
            if variable.name in given:
                try:
                    found[each.name] = variable.read(given[variable.name])
                except ValueError as error:
                    lines.append(_line(variable.name, error))
            elif each.default is MISSING:
                lines.append(_missing(variable.name))
        return found, lines

    @classmethod
    def faults_together(cls, given: Mapping[str, str]) -> list[str]:
        """Lines for faults that only show when settings are looked at together."""
        del given
        return []

    def secrets(self) -> list[str]:
        """The values that may never be shown or logged."""
        kept = [self.slack_bot_token, self.slack_signing_secret, self.slack_app_token, self.sendgrid_api_key]
        kept += self.ledger_key
        return [secret.value for secret in kept if secret is not None] + self._password_forms()

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


@dataclass(frozen=True, kw_only=True)
class PolicySettings(DatabaseSettings):
    """What looking at the policy needs; without a token Slack is not asked."""

    slack_bot_token: Secret | None = setting("SLACK_BOT_TOKEN", secrets.bot_token, None)
    slack_api_url: str = setting("SLACK_API_URL", values.api_url, SLACK_API_URL)
    approvals_channel: str | None = setting("CREDITBOT_APPROVALS_CHANNEL", values.channel_id, None)
    approvers: tuple[str, ...] = setting("CREDITBOT_APPROVERS", values.approvers, ())
    policy_path: str | None = setting("CREDITBOT_POLICY", str, None)
    proxies: Proxies = DIRECT
    """What connections to Slack and SendGrid go through."""

    @classmethod
    def _read(cls, environ: Mapping[str, str | None]) -> tuple[dict[str, Any], list[str]]:
        """The same, with the proxies that the mapping names."""
        found, lines = super()._read(environ)
        try:
            return found | {"proxies": Proxies.of(environ)}, lines
        except WrongProxy as error:
            return found, [*lines, str(error)]

    def secrets(self) -> list[str]:
        return super().secrets() + self.proxies.secrets()


@dataclass(frozen=True, kw_only=True)
class Settings(PolicySettings):
    """What the processes need. The names are those of the environment variables, in lower case."""

    ways_in: ClassVar[tuple[str, ...]] = ("SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET")
    """Slack comes in by these, of which one must be set."""
    otherwise: ClassVar[str] = "or use HTTP and set SLACK_SIGNING_SECRET"
    """What else may be done, if the first of them is missing."""
    slack_bot_token: Secret = setting("SLACK_BOT_TOKEN", secrets.bot_token)
    slack_signing_secret: Secret | None = setting("SLACK_SIGNING_SECRET", secrets.token, None)
    slack_app_token: Secret | None = setting("SLACK_APP_TOKEN", secrets.app_token, None)
    sendgrid_api_key: Secret = setting("SENDGRID_API_KEY", secrets.sendgrid_key)
    sendgrid_region: str = setting("SENDGRID_REGION", values.sendgrid_region, "global")
    sendgrid_api_url: str | None = setting("SENDGRID_API_URL", values.http_url, None)
    sendgrid_timeout: float = setting("SENDGRID_TIMEOUT", values.timeout, 10.0)
    approvals_channel: str = setting("CREDITBOT_APPROVALS_CHANNEL", values.channel_id)
    posts_per_second: float = setting("CREDITBOT_POSTS_PER_SECOND", values.posts_per_second, 1.0)
    command: str = setting("CREDITBOT_COMMAND", values.command, COMMAND)
    host: str = setting("HOST", str, "127.0.0.1")
    port: int = setting("PORT", values.port, 3000)

    @classmethod
    def faults_together(cls, given: Mapping[str, str]) -> list[str]:
        if not cls.ways_in or not given.keys().isdisjoint(cls.ways_in):
            return []
        return [_missing(cls.ways_in[0], cls.otherwise)]

    @property
    def sendgrid_url(self) -> str:
        return self.sendgrid_api_url or SENDGRID_HOSTS[self.sendgrid_region]


class WebSettings(Settings):
    """What `web` needs: Slack comes over HTTP only."""

    ways_in = ("SLACK_SIGNING_SECRET",)
    otherwise = "or run `creditbot socket`, which needs SLACK_APP_TOKEN instead"


class SocketSettings(Settings):
    """What `socket` needs: Socket Mode only."""

    ways_in = ("SLACK_APP_TOKEN",)
    otherwise = "or run `creditbot web`, which needs SLACK_SIGNING_SECRET instead"


class WorkerSettings(Settings):
    """What `worker` needs: Slack does not come in here at all."""

    ways_in = ()


def names(kind: type[DatabaseSettings]) -> list[str]:
    """The environment variables that are read."""
    return [variable.name for _, variable in _variables(kind)]


def _variables(kind: type[DatabaseSettings]) -> list[tuple[Field[Any], Variable]]:
    return [(found, found.metadata[VARIABLE]) for found in fields(kind) if VARIABLE in found.metadata]


def unknown_names(given: Iterable[str]) -> list[str]:
    """A sentence for each name that can only be meant for creditbot, and is no setting of its."""
    known = names(Settings)
    found = sorted(name for name in given if name.upper().startswith(PREFIX) and name not in known)
    return [f"{name} is not a setting of creditbot and is ignored. {_meant(name, known)}" for name in found]


def _meant(name: str, known: list[str]) -> str:
    bare = {setting.removeprefix(PREFIX): setting for setting in known}
    near = get_close_matches(name.upper().removeprefix(PREFIX), bare, n=1)
    return f"Did you mean {bare[near[0]]}?" if near else "docs/settings.md lists all settings."


def _missing(name: str, *otherwise: str) -> str:
    return f"{name} is missing: {', '.join([HELP[name], *otherwise])}."


def _line(name: str, error: ValueError) -> str:
    match error:
        case PlaceholderError():
            return f"{name} is still a placeholder: {HELP[name]}."
        case PackagesError():
            return (
                f"{name} points to PostgreSQL, but the packages for it are not installed. In the checkout of "
                "creditbot, run pip install --require-hashes -r requirements-postgres.lock"
            )
    text = str(error)
    it = "it " if text.startswith(("is ", "does ", "has ", "names ", "must ")) else ""
    return f"{name} is wrong: {it}{text}."
