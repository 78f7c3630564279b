"""Prices as shoppers say them: bounds, ranges, amounts."""

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from search.natural_language.lexicon import lexicon
from search.natural_language.nouns import Interpretation
from search.natural_language.sentence import Finding, Sentence

# The digits before the point that a price of ours can have.
MAX_DIGITS = 12
CENT = Decimal("0.01")
# An amount alone, or "around" it, is met by prices that differ from it by up to a fifth.
AROUND = Decimal("0.2")
SEPARATORS = re.compile("[.,']")


class Money(NamedTuple):
    """An amount that ends at a token; the currency is empty where none was said."""

    end: int
    amount: Decimal
    currency: str


def read_price(sentence: Sentence, start: int) -> Finding | None:
    """Return the price that is asked for at this position: "under $100", "between 50 and 80 €", "100 EUR"."""
    return _range(sentence, start) or read_bound(sentence, start) or _amount(sentence, start)


def is_price(sentence: Sentence, position: int) -> bool:
    """Tell whether an amount with its currency stands here."""
    money = _money(sentence, position)
    return money is not None and money.currency != ""


def read_bound(sentence: Sentence, start: int, *, is_denied: bool = False) -> Finding | None:
    """Return the bound at this position, turned round where it is denied: "not over 100" is at most 100."""
    for role, is_weak, is_most in (
        ("below", False, True),
        ("above", False, False),
        ("at_least_weakly", True, False),
    ):
        money = _money_after(sentence, sentence.says(role, start))
        if money is not None and (money.currency or not (is_weak or sentence.is_measure(money.end))):
            return _bound(start, money, is_most=is_most != is_denied)
    return None


def _range(sentence: Sentence, start: int) -> Finding | None:
    """Return "between 50 and 80", or "from 50 to 80 euro", "50-80 €", which need a currency."""
    opened = sentence.says("between", start)
    low = _money_after(sentence, opened) if opened is not None else _money(sentence, start)
    high = low and _money_after(sentence, sentence.says("until", low.end))
    if low is None or high is None:
        return None
    currency = high.currency or low.currency
    needs_currency = opened is None or sentence.says("at_least_weakly", start) is not None
    if not currency and (needs_currency or sentence.is_measure(high.end)):
        return None
    least, most = sorted((low.amount, high.amount))
    asks = Interpretation(price_min=least, price_max=most, currency=currency)
    return Finding(start, high.end, f"price from {_say(least)} to {_say(most, currency)}", asks)


def _amount(sentence: Sentence, start: int) -> Finding | None:
    """Return an amount with what follows it, "100 or less", or else about this amount."""
    around = sentence.says("around", start)
    money = _money_after(sentence, around) if around is not None else _money(sentence, start)
    if money is None:
        return None
    if around is None:
        for role, is_most in (("or_less", True), ("or_more", False)):
            end = sentence.says(role, money.end)
            if end is not None and (money.currency or end > money.end + 1):
                return _bound(start, money._replace(end=end), is_most=is_most)
    if not money.currency and (around is None or sentence.is_measure(money.end)):
        return None
    least, most = (_cents(money.amount * factor) for factor in (1 - AROUND, 1 + AROUND))
    asks = Interpretation(price_min=least, price_max=most, currency=money.currency)
    meaning = f"price around {_say(money.amount, money.currency)}, from {_say(least)} to {_say(most)}"
    return Finding(start, money.end, meaning, asks)


def _bound(start: int, money: Money, *, is_most: bool) -> Finding:
    amount = _say(money.amount, money.currency)
    if is_most:
        asks = Interpretation(price_max=money.amount, currency=money.currency)
        return Finding(start, money.end, f"price at most {amount}", asks)
    asks = Interpretation(price_min=money.amount, currency=money.currency)
    return Finding(start, money.end, f"price at least {amount}", asks)


def _money_after(sentence: Sentence, position: int | None) -> Money | None:
    """Return the amount behind a comparing word, its abbreviation's full stop and articles: "sotto i 100 euro"."""
    if position is None:
        return None
    if sentence.is_mark(position) and sentence.tokens[position].text in ".:":
        position += 1
    return _money(sentence, sentence.skip(("article",), position))


def _money(sentence: Sentence, start: int) -> Money | None:
    """Return the amount at this position: "$1,000.50", "1.000,50 €", "2k EUR"."""
    number, before = _currency(sentence, start)
    if not sentence.is_number(number) or _is_part_of_word(sentence, number, before):
        return None
    amount = _parse_number(sentence.tokens[number].text)
    end = number + 1
    if amount is not None and _is_group_of_thousand(sentence, number):
        amount, end = amount * 1000 + Decimal(sentence.tokens[end].text), end + 1
    if amount is not None and sentence.touches(end) and sentence.tokens[end].folded == "k":
        amount, end = amount * 1000, end + 1
    end, after = _currency(sentence, end)
    if amount is None or amount >= 10**MAX_DIGITS or _runs_on(sentence, end, before or after):
        return None
    return Money(end, _cents(amount), before or after)


def _currency(sentence: Sentence, start: int) -> tuple[int, str]:
    """Return where the currency at this position ends and its ISO code, or the position and nothing."""
    match = lexicon().currencies.longest(sentence.tokens, start)
    if match is None:
        return start, ""
    code = match[1][0]
    shared = lexicon().shared_currencies.get(code, (code,))
    return match[0], next((one for one in sentence.shop.currencies if one in shared), shared[0])


def _is_part_of_word(sentence: Sentence, number: int, currency: str) -> bool:
    return not currency and sentence.touches(number) and not sentence.is_mark(number - 1)


def _runs_on(sentence: Sentence, end: int, currency: str) -> bool:
    """Tell whether letters follow a number without a space, as in 1e400."""
    return not currency and sentence.touches(end) and not sentence.is_mark(end)


def _is_group_of_thousand(sentence: Sentence, number: int) -> bool:
    """Tell whether the next number goes on with this one after a space: "1 000"."""
    if not sentence.is_number(number + 1):
        return False
    first, second = sentence.tokens[number : number + 2]
    return len(first.text) <= 3 and len(second.text) == 3 and first.text.isdecimal() and second.text.isdecimal()


def _parse_number(text: str) -> Decimal | None:
    """Return a number by its own signs: the last separator is the point unless it only groups thousands."""
    parts = SEPARATORS.split(text)
    marks = SEPARATORS.findall(text)
    whole, tail = parts[:-1], parts[-1]
    groups = (
        not marks
        or (len(set(marks)) == 1 and len(tail) == 3 and parts[0] != "0" and len(parts[0]) <= 3)
        or marks[-1] == "'"
    )
    if groups:
        whole, tail = parts, ""
    if any(len(part) != 3 for part in whole[1:]) or len("".join(whole)) > MAX_DIGITS:
        return None
    return Decimal("".join(whole) + "." + tail[:3]) if tail else Decimal("".join(whole))


def _say(amount: Decimal, currency: str = "") -> str:
    return f"{amount.normalize():f} {currency}".strip()


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)
