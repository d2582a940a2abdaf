"""The JSON bodies of answers, as pure functions of the account's state."""

from datetime import date

from creditbot.sandbox.sendgrid.balance import Balance, Subuser

Json = dict[str, object]


def error(message: str, field: str | None = None) -> Json:
    """`{"errors": [{"field": null, "message": "No user found"}]}`."""
    return {"errors": [{"field": field, "message": message}]}


def subuser_credits(subuser: Subuser, *, used_is_computed: bool = False) -> Json:
    """`{"type", "reset_frequency", "remain", "total", "used"}`, with null where the type has no such value.

    https://www.twilio.com/docs/sendgrid/api-reference/subusers-api/update-remaining-credits-for-subuser
    """
    recurring = subuser.type == "recurring"
    used = max(subuser.granted - subuser.remain, 0) if used_is_computed else subuser.used
    return {
        "type": subuser.type,
        "reset_frequency": subuser.reset_frequency,
        "remain": None if subuser.type == "unlimited" else subuser.remain,
        "total": subuser.granted if recurring else None,
        "used": used if recurring else None,
    }


def user_credits(balance: Balance) -> Json:
    """`{"remain", "total", "overage", "used", "last_reset", "next_reset", "reset_frequency"}`.

    Dates are "YYYY-MM-DD". https://www.twilio.com/docs/sendgrid/api-reference/users-api/retrieve-your-credit-balance
    """
    unlimited = isinstance(balance, Subuser) and balance.type == "unlimited"
    nulls = not isinstance(balance, Subuser) or balance.report_nulls
    no_number, no_text = (None, None) if nulls else (0, "")
    return {
        "remain": no_number if unlimited else balance.remain,
        "total": no_number if unlimited else balance.granted,
        "overage": no_number if unlimited else balance.overage,
        "used": balance.used,
        "last_reset": _iso(balance.last_reset) or no_text,
        "next_reset": _iso(balance.next_reset) or no_text,
        "reset_frequency": balance.reset_frequency or no_text,
    }


def listed_subuser(subuser: Subuser, *, include_region: bool) -> Json:
    """`{"disabled", "id", "username", "email"}`, and "region" only when the caller asked for it.

    https://www.twilio.com/docs/sendgrid/api-reference/subusers-api/list-all-subusers
    """
    body: Json = {
        "disabled": subuser.disabled,
        "id": subuser.id,
        "username": subuser.username,
        "email": subuser.email,
    }
    return body | {"region": subuser.region} if include_region else body


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
