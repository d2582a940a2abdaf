"""Reading `policy.toml`: each fault is a line that names where it is and what to write instead."""

import tomllib
from pathlib import Path

from pydantic import ValidationError

from creditbot.domain.policy import Policy

from .errors import ConfigError
from .policy_faults import line_of, own_faults, sentence_of
from .policy_tables import PolicyTable


def load(path: Path) -> Policy:
    """Read one file.

    Raises:
        ConfigError: one line for each fault.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # editors on Windows put a mark before it
    except UnicodeDecodeError:
        raise ConfigError([f"{path}: it can't be read: it must be a text file in UTF-8."]) from None
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise ConfigError(
            [f"CREDITBOT_POLICY: {path} can't be read ({why}). Make it a file that creditbot may read."]
        ) from None
    return parse(text, path.name)


def parse(text: str, name: str = "policy.toml") -> Policy:
    """Read a policy's text; `name` stands before each fault.

    Raises:
        ConfigError: one line for each fault.
    """
    try:
        read = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{name}: it is not TOML: {error}."]) from None
    try:
        return PolicyTable.model_validate(read).policy()
    except ValidationError as error:
        faults = sorted(
            (line_of(text, fault["loc"]), sentence_of(fault)) for fault in own_faults(error.errors())
        )
        raise ConfigError([f"{name}, line {line}: {sentence}" for line, sentence in faults]) from None
