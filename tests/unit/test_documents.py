import pytest

from creditbot.domain.documents import read_document


def test_an_object_is_read() -> None:
    assert read_document('{"key": ["value", null]}') == {"key": ["value", None]}


@pytest.mark.parametrize("text", [None, 7, b"{}", "", "{", "[]", "null", '"{}"', "[" * 100_000])
def test_what_is_no_object_is_nothing(text: object) -> None:
    assert read_document(text) is None
