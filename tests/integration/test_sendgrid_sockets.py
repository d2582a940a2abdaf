"""What really happens on a socket: the outcome may claim only what the other side's books agree with."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from creditbot.domain.credits import Applied, InDoubt, NotSent, PatchOutcome, RateLimited, Refused
from creditbot.sandbox.sendgrid import Balance, SendGridSandbox, Subuser
from creditbot.sandbox.sendgrid.faults import FaultOptions, Kind
from creditbot.sendgrid.client import SendGrid
from creditbot.sendgrid.problems import SendGridProblem

from .adapters import patches

SHORT = 1.0


@pytest.fixture
async def sendgrid(sandbox: SendGridSandbox) -> AsyncIterator[SendGrid]:
    client = SendGrid.connect(sandbox.api_key, sandbox.url, 10.0)
    yield client
    await client.close()


@pytest.fixture
async def hasty(sandbox: SendGridSandbox) -> AsyncIterator[SendGrid]:
    """A client that gives up soon, for a SendGrid that hangs."""
    client = SendGrid.connect(sandbox.api_key, sandbox.url, SHORT)
    yield client
    await client.close()


async def outcome_of(client: SendGrid, sandbox: SendGridSandbox) -> PatchOutcome:
    """One PATCH of 250, sent once at most, whose outcome claims nothing that the ledger denies."""
    outcome = await client.update_remaining("acme", 250)
    ledger = sandbox.account.applied("acme")
    assert len(patches(sandbox)) <= 1
    match outcome:
        case Applied():
            assert ledger == [250]
        case Refused() | NotSent() | RateLimited():
            assert ledger == []
    return outcome


Case = tuple[Kind, FaultOptions, type[PatchOutcome], bool]

UNCLEAR, CLEAR = (408, 500, 502, 503, 504), (400, 401, 403, 404, 415, 451)
STATUSES: list[Case] = [("status_before", {"status": status}, InDoubt, False) for status in UNCLEAR]
STATUSES += [("status_after", {"status": status}, InDoubt, True) for status in UNCLEAR]
STATUSES += [("status_before", {"status": status}, Refused, False) for status in CLEAR]

FAULTS: list[Case] = [
    ("drop_before", {}, InDoubt, False),
    ("drop_after", {}, InDoubt, True),
    ("reset_connection", {"applied": False}, InDoubt, False),
    ("reset_connection", {"applied": True}, InDoubt, True),
    ("truncate_after", {}, InDoubt, True),
    ("garbage_before", {}, InDoubt, False),
    ("garbage_after", {}, InDoubt, True),
    ("garbage_after", {"body": []}, InDoubt, True),
    ("rate_limit", {"reset": 7}, RateLimited, False),
    ("slow", {"seconds": 0.05}, Applied, True),
    *STATUSES,
]


@pytest.mark.parametrize(("kind", "options", "expected", "applied"), FAULTS)
async def test_an_outcome_claims_only_what_the_books_agree_with(
    sandbox: SendGridSandbox,
    sendgrid: SendGrid,
    *,
    kind: Kind,
    options: FaultOptions,
    expected: type[PatchOutcome],
    applied: bool,
) -> None:
    sandbox.faults.add(kind, **options)

    outcome = await outcome_of(sendgrid, sandbox)

    assert type(outcome) is expected
    assert sandbox.account.applied("acme") == ([250] if applied else [])
    assert [call.fault for call in patches(sandbox)] == [kind]


async def test_without_a_fault_it_is_applied_and_the_answer_names_what_remains(
    sandbox: SendGridSandbox, sendgrid: SendGrid
) -> None:
    outcome = await outcome_of(sendgrid, sandbox)

    assert isinstance(outcome, Applied)
    assert outcome.credits.remain == 1250


@pytest.mark.parametrize(("kind", "ledger"), [("hang_before", []), ("hang_after", [250])])
async def test_an_answer_that_never_comes_is_a_doubt(
    sandbox: SendGridSandbox, hasty: SendGrid, kind: Kind, ledger: list[int]
) -> None:
    sandbox.faults.add(kind, seconds=600)

    assert await outcome_of(hasty, sandbox) == InDoubt("SendGrid did not answer within 1 seconds.")
    assert sandbox.account.applied("acme") == ledger


async def test_a_change_may_be_applied_after_the_client_has_left_and_stays_a_doubt(
    sandbox: SendGridSandbox, hasty: SendGrid
) -> None:
    sandbox.faults.add("slow", seconds=SHORT * 2)

    outcome = await outcome_of(hasty, sandbox)
    await sandbox.until(lambda: sandbox.account.applied("acme") == [250])

    assert isinstance(outcome, InDoubt)
    assert len(patches(sandbox)) == 1


async def test_a_refused_connection_means_that_nothing_was_sent(
    sandbox: SendGridSandbox, sendgrid: SendGrid
) -> None:
    sandbox.faults.add("refuse", seconds=600)

    assert isinstance(await outcome_of(sendgrid, sandbox), NotSent)
    assert sandbox.calls == []
    with pytest.raises(SendGridProblem, match="can't be reached"):
        await sendgrid.balance()


async def test_a_host_that_speaks_no_tls_means_that_nothing_was_sent(sandbox: SendGridSandbox) -> None:
    client = SendGrid.connect(sandbox.api_key, sandbox.url.replace("http:", "https:"), 5.0)

    outcome = await outcome_of(client, sandbox)
    await client.close()

    assert isinstance(outcome, NotSent)


async def test_a_host_that_hangs_up_on_a_connection_leaves_a_doubt() -> None:
    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    client = SendGrid.connect("SG.made-up", f"http://{host}:{port}", 5.0)

    outcome = await client.update_remaining("acme", 250)
    await client.close()
    server.close()
    await server.wait_closed()

    assert isinstance(outcome, InDoubt)


async def test_a_connection_kept_from_a_read_is_never_used_for_the_patch(
    sandbox: SendGridSandbox, sendgrid: SendGrid
) -> None:
    """The other side may have closed it meanwhile, which would leave a doubt for nothing."""
    await sendgrid.subuser_credits("acme")
    sandbox.faults.add("refuse", seconds=600)

    assert isinstance(await outcome_of(sendgrid, sandbox), NotSent)


async def test_each_patch_has_a_connection_of_its_own(sandbox: SendGridSandbox, sendgrid: SendGrid) -> None:
    sandbox.faults.add("drop_after")

    outcomes = [await sendgrid.update_remaining("acme", amount) for amount in (1, 2, 3)]

    assert [type(outcome) for outcome in outcomes] == [InDoubt, Applied, Applied]
    assert sandbox.account.applied("acme") == [1, 2, 3]


@pytest.mark.parametrize(
    "name",
    [
        "a b@c?d#e%",
        "john@example.com",
        "a+b",
        "%41",
        "%2e%2e",
        "a/b",
        "žluťoučký-kůň",
        "ünï",
        "x;y=z",
        "ACME",
    ],
)
async def test_a_name_arrives_as_it_was_spelt(
    sandbox: SendGridSandbox, sendgrid: SendGrid, name: str
) -> None:
    sandbox.account.add_subuser(Subuser(name, type="nonrecurring", remain=40))

    assert (await sendgrid.subuser_credits(name)).remain == 40
    assert isinstance(await sendgrid.update_remaining(name, 2), Applied)
    assert (await sendgrid.balance(name)).remain == 42
    assert sandbox.account.applied(name) == [2]
    assert sandbox.account.applied("acme") == []


async def test_a_customer_account_is_read_by_its_id(sandbox: SendGridSandbox, sendgrid: SendGrid) -> None:
    sandbox.account.add_customer_account("12", Balance(remain=77))

    assert (await sendgrid.balance("account-id 12")).remain == 77
    assert (await sendgrid.balance()).remain == 1_000_000


async def test_a_name_with_a_line_break_sets_no_header_of_its_own(
    sandbox: SendGridSandbox, sendgrid: SendGrid
) -> None:
    with pytest.raises((ValueError, SendGridProblem)):
        await sendgrid.balance("acme\r\nauthorization: Bearer other")

    assert sandbox.calls == []


@pytest.mark.parametrize("kind", ["status_before", "garbage_before", "drop_before", "reset_connection"])
async def test_a_read_that_fails_raises_a_problem_that_may_pass(
    sandbox: SendGridSandbox, sendgrid: SendGrid, kind: Kind
) -> None:
    sandbox.faults.add(kind, method="GET", times=3)

    with pytest.raises(SendGridProblem) as problem:
        await sendgrid.subuser_credits("acme")

    assert problem.value.passing


async def test_a_read_that_hangs_ends_with_its_timeout(sandbox: SendGridSandbox, hasty: SendGrid) -> None:
    sandbox.faults.add("hang_before", method="GET", seconds=600)

    with pytest.raises(SendGridProblem, match=r"within 1 seconds"):
        await hasty.subuser_credits("acme")


async def test_many_changes_at_once_are_applied_once_each(
    sandbox: SendGridSandbox, sendgrid: SendGrid
) -> None:
    outcomes = await asyncio.gather(*(sendgrid.update_remaining("acme", amount) for amount in range(1, 41)))

    assert {type(outcome) for outcome in outcomes} == {Applied}
    assert sorted(sandbox.account.applied("acme")) == list(range(1, 41))
