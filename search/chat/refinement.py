"""What a shopper has come to ask for in a conversation, and how a further sentence changes it.

A sentence overrides what it names and keeps the rest; a new kind of thing begins anew. Sentences are read in seven
languages, but what refers to the conversation ("cheaper", "show more", "the second one") in English only.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from statistics import median_high, median_low
from typing import Any

from catalog.vocabulary.tokens import tokenize
from search.natural_language import FieldCondition, Interpretation, Understood
from search.natural_language.lexicon import lexicon

START_OVER = re.compile(r"\b(?:start (?:over|again|anew)|new search|reset|forget (?:it|that|everything))\b", re.I)
MORE = re.compile(
    r"(?:please )?(?:(?:show|give|see|load)(?: me| us)? )?(?:some )?(?:more|the next|next|others)"
    r"(?: (?:results|products|items|ones|of (?:them|these|those|the same)))?(?: please)?",
    re.I,
)
CHEAPER = re.compile(r"\b(?:cheaper|less expensive|more affordable|lower priced?)\b(?! than)", re.I)
DEARER = re.compile(r"\b(?:more expensive|pricier|dearer|higher priced?)\b(?! than)", re.I)
ANY = re.compile(
    r"\b(?:any|all|every|no matter the|whatever the|(?:ignore|forget|drop|regardless of)(?: the)?) "
    r"(?P<kind>colou?r|price|budget|brand|size|categor|availability)(?:s|y|ies)?\b",
    re.I,
)
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
ONE_SHOWN = re.compile(
    rf"\b(?:more )?(?:like |similar to )?(?:the (?P<word>{'|'.join(ORDINALS)}|last) (?:one|product|item|result)"
    r"|(?:number|no\.|#) ?(?P<number>\d{1,3}))\b",
    re.I,
)
GREETING = re.compile(r"(?:hi|hello|hey|help|thanks?|thank you|good (?:morning|day|evening)|bye)(?: there)?\W*", re.I)
# What may stand around a refinement and says nothing of the product.
FILLERS = frozenset(
    [
        "a",
        "an",
        "the",
        "in",
        "of",
        "on",
        "and",
        "but",
        "or",
        "so",
        "then",
        "now",
        "please",
        "instead",
        "only",
        "just",
        "rather",
        "also",
        "maybe",
        "something",
        "anything",
        "some",
        "any",
        "one",
        "ones",
        "it",
        "it's",
        "its",
        "them",
        "these",
        "those",
        "this",
        "that",
        "make",
        "show",
        "me",
        "what",
        "about",
        "how",
        "can",
        "could",
        "you",
        "do",
        "have",
        "i",
        "i'd",
        "want",
        "would",
        "like",
        "need",
        "prefer",
        "with",
        "is",
        "are",
        "be",
        "for",
        "to",
        "more",
    ]
)
NOTHING = Interpretation()
CENT = Decimal("0.01")
# Further sentences add words, but an encoder reads no more than these.
MAX_DETAILS = 8

# What "any colour" lets go, by the beginning of the word.
SLOTS: dict[str, tuple[str, ...]] = {
    "price": ("price_min", "price_max", "currency"),
    "budget": ("price_min", "price_max", "currency"),
    "color": ("colors", "excluded_colors"),
    "brand": ("brands", "excluded_brands"),
    "size": ("sizes", "excluded_sizes"),
    "categor": ("categories",),
    "availability": ("in_stock",),
}


@dataclass(frozen=True)
class Shown:
    """A product that the shopper sees."""

    product_id: str
    name: str
    price: Decimal | None = None


@dataclass(frozen=True)
class Wish:
    """What is asked for by now.

    `thing` are the words of its kind, `shade` those of its colour, `details` what was added later. `picture` is a data
    URI, `like` the product_id of one that was shown. The words of `asks` are not used; its conditions hold.
    """

    thing: str = ""
    shade: str = ""
    details: tuple[str, ...] = ()
    picture: str = ""
    like: str = ""
    asks: Interpretation = NOTHING

    @property
    def words(self) -> str:
        return " ".join(filter(None, (self.shade, self.thing, *self.details)))


@dataclass(frozen=True)
class Step:
    """What a sentence makes of a wish.

    `is_further_page` asks for more of the same, `is_small_talk` for nothing; `not_applied` says what could not be done.
    """

    wish: Wish
    is_further_page: bool = False
    is_small_talk: bool = False
    not_applied: tuple[str, ...] = ()
    understood: tuple[Understood, ...] = ()
    degraded: str = ""


@dataclass
class _Sentence:
    """What is left of a sentence, and what was understood of it so far."""

    rest: str
    understood: list[Understood] = field(default_factory=list)
    not_applied: list[str] = field(default_factory=list)

    def take(self, pattern: "re.Pattern[str]", meaning: str) -> "re.Match[str] | None":
        """Return the first match, which is then left no more."""
        match = pattern.search(self.rest)
        if match is not None:
            self.rest = " ".join(f"{self.rest[: match.start()]} {self.rest[match.end() :]}".split()).strip(" ,.;!?")
            self.understood.append(Understood(match[0], meaning))
        return match


def advance(
    wish: Wish, message: str, *, shown: Callable[[], Sequence[Shown]], read: Callable[[str], Interpretation]
) -> Step:
    """Return what a message makes of a wish; `shown` tells what the shopper sees, `read` what a sentence asks for."""
    sentence = _Sentence(" ".join(message.split()).strip(" ,.;!?"))
    if GREETING.fullmatch(sentence.rest):
        return Step(wish, is_small_talk=True)
    if MORE.fullmatch(sentence.rest):
        return Step(wish, is_further_page=True, understood=(Understood(sentence.rest, "a further page"),))
    if sentence.take(START_OVER, "start over"):
        wish = Wish()
    wish = _let_go(wish, sentence)
    wish = _point_at(wish, sentence, shown)
    wish = _compare_price(wish, sentence, shown)
    if not sentence.rest:
        return _step(wish, sentence, is_small_talk=wish == Wish())
    asks = read(sentence.rest)
    sentence.understood += asks.understood
    return replace(_step(merge(wish, asks), sentence), degraded=asks.degraded)


def merge(wish: Wish, asks: Interpretation) -> Wish:
    """Return a wish with what a further sentence asks for."""
    shade, rest = _split_shade(asks)
    kinds = _kinds(rest)
    if wish != Wish() and (kinds or asks.categories) and not _is_same_kind(wish, kinds, asks):
        wish = Wish()
    said = _without_fillers(rest)
    if kinds or asks.categories or not (wish.thing or wish.like or wish.picture):
        wish = replace(wish, thing=said, details=())
    elif said:
        wish = replace(wish, details=(*_compatible(wish.details, said), said)[-MAX_DETAILS:])
    if asks.colors:
        wish = replace(wish, shade=shade)
    return replace(wish, asks=_override(wish.asks, asks))


def _step(wish: Wish, sentence: _Sentence, *, is_small_talk: bool = False) -> Step:
    return Step(
        wish,
        is_small_talk=is_small_talk,
        not_applied=tuple(sentence.not_applied),
        understood=tuple(sentence.understood),
    )


def _let_go(wish: Wish, sentence: _Sentence) -> Wish:
    while (match := sentence.take(ANY, "no such condition")) is not None:
        kind = match["kind"].lower().replace("colour", "color")
        wish = without(wish, kind)
    return wish


def without(wish: Wish, kind: str) -> Wish:
    """Return a wish without its conditions of a kind: a key of SLOTS."""
    asks = replace(wish.asks, **{name: getattr(NOTHING, name) for name in SLOTS[kind]})
    return replace(wish, asks=asks, shade="" if kind == "color" else wish.shade)


def _point_at(wish: Wish, sentence: _Sentence, shown: Callable[[], Sequence[Shown]]) -> Wish:
    match = sentence.take(ONE_SHOWN, "one of the products shown")
    if match is None:
        return wish
    products = shown()
    place = _place(match, len(products))
    if not 0 <= place < len(products):
        sentence.not_applied.append(f"{match[0]}: there is no such product among those shown")
        return wish
    return replace(wish, like=products[place].product_id, picture="", thing="", details=())


def _place(match: "re.Match[str]", count: int) -> int:
    if match["number"]:
        return int(match["number"]) - 1
    word = match["word"].lower()
    return count - 1 if word == "last" else ORDINALS.index(word)


def _compare_price(wish: Wish, sentence: _Sentence, shown: Callable[[], Sequence[Shown]]) -> Wish:
    """Return a wish for what costs less, or more, than the middle one of the products shown."""
    for pattern, middle, bound in ((CHEAPER, median_high, "price_max"), (DEARER, median_low, "price_min")):
        match = sentence.take(pattern, "by the price of those shown")
        if match is None:
            continue
        prices = _prices(wish, shown())
        if not prices:
            sentence.not_applied.append(f"{match[0]}: the products shown have no prices")
            continue
        price = middle(prices) + (CENT if bound == "price_min" else -CENT)
        named = Interpretation(**{bound: max(price, Decimal(0))})  # type: ignore[arg-type]  # bound is one of two
        # Whoever goes the other way leaves the old bound behind.
        wish = replace(wish, asks=_override(replace(wish.asks, price_min=None, price_max=None), named))
    return wish


def _prices(wish: Wish, shown: Sequence[Shown]) -> list[Decimal]:
    """Return the prices to compare with: that of the product pointed at, or of all that are shown."""
    pointed_at = [product for product in shown if product.product_id == wish.like]
    return [product.price for product in pointed_at or shown if product.price is not None]


def _override(old: Interpretation, new: Interpretation) -> Interpretation:
    """Return the old conditions with the new ones in place of those of the same kind."""
    low = old.price_min if new.price_min is None else new.price_min
    high = old.price_max if new.price_max is None else new.price_max
    if low is not None and high is not None and low > high:
        low, high = new.price_min, new.price_max
    named = {condition.name for condition in new.fields}
    return Interpretation(
        unlike=_joined(old.unlike, new.unlike),
        price_min=low,
        price_max=high,
        currency=new.currency or old.currency,
        categories=new.categories or old.categories,
        colors=new.colors or _less(old.colors, new.excluded_colors),
        excluded_colors=_less(_joined(old.excluded_colors, new.excluded_colors), new.colors),
        brands=new.brands or _less(old.brands, new.excluded_brands),
        excluded_brands=_less(_joined(old.excluded_brands, new.excluded_brands), new.brands),
        sizes=new.sizes or _less(old.sizes, new.excluded_sizes),
        excluded_sizes=_less(_joined(old.excluded_sizes, new.excluded_sizes), new.sizes),
        fields=(*(condition for condition in old.fields if condition.name not in named), *new.fields),
        in_stock=old.in_stock if new.in_stock is None else new.in_stock,
        sort=new.sort or old.sort,
    )


def _split_shade(asks: Interpretation) -> tuple[str, str]:
    """Return the words of colour in what is searched for, and the others."""
    phrases = [one.phrase for one in asks.understood if one.phrase and one.meaning.startswith("colour")]
    shades, rest = [], asks.words
    for phrase in phrases or asks.colors:
        pattern = re.compile(rf"(?<!\w){re.escape(phrase)}(?!\w)", re.I)
        if asks.colors and pattern.search(rest):
            shades.append(phrase)
            rest = " ".join(pattern.sub(" ", rest).split())
    return " ".join(shades) or " ".join(asks.colors), rest


def _kinds(words: str) -> frozenset[str]:
    """Return the kinds of things that words name in English, with the kinds that these belong to."""
    return frozenset(
        name for thing in _things(words) if not thing.quality for name in (thing.key, *thing.within) if name != "food"
    )


def _things(words: str) -> list[Any]:
    tokens, position, found = tokenize(words), 0, []
    while position < len(tokens):
        match = lexicon().things.longest(tokens, position)
        things = [meaning.thing for meaning in match[1] if meaning.language == "en"] if match else []
        found += things
        position = match[0] if match and things else position + 1
    return found


def _is_same_kind(wish: Wish, kinds: frozenset[str], asks: Interpretation) -> bool:
    if wish.asks.categories and asks.categories:
        return not set(wish.asks.categories).isdisjoint(asks.categories)
    known = _kinds(wish.thing)
    return not known.isdisjoint(kinds) or not (known or wish.asks.categories or wish.thing)


def _compatible(details: tuple[str, ...], said: str) -> tuple[str, ...]:
    """Return the details that go with a further one: who says silk after cotton means silk."""
    qualities = {thing.quality for thing in _things(said)} - {""}
    return tuple(
        detail
        for detail in details
        if detail != said and qualities.isdisjoint({thing.quality for thing in _things(detail)})
    )


def _without_fillers(words: str) -> str:
    kept = words.split()
    while kept and kept[0].strip(",.!?").lower() in FILLERS:
        kept.pop(0)
    while kept and kept[-1].strip(",.!?").lower() in FILLERS:
        kept.pop()
    return " ".join(kept)


def _joined(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one + other))


def _less(values: tuple[str, ...], removed: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(value for value in values if value not in removed)


def pack_wish(wish: Wish) -> dict[str, Any]:
    """Return a wish as JSON to be stored."""
    asks = {
        one.name: _packed(getattr(wish.asks, one.name))
        for one in fields(Interpretation)
        if getattr(wish.asks, one.name) != one.default
    }
    return {one.name: getattr(wish, one.name) for one in fields(Wish) if one.name != "asks"} | {"asks": asks}


def unpack_wish(stored: dict[str, Any]) -> Wish:
    """Return the wish that was stored as JSON."""
    asks = dict(stored["asks"])
    for bound in ("price_min", "price_max"):
        if bound in asks:
            asks[bound] = Decimal(asks[bound])
    asks["fields"] = tuple(FieldCondition(**condition) for condition in asks.get("fields", ()))
    asks = {name: tuple(value) if isinstance(value, list) else value for name, value in asks.items()}
    return Wish(**{**stored, "details": tuple(stored["details"]), "asks": Interpretation(**asks)})


def _packed(value: Any) -> Any:
    if isinstance(value, tuple):
        return [vars(item) if isinstance(item, FieldCondition) else item for item in value]
    return str(value) if isinstance(value, Decimal) else value
