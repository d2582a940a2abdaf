"""Which policy holds: the policy file's if there is one."""

from pathlib import Path

from creditbot.domain.policy import Policy

from .environment import PolicySettings
from .errors import ConfigError
from .zones import is_zone

DEFAULT_PATH = Path("policy.toml")

NO_ZONES = (
    "This machine has no time-zone data, which the daily digest and the quiet hours need. Install the "
    "Python package tzdata, which is in requirements.lock."
)


def policy_of(settings: PolicySettings) -> Policy:
    """The policy that holds: the file's if there is one, else that of the list of approvers.

    Raises:
        ConfigError: the file is named and not there, can't be read, or says something that can't be meant; or
            this machine can't tell the time of day anywhere.
    """
    if not is_zone("UTC"):
        raise ConfigError([NO_ZONES])
    if settings.policy_path is None and not _is_there(DEFAULT_PATH):
        return Policy.one_tier(settings.approvers)
    from .policy_file import load  # noqa: PLC0415 - its tables take pydantic a while, and there is often no file

    return load(Path(settings.policy_path or DEFAULT_PATH))


def _is_there(path: Path) -> bool:
    """Whether anything has this name, also a folder, or a link to nowhere, such as a mount that failed.

    Who has put it there means to have a policy, so what can't be looked at counts as there, too.
    """
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True
