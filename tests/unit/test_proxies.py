"""Which proxy a connection goes through: by the environment alone, and by the same rules for everything."""

import asyncio
from base64 import b64encode

import aiohttp
import pytest
from yarl import URL

from creditbot.network.proxies import DIRECT, Proxies, WrongProxy, address
from creditbot.settings.environment import DatabaseSettings, PolicySettings, Settings
from creditbot.settings.errors import ConfigError
from creditbot.slack.errors import error_code
from tests.unit.test_settings import GOOD

A, B, C = "http://a.example:3128", "http://b.example:3128", "http://c.example:3128"
SECURE, PLAIN = "https://api.sendgrid.com", "http://api.sendgrid.com"
LOGIN = "http://bot:s3cr%40t-w%23rd@a.example:3128"


@pytest.mark.parametrize(
    ("environ", "secure", "plain"),
    [
        ({}, None, None),
        ({"HTTPS_PROXY": A}, A, None),
        ({"https_proxy": A}, A, None),
        ({"HTTP_PROXY": A}, None, A),
        ({"http_proxy": A}, None, A),
        ({"ALL_PROXY": A}, A, A),
        ({"all_proxy": A}, A, A),
        ({"ALL_PROXY": A, "HTTPS_PROXY": B}, B, A),
        ({"HTTPS_PROXY": A, "https_proxy": B, "http_proxy": C}, B, C),
        ({"HTTPS_PROXY": A, "https_proxy": ""}, None, None),
        ({"ALL_PROXY": A, "HTTPS_PROXY": ""}, None, A),
        ({"HTTPS_PROXY": None, "ALL_PROXY": None}, None, None),
        ({"HTTPS_PROXY": f"  {A} "}, A, None),
        ({"HTTPS_PROXY": "a.example:3128"}, A, None),
        ({"HTTPS_PROXY": "https://a.example"}, "https://a.example", None),
        ({"HTTPS_PROXY": "http://[2001:db8::1]:3128/"}, "http://[2001:db8::1]:3128/", None),
        ({"HTTPS_PROXY": A, "ALL_PROXY": "socks5://a.example", "HTTP_PROXY": B}, A, B),
    ],
)
def test_a_variable_counts_for_its_scheme_and_lower_case_comes_first(
    environ: dict[str, str | None], secure: str | None, plain: str | None
) -> None:
    proxies = Proxies.of(environ)
    assert (proxies.for_url(SECURE), proxies.for_url(PLAIN)) == (secure, plain)
    assert proxies.for_url("wss://wss-primary.slack.com/link?ticket=1") == secure
    assert proxies.for_url("ws://127.0.0.1:8080/socket") == plain


@pytest.mark.parametrize(
    ("no_proxy", "url", "direct"),
    [
        ("*", SECURE, True),
        ("slack.com", SECURE, False),
        ("slack.com", "https://slack.com/api/", True),
        ("slack.com", "https://hooks.slack.com/x", True),
        ("slack.com", "https://notslack.com/api/", False),
        ("hooks.slack.com", "https://slack.com/api/", False),
        (".slack.com", "wss://wss-primary.slack.com/link", True),
        (".slack.com", "https://slack.com/api/", True),
        ("*.slack.com", "wss://wss-primary.slack.com/link", True),
        ("SLACK.com", "https://Slack.COM/api/", True),
        ("slack.com.", "https://slack.com/api/", True),
        ("localhost, api.sendgrid.com", SECURE, True),
        ("localhost api.sendgrid.com", SECURE, True),
        ("api.sendgrid.com:443", SECURE, True),
        ("api.sendgrid.com:80", SECURE, False),
        ("api.sendgrid.com:443", PLAIN, False),
        ("api.sendgrid.com:80", PLAIN, True),
        (".sendgrid.com:443", SECURE, True),
        ("10.0.0.7", "http://10.0.0.7:8080", True),
        ("10.0.0.0/8", "http://10.1.2.3:8080", True),
        ("10.0.0.0/8", "http://11.1.2.3:8080", False),
        ("10.0.0.0/8", SECURE, False),
        ("127.0.0.1:8080", "http://127.0.0.1:8080", True),
        ("127.0.0.1:8080", "http://127.0.0.1:8081", False),
        ("::1", "http://[::1]:8080", True),
        ("[::1]:8080", "http://[::1]:8080", True),
        ("[::1]:8081", "http://[::1]:8080", False),
        ("2001:db8::/32", "https://[2001:db8::7]/", True),
        ("2001:db8::/32", "http://10.1.2.3", False),
        ("", SECURE, False),
        (" , ,", SECURE, False),
        ("10.0.0.0/99 com:x ]", SECURE, False),
        (".", SECURE, False),
    ],
)
@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
def test_no_proxy_names_what_is_reached_directly(name: str, no_proxy: str, url: str, *, direct: bool) -> None:
    proxies = Proxies.of({"ALL_PROXY": A, name: no_proxy})
    assert proxies.for_url(url) == (None if direct else A)


@pytest.mark.parametrize("url", ["https://host:9%s/", "http://[::1", "https://a:99999/", "nowhere", ""])
def test_what_is_no_address_needs_no_proxy_or_any_and_raises_nothing(url: str) -> None:
    assert Proxies.of({"ALL_PROXY": A}).for_url(url) in {None, A}


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "ALL_PROXY"])
@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("socks5://bot:s3cret@a.example:1080", "names a SOCKS proxy; creditbot knows only HTTP proxies"),
        ("socks5h://a.example", "names a SOCKS proxy"),
        ("ftp://bot:s3cret@a.example", "is not the address of a proxy, which looks like http://proxy."),
        ("s3cret://a.example", "is not the address"),
        ("http://", "is not the address"),
        ("http://:3128", "is not the address"),
        ("http://a.example:s3cret", "is not the address"),
        ("http://a.example:0", "is not the address"),
        ("http://a.example:99999", "is not the address"),
        ("http://bot:s3c#ret@a.example:3128", "is not the address"),
        ("http://bot:12#s3cret@a.example", "is not the address"),
        ("http://bot:s3c/ret@a.example:3128", "is not the address"),
        ("http://a.example:3128/s3cret", "is not the address"),
        ("http://a.example:3128?s3cret", "is not the address"),
        ("http://a s3cret:3128", "is not the address"),
        ("http://[::1", "is not the address"),
        ("http://a\ts3cret.example", "is not the address"),
        ("http://bot%3As3cret:x@a.example", "is not the address"),
        ("http://bot:s3cret-\u0142@a.example", "is not the address"),
    ],
)
def test_what_is_no_address_of_an_http_proxy_is_refused_without_being_repeated(
    name: str, value: str, why: str
) -> None:
    with pytest.raises(WrongProxy) as caught:
        Proxies.of({name: value})
    line = str(caught.value)
    assert line.startswith(f"{name} is wrong: it {why}")
    assert "\n" not in line
    assert "s3c" not in line


def test_settings_are_refused_for_it_in_one_line_among_the_others() -> None:
    environ = {**GOOD, "HTTPS_PROXY": "socks5://x"}
    with pytest.raises(ConfigError) as alone:
        Settings.from_environ(environ)
    with pytest.raises(ConfigError) as together:
        Settings.from_environ({**environ, "PORT": "x"})
    assert [line.partition(" ")[0] for line in alone.value.lines] == ["HTTPS_PROXY"]
    assert [line.partition(" ")[0] for line in together.value.lines] == ["HTTPS_PROXY", "PORT"]
    assert DatabaseSettings.from_environ(environ).database_url  # it connects to no such thing


def test_settings_tell_of_proxies_and_know_their_secrets() -> None:
    assert Settings.from_environ(GOOD).proxies == DIRECT
    settings = PolicySettings.from_environ({"https_proxy": LOGIN})
    assert settings.proxies.for_url(SECURE) == LOGIN
    assert set(settings.proxies.secrets()) <= set(settings.secrets())


@pytest.mark.parametrize(
    ("proxy", "secrets"),
    [
        (A, set()),
        (
            LOGIN,
            {
                "bot:s3cr%40t-w%23rd@",
                b64encode(b"bot:s3cr@t-w#rd").decode(),
                "s3cr@t-w#rd",
                "s3cr%40t-w%23rd",
            },
        ),
        ("http://bot:credits@a.example", {"bot:credits@", b64encode(b"bot:credits").decode()}),
        ("http://t0ken-1234@a.example", {"t0ken-1234@", b64encode(b"t0ken-1234:").decode(), "t0ken-1234"}),
    ],
)
def test_every_form_of_a_login_is_a_secret_but_for_words_by_themselves(proxy: str, secrets: set[str]) -> None:
    assert set(Proxies.of({"HTTPS_PROXY": proxy, "HTTP_PROXY": proxy}).secrets()) == secrets


def test_nothing_that_is_printed_has_the_login() -> None:
    proxies = Proxies.of({"ALL_PROXY": LOGIN})
    assert "s3cr" not in repr(proxies)
    assert address(LOGIN) == "a.example:3128"
    assert address("http://u:p@[::1]") == "[::1]:80"


async def test_what_is_said_of_a_proxy_that_refuses_has_neither_its_login_nor_its_words() -> None:
    request = aiohttp.ClientRequest("GET", URL(LOGIN), loop=asyncio.get_running_loop())
    for status, named in [(407, "407 Proxy Authentication Required"), (599, "599")]:
        error = aiohttp.ClientHttpProxyError(
            request.request_info, (), status=status, message="<!channel> s3cr@t-w#rd"
        )
        assert "s3cr" in str(error)  # which is why it is not shown
        assert error_code(error) == f"the proxy a.example:3128 refused it with {named}"
