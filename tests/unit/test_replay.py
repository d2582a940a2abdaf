"""What events of an earlier version say is told by the rows of this one."""

import json

from creditbot.domain.replay import Rows, differences

COLUMNS = {"id": 8, "subuser": "acme", "again_of": 7}


def event(request_id: int, kind: str, **detail: object) -> dict[str, object]:
    return {"request_id": request_id, "kind": kind, "actor": "U1", "detail": json.dumps(detail)}


def test_a_column_that_has_become_a_relation_is_told_as_one() -> None:
    failed, follower = Rows(), Rows()
    failed.replay(event(7, "requested", requests={"id": 7, "again_of": None}))
    follower.replay(event(8, "requested", requests=COLUMNS, again_of=7))
    failed.replay(event(7, "asked_again", requests={"asked_again_as": 8}))

    assert list(differences(7, failed, Rows({"id": 7}))) == []
    row = {"request_id": 8, "kind": "again", "of_request": 7}
    found = Rows({"id": 8, "subuser": "acme", "subuser_key": "acme"}, relations={"again": row})
    assert list(differences(8, follower, found)) == []
    found.relations["again"] = row | {"of_request": 6}
    assert list(differences(8, follower, found)) == [
        "Request 8, its relation again: of_request is 6 in the table and 7 in the ledger."
    ]
    found.relations.clear()
    assert list(differences(8, follower, found)) == [
        "Request 8, its relation again: it is in the ledger, but missing from the table."
    ]
