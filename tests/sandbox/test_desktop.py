"""Where the demo opens its page by itself."""

import pytest

from creditbot.sandbox import desktop


@pytest.mark.parametrize(
    ("environ", "platform", "there"),
    [
        ({}, "darwin", True),
        ({}, "win32", True),
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({}, "linux", False),
        ({"DISPLAY": ""}, "linux", False),
        ({"DISPLAY": ":0", "SSH_CONNECTION": "192.0.2.1 50000 192.0.2.2 22"}, "linux", False),
        ({"SSH_TTY": "/dev/pts/0"}, "darwin", False),
        ({"DISPLAY": ":99", "CI": "true"}, "linux", False),
    ],
)
def test_the_page_is_opened_where_somebody_sees_it(
    environ: dict[str, str], platform: str, there: bool
) -> None:
    assert desktop.is_there(environ, platform) is there
