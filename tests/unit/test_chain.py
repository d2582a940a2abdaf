"""The hash chain: no edit, gap or swap goes unnoticed."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from creditbot.domain.chain import (
    GENESIS,
    HASHED_FIELDS,
    KEYED,
    Keys,
    Verification,
    event_hash,
    fingerprint,
    key_to_take,
)
from creditbot.domain.errors import KeyMissing, OldKeyFirst, WrongLedgerKey
from tests.recounting import recounted

Row = dict[str, Any]

FIELDS = (*HASHED_FIELDS, "previous_hash", "hash")

texts = st.text(st.characters(codec="utf-8"), max_size=8)
contents: st.SearchStrategy[Row] = st.fixed_dictionaries(
    {
        "request_id": st.integers(1, 9) | st.none(),
        "at": st.integers(0, 2**41),
        "kind": texts.filter(lambda kind: kind != KEYED),  # which only `keyed` writes, with a fingerprint
        "actor": texts | st.none(),
        "from_status": texts | st.none(),
        "to_status": texts | st.none(),
        "detail": texts,
    }
)


def chained(contents: list[Row]) -> list[Row]:
    rows: list[Row] = []
    previous = GENESIS
    for n, content in enumerate(contents, 1):
        row = {"id": n, **content, "previous_hash": previous}
        previous = row["hash"] = event_hash(previous, row)
        rows.append(row)
    return rows


chains = st.lists(contents, min_size=1, max_size=5).map(chained)


@given(chains)
def test_a_chain_that_nobody_touched_holds(rows: list[Row]) -> None:
    assert recounted(rows) == Verification(len(rows), rows[-1]["hash"], broken_at=None)


def test_an_empty_chain_holds() -> None:
    assert recounted([]) == Verification(0, GENESIS, broken_at=None)


@given(chains, st.data())
def test_any_single_field_that_was_edited_is_found(rows: list[Row], data: st.DataObject) -> None:
    n = data.draw(st.integers(0, len(rows) - 1))
    field = data.draw(st.sampled_from(FIELDS))
    value = data.draw(st.none() | st.integers(-1, 2**41) | texts | st.just(GENESIS))
    assume(value != rows[n][field])
    rows[n] = {**rows[n], field: value}
    found = recounted(rows)
    assert found.broken_at == n + 1
    assert found.count == n


@given(chains, st.data())
def test_a_row_that_was_removed_is_found_where_it_was(rows: list[Row], data: st.DataObject) -> None:
    assume(len(rows) > 1)
    n = data.draw(st.integers(0, len(rows) - 2))
    del rows[n]
    assert recounted(rows).broken_at == n + 1


@given(chains)
def test_a_last_row_that_was_removed_shows_in_the_count_and_the_head(rows: list[Row]) -> None:
    whole, cut = recounted(rows), recounted(rows[:-1])
    assert cut.count == whole.count - 1
    assert cut.head != whole.head


@given(chains, contents, st.data())
def test_a_row_that_was_slipped_in_is_found(rows: list[Row], content: Row, data: st.DataObject) -> None:
    n = data.draw(st.integers(0, len(rows) - 1))
    previous = rows[n]["previous_hash"]
    forged = {"id": rows[n]["id"], **content, "previous_hash": previous}
    forged["hash"] = event_hash(previous, forged)
    rows.insert(n, forged)
    assert recounted(rows).broken_at in {n + 1, n + 2}


def test_a_gap_in_the_ids_is_found_even_if_every_hash_fits() -> None:
    event: Row = dict.fromkeys(HASHED_FIELDS)
    first: Row = event | {"id": 1, "previous_hash": GENESIS}
    first["hash"] = event_hash(GENESIS, first)
    third: Row = event | {"id": 3, "previous_hash": first["hash"]}
    third["hash"] = event_hash(first["hash"], third)
    assert recounted([first, third]).broken_at == 2


@given(chains, st.data())
def test_rows_that_were_swapped_are_found(rows: list[Row], data: st.DataObject) -> None:
    assume(len(rows) > 1)
    n, m = sorted(data.draw(st.sets(st.integers(0, len(rows) - 1), min_size=2, max_size=2)))
    rows[n], rows[m] = rows[m], rows[n]
    assert recounted(rows).broken_at == n + 1


@given(chains, st.data())
def test_a_row_that_was_edited_and_hashed_anew_breaks_the_next(rows: list[Row], data: st.DataObject) -> None:
    assume(len(rows) > 1)
    n = data.draw(st.integers(0, len(rows) - 2))
    edited = {**rows[n], "actor": f"{rows[n]['actor']}x"}
    rows[n] = {**edited, "hash": event_hash(edited["previous_hash"], edited)}
    assert recounted(rows).broken_at == n + 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"kind": "ab", "actor": "c"}, {"kind": "a", "actor": "bc"}),
        ({"actor": None}, {"actor": "null"}),
        ({"actor": ""}, {"actor": None}),
        ({"kind": 'a","b'}, {"kind": "a", "actor": "b"}),
        ({"at": 1}, {"at": 11}),
    ],
)
def test_different_events_never_run_into_the_same_hash(one: Row, other: Row) -> None:
    event: Row = dict.fromkeys(HASHED_FIELDS)
    assert event_hash(GENESIS, event | one) != event_hash(GENESIS, event | other)


def test_the_hash_stays_what_earlier_versions_wrote() -> None:
    event: Row = {
        "id": 1, "request_id": 12, "at": 1769074200000, "kind": "requested", "actor": "U0ASKER",
        "from_status": None, "to_status": "pending", "detail": '{"reason": "Grüße"}',
    }  # fmt: skip
    assert event_hash(GENESIS, event) == "a0d71345d931690f1f9770f1f6a83354591a305cf755c2eacaa7900effadd2bb"


KEYS = (b"the newest key of all, 32 letters", b"the key before it, of 32 letters!")


def keyed(rows: list[Row], key: bytes, contents: list[Row]) -> list[Row]:
    """A chain that goes on with a key."""
    rows = [*rows]
    first = {**dict.fromkeys(HASHED_FIELDS), "kind": KEYED, "detail": f'{{"key": "{fingerprint(key)}"}}'}
    for content in (first, *contents):
        previous = rows[-1]["hash"] if rows else GENESIS
        row = {**content, "id": len(rows) + 1, "previous_hash": previous}
        rows.append({**row, "hash": event_hash(previous, row, key)})
    return rows


@given(chains, contents)
def test_a_chain_goes_on_with_a_key_and_with_a_newer_one(rows: list[Row], content: Row) -> None:
    newer, older = KEYS
    all_rows = keyed(keyed(rows, older, [content]), newer, [content])
    found = recounted(all_rows, KEYS)
    assert (found.broken_at, found.count, found.keyed_at) == (None, len(rows) + 4, len(rows) + 1)
    assert recounted(all_rows, (older,)).other_key == fingerprint(newer)
    assert recounted(all_rows).other_key == fingerprint(older)
    assert recounted(all_rows).count == len(rows)


@given(chains, contents)
def test_without_the_key_nothing_can_be_written_on(rows: list[Row], content: Row) -> None:
    rows = keyed(rows, KEYS[0], [content])
    forged = {**content, "id": len(rows) + 1, "previous_hash": rows[-1]["hash"]}
    rows.append({**forged, "hash": event_hash(rows[-1]["hash"], forged)})
    assert recounted(rows, KEYS).broken_at == len(rows)


@given(chains, contents)
def test_an_older_key_does_not_come_back(rows: list[Row], content: Row) -> None:
    newer, older = KEYS
    rows = keyed(keyed(rows, older, [content]), newer, [content])
    assert recounted(keyed(rows, older, [content]), KEYS).broken_at == len(rows) + 1
    assert recounted(keyed(rows, newer, [content]), KEYS).broken_at == len(rows) + 1


@given(chains, contents)
def test_a_key_that_stands_behind_the_one_before_it_is_told_from_a_broken_chain(
    rows: list[Row], content: Row
) -> None:
    newer, older = KEYS
    rows = keyed(rows, older, [content])
    all_rows = keyed(rows, newer, [content])
    found = recounted(all_rows, (older, newer))
    assert (found.late_key, found.broken_at, found.count) == (fingerprint(newer), None, len(rows))

    all_rows[len(rows)]["actor"] = "someone"
    found = recounted(all_rows, (older, newer))
    assert (found.late_key, found.broken_at) == (None, len(rows) + 1)


A, B, C = (letter * 32 for letter in (b"a", b"b", b"c"))


@pytest.mark.parametrize(
    ("keys", "ledger", "takes"),
    [
        ((), (), None),
        ((A,), (), A),
        ((A,), (A,), None),
        ((B, A), (A,), B),
        ((B, A), (A, B), None),
        ((B,), (A, B), None),
        ((C, B, A), (A, B), C),
        ((A, B), (A,), None),  # in the wrong order, of which nothing tells as yet
        ((), (A,), KeyMissing),
        ((B,), (A,), KeyMissing),
        ((A,), (A, B), KeyMissing),
        ((C, A), (A, B), KeyMissing),
        ((A, B), (A, B), OldKeyFirst),
        ((A, C, B), (A, B, C), OldKeyFirst),
    ],
)
def test_a_process_takes_a_new_key_and_never_goes_back_to_an_old_one(
    keys: Keys, ledger: Keys, takes: bytes | type[WrongLedgerKey] | None
) -> None:
    named = [fingerprint(key) for key in ledger]
    if isinstance(takes, type):
        with pytest.raises(takes, match=named[-1]):
            key_to_take(keys, named)
    else:
        assert key_to_take(keys, named) == (None if takes is None else fingerprint(takes))


def test_who_has_the_old_key_first_is_told_which_is_the_newest() -> None:
    with pytest.raises(OldKeyFirst) as caught:
        key_to_take((A, C, B), [fingerprint(key) for key in (A, B)])
    assert "put the newest key first, as in NEW,OLD" in caught.value.sentence
    assert f"now uses key number 3 ({fingerprint(B)})" in caught.value.sentence


def test_the_keyed_hash_stays_what_earlier_versions_wrote() -> None:
    event: Row = dict.fromkeys(HASHED_FIELDS)
    assert fingerprint(KEYS[0]) == "677ffb40ea7164fc"
    assert (
        event_hash(GENESIS, event, KEYS[0])
        == "ae9ae506551ec2ddfeeb93e182ac31f45172fcc33fc1b65cc88baa803f239924"
    )
