"""What shops write in the cells of their feeds, as values: amounts, availability, lists, texts."""

import re
from collections.abc import Iterable, Mapping
from html.parser import HTMLParser
from types import MappingProxyType
from typing import Any

_SYMBOLS: Mapping[str, str] = MappingProxyType(
    {"€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY", "₹": "INR", "zł": "PLN"}
)
_AMOUNT = re.compile(r"\d[\d.,'\u2019\s\u00a0\u202f]*")
_SPACES = re.compile(r"['\u2019\s\u00a0\u202f]")
# What can be ordered is as good as in stock: a shopper can buy it.
_AVAILABLE = {"in stock", "instock", "available", "yes", "true", "1", "y", "preorder", "pre order", "backorder"}
_AVAILABLE |= {"onbackorder", "on backorder", "available for order", "limited availability", "auf lager", "en stock"}
_UNAVAILABLE = {"out of stock", "outofstock", "unavailable", "no", "false", "0", "n", "sold out", "discontinued"}
_UNAVAILABLE |= {"not available", "nicht auf lager", "ausverkauft", "rupture de stock", "agotado"}


def parse_amount(text: str, *, decimal_comma: bool = False) -> tuple[float, str]:
    """Return an amount and its currency by ISO 4217, "" where none is named. Raises ValueError.

    Of two kinds of separator the last is the decimal one. One that is followed by groups of three digits is the
    thousands' one, except that such a point is a decimal one unless the file writes decimal commas.
    """
    found = _AMOUNT.search(text)
    if found is None or "-" in text[: found.start()]:
        raise ValueError(f"{text!r} is no price.")
    rest = (text[: found.start()] + " " + text[found.end() :]).strip()
    return float(_plain_number(_SPACES.sub("", found.group()).rstrip(".,"), decimal_comma)), _currency(rest)


def parse_availability(text: str) -> bool | None:
    """Return whether something can be bought; None for words that we do not know."""
    words = re.sub(r"[\s_-]+", " ", text.split("/")[-1]).strip().lower()
    if words in _AVAILABLE:
        return True
    return False if words in _UNAVAILABLE else None


def parse_quantity(text: str) -> int | None:
    """Return a number of pieces, or None."""
    found = re.fullmatch(r"\s*(-?\d{1,9})([.,]0+)?\s*", text)
    return int(found[1]) if found else None


def split_list(text: str, separators: str = ",;|") -> list[str]:
    """Return the parts of a list in a cell, each once."""
    parts = (part.strip() for part in re.split(f"[{re.escape(separators)}]", text))
    return list(dict.fromkeys(part for part in parts if part))


def split_addresses(text: str) -> list[str]:
    """Return the web addresses in a cell: a separator counts where another address or a space follows."""
    parts = re.split(r"[\s|;]+|,(?=\s*(?:https?:|//)|\s|$)", text.strip())
    return list(dict.fromkeys(part for part in parts if part))


def plain_text(html: str) -> str:
    """Return the words of a text in HTML."""
    if "<" not in html and "&" not in html:
        return html.strip()
    reader = _Words()
    reader.feed(html)
    reader.close()
    return " ".join("".join(reader.words).split())


def category_of(path: str) -> dict[str, str]:
    """Return the category that a path such as "Clothing > Dresses" ends in, and the path where it is longer."""
    levels = [level.strip() for level in path.split(">") if level.strip()]
    if not levels:
        return {}
    return {"category": levels[-1], "category_path": " > ".join(levels)} if len(levels) > 1 else {"category": levels[0]}


def prices_of(regular: str, sale: str, *, decimal_comma: bool = False) -> dict[str, Any]:
    """Return what a product costs now; where it is reduced, also what it costs otherwise. Raises ValueError."""
    if not regular:
        regular, sale = sale, ""
    if not regular:
        return {}
    amount, currency = parse_amount(regular, decimal_comma=decimal_comma)
    facts: dict[str, Any] = {"price": amount}
    if sale:
        reduced, sale_currency = parse_amount(sale, decimal_comma=decimal_comma)
        currency = currency or sale_currency
        if reduced < amount:
            facts = {"price": reduced, "regular_price": amount}
    return facts | ({"currency": currency} if currency else {})


def price_range(amounts: Iterable[float]) -> dict[str, Any]:
    """Return the lowest of the prices of variants, and their range where they differ."""
    known = sorted(amounts)
    if not known:
        return {}
    facts: dict[str, Any] = {"price": known[0]}
    return facts | {"price_range": {"min": known[0], "max": known[-1]}} if known[0] != known[-1] else facts


def filled(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts that say something."""
    return {key: value for key, value in facts.items() if value not in (None, "", [])}


def _plain_number(digits: str, decimal_comma: bool) -> str:
    comma, point = digits.rfind(","), digits.rfind(".")
    if comma >= 0 and point >= 0:
        return digits.replace(",", "") if point > comma else digits.replace(".", "").replace(",", ".")
    separator = "," if comma >= 0 else "."
    in_groups = re.fullmatch(rf"\d{{1,3}}(\{separator}\d{{3}})+", digits) is not None
    if in_groups and (digits.count(separator) > 1 or (separator == ".") == decimal_comma):
        return digits.replace(separator, "")
    if digits.count(separator) > 1:
        raise ValueError(f"{digits!r} is no price.")
    return digits.replace(",", ".")


def _currency(rest: str) -> str:
    code = re.search(r"\b[A-Z]{3}\b", rest)
    if code is not None:
        return code[0]
    return next((code for symbol, code in _SYMBOLS.items() if symbol in rest), "")


class _Words(HTMLParser):
    """Collects the text between tags; a tag parts words."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._hidden = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden = tag in ("script", "style")
        self.words.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = False
        self.words.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words.append(data)
