"""What the assistant says without a language model: what was understood, found and not done, in plain English."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from search.chat.refinement import Step, Wish
from search.pipeline import Answer

HELP = (
    "Hello! Tell me what you are looking for, such as “red dress under 50”. Then refine it: “in blue instead”, "
    "“cheaper”, “not Zara”, “the second one in red”, “show more” or “start over”."
)
LAST_PAGE = "I show no more of these. Say what you are looking for more closely, such as a price, a colour or a brand."
AFTER_LAST_PAGE = ("more like the first one", "start over")
EXAMPLES = ("red dress under 50", "blue shoes", "something in stock")
CONDITIONS = {
    "price": "the limit on prices",
    "color": "the colour",
    "brand": "the condition on brands",
    "size": "the size",
    "categor": "the category",
    "availability": "the condition of being in stock",
}
LETTING_GO = {
    "price": "any price",
    "color": "any colour",
    "brand": "any brand",
    "size": "any size",
    "categor": "any category",
    "availability": "any availability",
}
MAX_SUGGESTIONS = 4
# A search counts no further than this; see `search.pipeline.Answer.total`.
COUNTED = 100
MAX_BRAND_LENGTH = 50


@dataclass(frozen=True)
class Found:
    """What a search has found, and how many products there were without each kind of condition."""

    answer: Answer
    without_slot: Mapping[str, int] = field(default_factory=dict)


def write_answer(step: Step, found: Found | None) -> str:
    """Return the assistant's words."""
    if found is None:
        return " ".join([HELP, *_not_applied(step, ())])
    left_out = (found.answer.query.interpreted or {}).get("not_applied", ())
    return " ".join([*_results(step, found), *_not_applied(step, left_out)])


def describe(wish: Wish) -> str:
    """Return what is asked for in words: “red dress”, at most 50 EUR, not Zara."""
    return ", ".join(_parts(wish))


def suggest(step: Step, found: Found | None) -> tuple[str, ...]:
    """Return what the shopper may say next: each is a message."""
    if found is None:
        return EXAMPLES
    if not found.answer.hits:
        freer = sorted(found.without_slot.items(), key=lambda item: -item[1])
        return (*(LETTING_GO[kind] for kind, count in freer if count), "start over")[:MAX_SUGGESTIONS]
    return tuple(_refinements(step.wish, found.answer))[:MAX_SUGGESTIONS]


def _refinements(wish: Wish, answer: Answer) -> Iterator[str]:
    if answer.has_more:
        yield "show more"
    prices = {hit.price for hit in answer.hits if hit.price is not None}
    if len(prices) > 1:
        yield "cheaper"
    brands = dict.fromkeys(str(hit.metadata.get("brand") or "") for hit in answer.hits)
    if len(brands) > 1 and not wish.asks.brands:
        yield from (f"by {brand}" for brand in list(brands)[:2] if 0 < len(brand) <= MAX_BRAND_LENGTH)
    yield "more like the first one"


def _results(step: Step, found: Found) -> Iterator[str]:
    answer = found.answer
    for_what = f" for {describe(step.wish)}"
    count = len(answer.hits)
    products = "product" if count == 1 else "products"
    if step.is_further_page:
        yield f"Here {'is' if count == 1 else 'are'} {count} more{for_what}." if count else f"That was all{for_what}."
    elif not count:
        yield f"I found nothing{for_what}."
        yield from _relaxed(found)
    elif not step.wish.asks.categories and all(hit.match == "weak" for hit in answer.hits):
        closest = "this one comes" if count == 1 else f"these {count} come"
        yield f"Nothing fits well; {closest} closest to {describe(step.wish)}."
    elif answer.has_more:
        yield f"Here are the first {count} {products}{for_what}."
    else:
        yield f"I found {count} {products}{for_what}."


def _relaxed(found: Found) -> Iterator[str]:
    if found.answer.hint:
        yield found.answer.hint
    best = max(found.without_slot.items(), key=lambda item: item[1], default=("", 0))
    if best[1]:
        count = f"{COUNTED} or more" if best[1] >= COUNTED else str(best[1])
        there = "would be 1 product" if best[1] == 1 else f"would be {count} products"
        yield f"Without {CONDITIONS[best[0]]} there {there}: say “{LETTING_GO[best[0]]}”."
    elif found.without_slot:
        yield "Letting go one condition would not help; say “start over” to begin anew."


def _not_applied(step: Step, left_out: "tuple[str, ...] | list[str]") -> Iterator[str]:
    if reasons := [*step.not_applied, *left_out]:
        yield f"I could not do everything: {'; '.join(reasons)}."


def _parts(wish: Wish) -> Iterator[str]:
    asks = wish.asks
    yield from (["your picture"] if wish.picture else [])
    yield from (["what is like the one you chose"] if wish.like else [])
    if wish.words or not (wish.picture or wish.like):
        yield f"“{wish.words}”" if wish.words else "anything"
    yield from _price(asks.price_min, asks.price_max, asks.currency)
    yield from (f"in {color}" for color in [" or ".join(asks.colors)] if color and not wish.shade)
    yield from (f"by {brands}" for brands in [" or ".join(asks.brands)] if brands)
    yield from (f"size {sizes}" for sizes in [" or ".join(asks.sizes)] if sizes)
    yield from (f"not {name}" for name in (*asks.excluded_brands, *asks.excluded_colors))
    yield from (f"not size {size}" for size in asks.excluded_sizes)
    yield from (f"without {phrase}" for phrase in asks.unlike)
    yield from ("not " * one.excluded + f"{one.name} {one.value}" for one in asks.fields)
    if asks.in_stock is not None:
        yield "in stock" if asks.in_stock else "not in stock"


def _price(low: Decimal | None, high: Decimal | None, currency: str) -> Iterator[str]:
    unit = f" {currency}" if currency else ""
    if low is not None and high is not None:
        yield f"from {_amount(low)} to {_amount(high)}{unit}"
    elif low is not None:
        yield f"at least {_amount(low)}{unit}"
    elif high is not None:
        yield f"at most {_amount(high)}{unit}"


def _amount(price: Decimal) -> str:
    return f"{price:.0f}" if price == price.to_integral_value() else f"{price:.2f}"
