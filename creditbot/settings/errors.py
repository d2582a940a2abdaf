"""Settings that are missing or wrong."""


class ConfigError(Exception):
    """Settings are missing or wrong; `lines` has one line for each."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines
