"""Amounts as people write them: what everyone reads alike is taken, and the rest is a question.

Four ways of writing are taken: 5000, 5,000, 5k and 1.5m. A comma groups thousands, and a dot is a decimal
point, which only k or m can make whole. A change of credits can't be called back, so an amount that a
person somewhere would read as another one is never guessed: `5.000` is five thousand in German, `5 000` in
French, and `5 mil` is five thousand in Spanish and five million elsewhere.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import pairwise

from .errors import CommandError
from .markup import quoted
from .text import count, number, unseen

MAX_AMOUNT = 1_000_000_000

LONGEST = 40
"""Characters: no amount that can be asked for is longer."""

UNITS = {"k": 1_000, "m": 1_000_000}

WHOLE = re.compile(r"[1-9][0-9]*|[1-9][0-9]{0,2}(?:,[0-9]{3})+")
WITH_UNIT = re.compile(r"(?P<digits>[1-9][0-9]*|0(?=\.))(?:\.(?P<fraction>[0-9]+))?(?P<unit>[kKmM])")
NOTHING = re.compile(r"[0.,]*0[0.,]*[kKmM]?")
SIGN = re.compile(r"[-+\u00b1\u2010-\u2015\u2212\ufe63\uff0b\uff0d]+")

WORDS: dict[str, tuple[int, ...]] = {
    word: factors
    for words, factors in {
        "hundred hundreds hundert hundra 百 백": (100,),
        "dozen dozens dutzend": (12,),
        "k kilo tsd t g thousand thousands thou tausend grand duizend tusen tusind tuhat tys tis tisíc ezer "
        "bin ribu rb mille mila nghìn ngàn тыс тысяч тысяча тысячи тис χιλιάδες ألف آلاف هزار אלף हज़ार "
        "千 仟 천 พัน": (1_000,),
        "mil": (1_000, 1_000_000),
        "m mm kk mn mln mio mill million millions millionen millones milhão milhões milioni miljoen miljoner "
        "milj milyon juta jt triệu млн миллион миллиона миллионов мільйон εκατομμύρια مليون میلیون ล้าน": (
            1_000_000,
        ),
        "万 萬 만 หมื่น": (10_000,),
        "แสน lakh lakhs lac lacs लाख": (100_000,),
        "crore crores cr करोड़": (10_000_000,),
        "億 亿 억": (100_000_000,),
        "b bn bln billion billions milliard milliards milliarde milliarden miljard mrd md млрд": (
            1_000_000_000,
        ),
    }.items()
    for word in words.split()
}
"""What multiplies a number before it, and by how much; `mil` depends on the language."""

UNSPACED = re.compile("[百千仟万萬億亿백천만억]|พัน|หมื่น|แสน|ล้าน")
"""Of scripts that set no spaces: whatever follows may belong to another word, or not."""


def _any_of(words: Iterable[str]) -> str:
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))


_MAGNITUDE = (
    # `5 k` is an amount; T-shirts, M&M's and K8s are not.
    rf"(?:{_any_of(word for word in WORDS if len(word) <= 2)})(?![\w&]|-\w)"
    rf"|(?:{_any_of(word for word in WORDS if len(word) > 2)})(?!\w)|{UNSPACED.pattern}"
)

_SEPARATORS = r"[\s,.'\u2018\u2019`\u00b4_\u00b7\u066b\u066c]"

GROUPED = re.compile(rf"[1-9]\d{{0,2}}(?:{_SEPARATORS}+\d{{2,3}})*")
"""A number to which another group of digits may belong."""

GROUP = re.compile(r"[\s,._\u00b7\u066b\u066c]*(?:\d{3}(?!\d)|\d\d(?=\s+\d{3}(?!\d)))\S*")
ZEROS = re.compile(r"[\s,._\u00b7]*(?:0{2,}|0(?:\s+0)+)(?!\d)\S*")
MAGNITUDE = re.compile(rf"(?:{_MAGNITUDE})\S*", re.IGNORECASE)
OTHER = re.compile(
    # a part, or another currency than credits
    r"(?:[%\u2030]|(?:percent|per cent|prozent|pct)\b|[\u00a2-\u00a5\u20a0-\u20cf$](?!\d)"
    r"|(?:dollars?|euros?|usd|eur|gbp|chf|inr)\b"
    # five and a half
    r"|[\u00bc-\u00be\u2150-\u215e]|[123]/[234](?![\d/])|and an? half\b"
    # five times a thousand, five and five hundred more
    r"|[x\u00d7*+]\s*\d"
    # from five to ten, from five to ten thousand
    rf"|(?:[-~\u2010-\u2015]|to\b|or\b|bis\b|oder\b)\s*\d[\d.,]*\s*(?:$|credits?\b|{_MAGNITUDE}))\S*",
    re.IGNORECASE,
)

CREDITS = re.compile(r"credits?\b(?=\s*$|\s*[:,;\u2013-]|\s+for\b)[\s:,;\u2013-]*", re.IGNORECASE)
"""The unit, where it belongs to the amount and not to the reason: "5,000 credits for Black Friday"."""

WANTED = "Type a whole number such as `5000`, `5,000`, `5k` or `1.5m`."


def split(text: str) -> tuple[str, str]:
    """The amount that a text begins with, together with all that may belong to it; and the reason behind it.

    `5000 Black Friday` -> `5000` and `Black Friday`; `5 000 Black Friday` -> `5 000` and `Black Friday`
    """
    head, _, rest = text.strip().partition(" ")
    rest = rest.strip()
    digits, left = SIGN.sub("", _ascii(head)), _ascii(rest)
    if not digits[:1].isdecimal():
        return head, rest
    amount = head
    while left and len(amount) <= LONGEST and (more := _belonging(digits, left)):
        amount, digits = f"{amount} {more.strip()}", f"{digits} {more.strip()}"
        left = rest = left[len(more) :].strip()
    return amount, CREDITS.sub("", rest, count=1) if CREDITS.match(rest) else rest


def _belonging(amount: str, text: str) -> str:
    """What follows an amount and may be a part of it; empty if nothing is."""
    patterns = [ZEROS, OTHER]
    if GROUPED.fullmatch(amount):
        patterns.append(GROUP)
    if amount[-1].isdecimal():
        patterns.append(MAGNITUDE)
    return next((found[0] for pattern in patterns if (found := pattern.match(text))), "")


def amount(text: str, *, in_form: bool = False) -> int:
    """A positive whole number of credits, from the words of a command or from a form's field.

    Raises:
        CommandError: it is none, or may be read as another one; the sentence has what to type for each.
    """
    typed = " ".join(text.split())
    if not typed:
        raise CommandError("Enter the number of credits as a whole number, such as `5000`.", "amount")
    value = _exact(typed)
    if value is None:
        raise CommandError(_question(typed, in_form=in_form), "amount")
    if value > MAX_AMOUNT:
        raise CommandError(
            f"{quoted(typed)} is too much: one request may change at most {number(MAX_AMOUNT)} credits.",
            "amount",
        )
    return value


def _exact(typed: str) -> int | None:
    """The number, if it is written in a way that everyone reads alike."""
    if WHOLE.fullmatch(typed):
        digits = typed.replace(",", "")
        return int(digits) if len(digits) <= LONGEST else MAX_AMOUNT + 1
    found = WITH_UNIT.fullmatch(typed) if len(typed) <= LONGEST else None
    if found is None:
        return None
    digits, fraction = found["digits"], found["fraction"] or ""
    if len(fraction) == len("000") and digits != "0":
        return None
    value = Decimal(f"{digits}.{fraction}") * UNITS[found["unit"].lower()]
    return int(value) if value and value == value.to_integral_value() else None


def _question(typed: str, *, in_form: bool) -> str:
    """What is said of an amount that is not taken: what it may mean, and what to type for each."""
    shown = quoted(typed)
    if len(typed) > LONGEST:
        return f"{shown} is not an amount. {WANTED}"
    if NOTHING.fullmatch(typed):
        return f"{shown} would change nothing. Type an amount of 1 or more."
    if sign := SIGN.match(typed):
        return f"{shown} has a sign. {_without_sign(typed[sign.end() :].strip(), in_form=in_form)}"
    meant = readings(typed)
    if not meant:
        if re.fullmatch(r"[0-9]*[.,]?[0-9]+[kKmM]?", typed):
            return f"{shown} is not a whole number of credits. {WANTED}"
        return f"{shown} is not an amount. {WANTED}"
    then = " and begin the reason with another word, such as `for`" if " " in typed and not in_form else ""
    alone = readings(typed.partition(" ")[0]) if then else []
    types = [f"`{value}`{then if value in alone else ''}" for value in meant]
    if len(meant) == 1:
        return f"{shown} is not clear. If you mean {count(meant[0], 'credit')}, type {types[0]}."
    means = " or as ".join(map(number, meant))
    each = "; ".join(f"for {number(value)}, type {way}" for value, way in zip(meant, types, strict=True))
    return f"{shown} can be read as {means}. {each[0].upper()}{each[1:]}."


def _without_sign(rest: str, *, in_form: bool) -> str:
    what = f"`{rest}`" if (value := _exact(rest)) and value <= MAX_AMOUNT else "the amount without it"
    if in_form:
        return f"Type {what} and choose *Add credits* or *Remove credits* above."
    return f"Type {what} after `add` to add credits, or after `remove` to remove them."


def readings(typed: str) -> list[int]:
    """The whole numbers of credits, largest first, that somebody may take a text for."""
    if len(typed) > LONGEST:
        return []
    if value := _exact(typed):
        return [value]
    text = _ascii(typed)
    found = re.match(rf"\d+(?:{_SEPARATORS}+\d+)*", text)
    if found is None:
        return []
    rest = text[found.end() :]
    word = rest.strip(" .,:;!?)").lower()
    factors: tuple[int, ...] = ()
    if not word or word in {"credit", "credits"} or not re.search(r"\w", word):
        factors = (1,)
    elif word in WORDS:
        factors = WORDS[word]
    elif begins := UNSPACED.match(word):
        factors = WORDS[begins[0]]
    values = {value * factor for value in _values(found[0]) for factor in factors}
    if " " in typed:
        values |= set(map(Decimal, readings(typed.partition(" ")[0])))
    whole = {int(value) for value in values if value == value.to_integral_value()}
    return sorted((value for value in whole if 1 <= value <= MAX_AMOUNT), reverse=True)


def _ascii(text: str) -> str:
    """The text with its digits as 0 to 9, and without what can't be seen."""
    seen = (char for char in text if not unseen(char))
    return "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in seen)


def _values(numeral: str) -> Iterator[Decimal]:
    """What digits with separators between them may stand for: one number in groups, or a decimal fraction."""
    groups = re.findall(r"\d+", numeral)
    between = re.findall(r"\D+", numeral)
    last = groups[-1]
    if not between:
        yield Decimal(last)
        return
    decimal = between[-1] in {",", ".", "\u066b"} and between.count(between[-1]) == 1
    only_zeros = len(between) == 1 and len(last) > 1 and not int(last)
    if not decimal or len(last) == len("000") or only_zeros:
        yield Decimal("".join(groups))
    if decimal and all(one == other for one, other in pairwise(between[:-1])):
        yield Decimal(f"{''.join(groups[:-1])}.{last}")
