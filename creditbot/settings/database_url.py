"""The database's address: every spelling that is known of it, and the one that is used."""

import re
from importlib.util import find_spec
from urllib.parse import quote

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from .errors import PackagesError


def database_url(value: str) -> str:
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
        raise PackagesError
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
