"""Settings that are missing or wrong."""


class ConfigError(Exception):
    """Settings are missing or wrong; `lines` has one line for each."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class PlaceholderError(ValueError):
    """What the README shows in a token's place; a process would ask with it for ever."""


class PackagesError(ValueError):
    """The packages for PostgreSQL are not installed."""
