"""Signed requests that are broken as HTTP: what only a socket can carry."""

import gzip
import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from urllib.parse import quote

from tests.integration.payloads import FORM, JSON

from .test_http import signed
from .wire import Headers, head, request

LARGEST_BODY = 1_000_000

Signer = Callable[[bytes], Headers]

CHUNKED = (b"Transfer-Encoding", b"chunked")


@dataclass(frozen=True, slots=True)
class Sent:
    """What to send. `answers` is how many must come; None if nobody knows, as with what is no HTTP."""

    pieces: list[bytes]
    answers: int | None


Breaking = Callable[[bytes, Signer, Random], Sent]


def signer(secret: str, content_type: str = FORM) -> Signer:
    def sign(body: bytes) -> Headers:
        headers = signed(secret, body) | {"Content-Type": content_type}
        return [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]

    return sign


def whole(data: bytes, answers: int = 1) -> Sent:
    return Sent([data], answers)


def unclear(data: bytes) -> Sent:
    return Sent([data], None)


def in_pieces(data: bytes, random: Random) -> Iterator[bytes]:
    while data:
        size = random.choice([1, 2, 7, 100, 5000])
        yield data[:size]
        data = data[size:]


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def chunks(body: bytes, random: Random) -> bytes:
    return b"".join(chunk(piece) for piece in in_pieces(body, random))


def slow(body: bytes, sign: Signer, random: Random) -> Sent:
    """In pieces that end anywhere."""
    return Sent(list(in_pieces(request(body, sign(body)), random)), 1)


def chunked(body: bytes, sign: Signer, random: Random) -> Sent:
    """Nothing is wrong with it, though Slack doesn't do it."""
    last = random.choice([b"0\r\n\r\n", b"000\r\n\r\n", b"0\r\nTrailer: x\r\n\r\n"])
    return whole(head([*sign(body), CHUNKED]) + chunks(body, random) + last)


def broken_chunks(body: bytes, sign: Signer, random: Random) -> Sent:
    size = b"%x" % len(body)
    sent = random.choice(
        [
            b"zz\r\n" + body + b"\r\n0\r\n\r\n",
            b"-1\r\n" + body + b"\r\n0\r\n\r\n",
            b"0x" + size + b"\r\n" + body + b"\r\n0\r\n\r\n",
            b"F" * 17 + b"\r\n" + body,
            b"%x\r\n" % (len(body) + 7) + body + b"\r\n0\r\n\r\n",
            b"%x\r\n" % max(len(body) - 7, 0) + body + b"\r\n0\r\n\r\n",
            size + b"\r\n" + body + b"0\r\n\r\n",
            size + b"\n" + body + b"\n0\n\n",
            size + b";" + b"x" * 100_000 + b"\r\n" + body + b"\r\n0\r\n\r\n",
            chunks(body, random),
            chunks(body, random) + b"0\r\n",
            chunks(body, random) + b"0\r\n" + b"X: y\r\n" * 20_000,
            b"",
        ]
    )
    return unclear(head([*sign(body), CHUNKED]) + sent)


def length_wrong(body: bytes, sign: Signer, random: Random) -> Sent:
    length = max(0, len(body) + random.choice([-1000, -100, -1, 1, 100, 100_000]))
    return unclear(head([*sign(body), (b"Content-Length", b"%d" % length)]) + body)


def length_odd(body: bytes, sign: Signer, random: Random) -> Sent:
    odd = [b"", b"-1", b"+5", b"abc", b"1e3", b"0x10", b"1 2", b"1,1", b"18446744073709551616", b"\xb2"]
    length = random.choice([*odd, b"9" * 5000, b"0" * 5000 + b"%d" % len(body)])
    return unclear(head([*sign(body), (b"Content-Length", length)]) + body)


def length_missing(body: bytes, sign: Signer, random: Random) -> Sent:
    return unclear(head(sign(body)) + body)


def length_twice(body: bytes, sign: Signer, random: Random) -> Sent:
    other = len(body) + random.choice([-1, 0, 1])
    lengths = [(b"Content-Length", b"%d" % length) for length in (len(body), other)]
    return unclear(head([*sign(body), *lengths]) + body)


def length_and_chunks(body: bytes, sign: Signer, random: Random) -> Sent:
    framing = [(b"Content-Length", b"%d" % len(body)), CHUNKED]
    random.shuffle(framing)
    sent = random.choice([body, chunks(body, random) + b"0\r\n\r\n"])
    return unclear(head([*sign(body), *framing]) + sent)


def coding_odd(body: bytes, sign: Signer, random: Random) -> Sent:
    codings = [
        b"identity",
        b"gzip",
        b"gzip, chunked",
        b"chunked, gzip",
        b"chunked, chunked",
        b"xchunked",
        b"",
    ]
    sent = chunks(body, random) + b"0\r\n\r\n"
    return unclear(head([*sign(body), (b"Transfer-Encoding", random.choice(codings))]) + sent)


def large(body: bytes, random: Random) -> bytes:
    """Padded to just what is taken, or to more."""
    size = LARGEST_BODY + random.choice([0, 1, 2_000_000])
    return (body + b"&x=").ljust(size, b"x")


def large_body(body: bytes, sign: Signer, random: Random) -> Sent:
    body = large(body, random)
    return whole(request(body, sign(body)))


def large_chunks(body: bytes, sign: Signer, random: Random) -> Sent:
    """Nobody is told how long it will be."""
    body = large(body, random)
    size = random.choice([1000, 65_536, LARGEST_BODY])
    pieces = [chunk(body[start : start + size]) for start in range(0, len(body), size)]
    return Sent([head([*sign(body), CHUNKED]), *pieces, b"0\r\n\r\n"], 1)


def huge_header(body: bytes, sign: Signer, random: Random) -> Sent:
    size = random.choice([8000, 65_537, 1_000_000])
    one, many = [(b"X-Large", b"x" * size)], [(b"X-Many-%d" % number, b"x" * 20) for number in range(2000)]
    return whole(request(body, [*random.choice([one, many]), *sign(body)]))


def odd_header(body: bytes, sign: Signer, random: Random) -> Sent:
    values = [b"\x00", b"a\rb", b"a\nb", b"a\r\n folded", b"\x7f", b"\xff\xfe", b"\xe2\x80\xae", b""]
    names = [b"X", b"X ", b" X", b"X\x00", b"", b"X-\xc3\xa9", b"Content-Length ", b"(x)"]
    return unclear(request(body, [*sign(body), (random.choice(names), random.choice(values))]))


def cut_off(body: bytes, sign: Signer, random: Random) -> Sent:
    data = request(body, sign(body))
    place = random.choice([random.randrange(len(data)), max(len(data) - len(body) // 2, 0), len(data) - 1])
    return Sent(list(in_pieces(data[:place], random)), None)


def pipelined(body: bytes, sign: Signer, random: Random) -> Sent:
    """Several at once, before the first has its answer."""
    number = random.randint(2, 6)
    bodies = [random.choice([body, body[: len(body) // 2], body + b"&x=y", b""]) for _ in range(number)]
    return whole(b"".join(request(each, sign(each)) for each in bodies), number)


def content_type(body: bytes, sign: Signer, random: Random) -> Sent:
    odd = [
        b"",
        b";",
        b"application/json; charset=utf-16",
        b"application/json;charset=\xff",
        b"application/x-www-form-urlencoded; charset=utf-7",
        b"application/x-www-form-urlencoded; charset=nonsense",
        b"multipart/form-data; boundary=x",
        b"multipart/form-data",
        b"text/html",
        b"\xff\xfe",
        b"x" * 10_000,
        JSON.upper().encode(),
    ]
    headers = [header for header in sign(body) if header[0] != b"Content-Type"]
    more = [(b"Content-Type", random.choice(odd)) for _ in range(random.choice([0, 1, 1, 2]))]
    return whole(request(body, headers + more))


def charset(body: bytes, sign: Signer, random: Random) -> Sent:
    """The body is indeed in another one, and says so or not."""
    name = random.choice(["utf-16", "utf-16-le", "utf-32", "latin-1", "utf-7", "cp037", "utf-8-sig"])
    body = body.decode("utf-8", "replace").encode(name, "replace")
    told = [(b"Content-Type", f"{random.choice([FORM, JSON])}; charset={name}".encode())]
    return whole(request(body, sign(body) + random.choice([[], told])))


def signature_twice(body: bytes, sign: Signer, random: Random) -> Sent:
    """Once right and once wrong, in either order."""
    right = sign(body)
    wrong = [(b"X-Slack-Signature", b"v0=" + b"0" * 64), (b"X-Slack-Request-Timestamp", b"1")]
    odd = [(b"x-slack-signature", b"\xff"), (b"X-SLACK-REQUEST-TIMESTAMP", b"\xb2")]
    more = random.choice([right, wrong, odd, wrong[:1], wrong[1:]])
    return whole(request(body, random.choice([right + more, more + right])))


def compressed(body: bytes, sign: Signer, random: Random) -> Sent:
    """Slack compresses nothing. The signature is over the bytes as they are."""
    coding = random.choice([b"gzip", b"deflate", b"br", b"zstd", b"gzip, gzip", b"nonsense", b""])
    bomb = gzip.compress(b"payload=" + b"[" * 5_000_000)
    body = random.choice([body, gzip.compress(body), gzip.compress(body)[:20], bomb])
    return whole(request(body, [*sign(body), (b"Content-Encoding", coding)]))


def not_utf8(body: bytes, sign: Signer, random: Random) -> Sent:
    bad = random.choice(
        [b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\x80", b"\x00", b"\xfe\xff"]
    )
    bad = random.choice([bad, quote(bad).encode()])
    place = random.randrange(len(body) + 1)
    body = body[:place] + bad + body[place:]
    return whole(request(body, sign(body)))


def deep(body: bytes, sign: Signer, random: Random) -> Sent:
    """Nested about as deep as Python reads, and far deeper."""
    depth = random.choice([random.randint(900, 1000), 5000, 100_000])
    filling = random.choice(["[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth])
    user = '"user":{"id":"U0DAN"}'
    actions = '"actions":[{"action_id":"approve","value":"1"}]'
    view = f'"id":"V1","callback_id":"ask","state":{{"values":{{"subuser":{filling}}}}}'
    parts = [
        f'{{"type":"block_actions",{user},"container":{filling},{actions}}}',
        f'{{"type":"block_actions",{user},{actions},"container":{{"type":"message","x":{filling}}}}}',
        f'{{"type":"view_submission",{user},"view":{{{view}}}}}',
        f'{{"type":"url_verification","challenge":{filling}}}',
        filling,
    ]
    body = b"payload=" + quote(random.choice(parts)).encode()
    return whole(request(body, sign(body)))


def expect(body: bytes, sign: Signer, random: Random) -> Sent:
    expected = random.choice([b"100-continue", b"100-Continue", b"200-ok", b""])
    return whole(request(body, [*sign(body), (b"Expect", expected)]))


def upgrade(body: bytes, sign: Signer, random: Random) -> Sent:
    to = random.choice([b"websocket", b"WebSocket", b"h2c", b"TLS/1.2", b""])
    wanted = [(b"Connection", b"Upgrade"), (b"Upgrade", to)]
    key = [(b"Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ=="), (b"Sec-WebSocket-Version", b"13")]
    headers = sign(body) + wanted + key
    first = random.choice([b"POST /slack/events HTTP/1.1", b"GET /slack/events HTTP/1.1"])
    return unclear(random.choice([request(body, headers, first), head(headers, first)]))


def version(body: bytes, sign: Signer, random: Random) -> Sent:
    odd = [b"HTTP/1.0", b"HTTP/0.9", b"HTTP/2.0", b"HTTP/9.9", b"HTTP/1.1.1", b"HTTP/", b"", b"ICE/1.0"]
    return unclear(request(body, sign(body), b"POST /slack/events " + random.choice(odd)))


def target(body: bytes, sign: Signer, random: Random) -> Sent:
    odd = [
        b"*",
        b"/",
        b"//slack/events",
        b"/slack/events/",
        b"/slack/events?payload=1",
        b"/slack/%65vents",
        b"/slack/%00",
        b"/slack/%ff",
        b"/slack/%zz",
        b"/slack/\xff",
        b"/../../etc/passwd",
        b"/" + b"a" * 100_000,
        b"http://bot.example/slack/events",
        b"http://[::1/slack/events",
        b"http://:99999/",
        b"slack/events",
        b"",
    ]
    return unclear(request(body, sign(body), b"POST " + random.choice(odd) + b" HTTP/1.1"))


def method(body: bytes, sign: Signer, random: Random) -> Sent:
    odd = [
        b"GET",
        b"PUT",
        b"DELETE",
        b"OPTIONS",
        b"TRACE",
        b"PATCH",
        b"CONNECT",
        b"PRI",
        b"post",
        b"\xff",
        b"",
    ]
    path = random.choice([b"/slack/events", b"/healthz", b"/metrics", b"bot.example:443"])
    return unclear(request(body, sign(body), random.choice(odd) + b" " + path + b" HTTP/1.1"))


def no_http(body: bytes, sign: Signer, random: Random) -> Sent:
    hello = ssl.MemoryBIO()
    tls = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), hello, server_hostname="bot.example")
    with suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    others = [
        b"",
        b"\r\n" * 1000,
        b"\x00" * 1000,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
        b"\x16" + random.randbytes(300),
        random.randbytes(3000),
        body,
    ]
    return unclear(random.choice([hello.read(), *others]))


def head_flipped(body: bytes, sign: Signer, random: Random) -> Sent:
    """Any bytes of the head changed."""
    data = bytearray(request(body, sign(body)))
    for _ in range(random.randint(1, 4)):
        data[random.randrange(len(data) - len(body))] = random.randrange(256)
    return unclear(bytes(data))


BREAKINGS: tuple[Breaking, ...] = (
    slow,
    chunked,
    broken_chunks,
    length_wrong,
    length_odd,
    length_missing,
    length_twice,
    length_and_chunks,
    coding_odd,
    large_body,
    large_chunks,
    huge_header,
    odd_header,
    cut_off,
    pipelined,
    content_type,
    charset,
    signature_twice,
    compressed,
    not_utf8,
    deep,
    expect,
    upgrade,
    version,
    target,
    method,
    no_http,
    head_flipped,
)
