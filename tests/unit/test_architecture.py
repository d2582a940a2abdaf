"""The page that says where everything is must not send anyone to where it was."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text()

PATHS = sorted(set(re.findall(r"`([\w/]+(?:\.py|\.toml|/))`", PAGE)))


def places(path: str) -> list[Path]:
    """Where it may be; a module that is named alone belongs to the package that was named right before."""
    return [ROOT / path, ROOT / "creditbot" / path, *(ROOT / "creditbot").rglob(path)]


def test_every_file_that_is_named_is_there() -> None:
    assert len(PATHS) > 25
    assert [path for path in PATHS if not any(place.exists() for place in places(path))] == ["policy.toml"]


def test_every_package_has_its_line() -> None:
    packages = [found.parent.name for found in sorted((ROOT / "creditbot").glob("*/__init__.py"))]
    assert [name for name in packages if f"| `{name}/`" not in PAGE and f", `{name}/` |" not in PAGE] == []
