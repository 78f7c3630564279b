"""What words ask for that are neither prices nor sizes: colours, categories, brands, fields, and what is unwanted."""

from collections.abc import Iterator
from dataclasses import replace
from functools import reduce
from operator import and_

from catalog.vocabulary.tokens import tokenize
from catalog.vocabulary.words import Color, Meaning, Thing
from search.natural_language.lexicon import LOOSE_QUALITIES, lexicon
from search.natural_language.nouns import FieldCondition, Interpretation
from search.natural_language.prices import read_bound
from search.natural_language.sentence import Finding, Sentence
from search.natural_language.shop import in_languages
from search.natural_language.sizes import read_sizes

# Small words, before which what is spoken of ends.
SMALL_WORDS = ("not", "joins", "below", "above", "around", "between", "at_least_weakly", "by", "glue", "with", "size")
WISHES = {
    "cheapest": ("the cheapest first", Interpretation(sort="price_asc")),
    "dearest": ("the most expensive first", Interpretation(sort="price_desc")),
    "newest": ("the newest first", Interpretation(sort="newest")),
    "in_stock": ("in stock", Interpretation(in_stock=True)),
}
# As the palette has it: a dark blue is navy, and a dark red maroon.
DARK = {"blue": "navy", "red": "maroon"}
# Of words that the lexicon lacks, so many are one thing that is unwanted.
MAX_UNKNOWN = 3


def read_request(sentence: Sentence, start: int) -> Finding | None:
    """Return how a query begins: "show me"."""
    end = sentence.says("asking", start) if start == 0 else None
    return None if end is None else Finding(start, end, "asks for products", Interpretation())


def read_wish(sentence: Sentence, start: int) -> Finding | None:
    """Return what is said of stock and order; "cheap" is neither an order nor a number."""
    for role, (meaning, asks) in WISHES.items():
        end = sentence.says(role, start)
        if end is not None:
            return Finding(start, end, meaning, asks)
    return None


def read_brand(sentence: Sentence, start: int, *, is_introduced: bool = False) -> Finding | None:
    """Return a brand of the shop; where its name is an ordinary word, only capitalised or behind "by"."""
    by = sentence.says("by", start)
    for position, introduced in ((by, True), (start, is_introduced)):
        match = sentence.shop.brands.longest(sentence.tokens, position) if position is not None else None
        if match is not None and (introduced or _is_surely_brand(sentence, start, match[0])):
            return Finding(start, match[0], "brand " + " or ".join(match[1]), Interpretation(brands=tuple(match[1])))
    return None


def read_color(sentence: Sentence, start: int) -> Finding | None:
    """Return a colour of the product: not one that names a thing, as in orange juice, rose gold, or black pepper.

    A word that is first of all a thing is a colour only beside what is worn or furnished, behind "in", or joined to
    another colour. Beside food no word is: there it tells the kind.
    """
    color = _shaded(sentence, start)
    if color is None or not _is_color_here(sentence, start, color[0], is_sure=color[1].is_sure):
        return None
    end, name = color[0], color[1].name
    return Finding(start, end, f"colour {name}", Interpretation(colors=(name,)), stays=True)


def read_category(sentence: Sentence, start: int) -> Finding | None:
    """Return the shop's own categories of this name, in any language, where the word is what the sentence is about."""
    direct = sentence.shop.categories.longest(sentence.tokens, start) or (start, [])
    thing = sentence.things_at(start) or (start, [])
    end = max(direct[0], thing[0])
    names = list(direct[1]) if direct[0] == end else []
    if thing[0] == end:
        names += [name for one in thing[1] for name in _categories_of(sentence, one.thing)]
    if not names or not _is_head(sentence, start, end):
        return None
    names = list(dict.fromkeys(names))
    asks = Interpretation(categories=tuple(names), fields=tuple(dict.fromkeys(_values_inside(sentence, start, end))))
    values = "".join(f", {condition.name} {condition.value}" for condition in asks.fields)
    return Finding(start, end, "category " + " or ".join(names) + values, asks, stays=True)


def read_value(sentence: Sentence, start: int) -> Finding | None:
    """Return the value of a custom field, in any language, as leather of material."""
    match = _value_at(sentence, start)
    if match is None or not (_is_head(sentence, start, match[0]) or sentence.things_at(match[0])):
        return None
    meaning = " or ".join(f"{condition.name} {condition.value}" for condition in match[1])
    return Finding(start, match[0], meaning, Interpretation(fields=match[1]), stays=True)


def read_unwanted(sentence: Sentence, start: int) -> Finding | None:
    """Return what is excluded: "without stripes or dots", "not Zara", "-red", also a bound: "not over 100"."""
    opened = _negation(sentence, start)
    if opened is None:
        return None
    denied = read_bound(sentence, opened, is_denied=True)
    if denied is not None:
        return replace(denied, start=start)
    hyphen = _after_hyphen(sentence, opened)
    position = sentence.skip(("by", "article", "glue", "with"), hyphen)
    whole = read_sizes(sentence, position, is_excluded=True)
    if whole is None and (start == 0 or hyphen > opened):
        whole = _unwanted_of_head(sentence, position)
    findings = [whole] if whole is not None else list(_unwanted(sentence, position))
    if not findings:
        return None
    meaning = "; ".join(finding.meaning for finding in findings)
    return Finding(start, findings[-1].end, meaning, reduce(and_, [finding.asks for finding in findings]))


def _negation(sentence: Sentence, start: int) -> int | None:
    token = sentence.tokens[start]
    is_minus = token.text == "-" and (start == 0 or not sentence.touches(start)) and sentence.touches(start + 1)
    if is_minus and not sentence.is_number(start + 1):
        return start + 1
    return sentence.says("not", start)


def _after_hyphen(sentence: Sentence, position: int) -> int:
    """Return where a word begins that is written together with its negation: "non-leather"."""
    is_hyphen = sentence.is_mark(position) and sentence.tokens[position].text == "-"
    return position + 1 if is_hyphen and sentence.touches(position) and sentence.touches(position + 1) else position


def _unwanted_of_head(sentence: Sentence, start: int) -> Finding | None:
    """Return what the product itself must not be: "anything but black shoes", "non-leather jacket"."""
    color, value = _shaded(sentence, start), _value_at(sentence, start)
    if color is not None and read_category(sentence, color[0]) is not None:
        return _unwanted_color(start, *color)
    if value is not None and read_category(sentence, value[0]) is not None:
        return _unwanted_values(start, *value)
    return None


def _unwanted(sentence: Sentence, start: int) -> Iterator[Finding]:
    """Yield what is joined to one list: brands with brands, anything else with anything else."""
    finding = _unwanted_brand(sentence, start) or _unwanted_thing(sentence, start)
    read = _unwanted_brand if finding is not None and finding.asks.excluded_brands else _unwanted_thing
    while finding is not None:
        yield finding
        joined = sentence.says("joins", finding.end)
        if joined is None or sentence.says("size", joined) is not None:
            return
        finding = read(sentence, sentence.skip(("article",), joined))


def _unwanted_brand(sentence: Sentence, start: int) -> Finding | None:
    finding = read_brand(sentence, start, is_introduced=True)
    if finding is None:
        return None
    meaning = "brand is not " + " or ".join(finding.asks.brands)
    return Finding(start, finding.end, meaning, Interpretation(excluded_brands=finding.asks.brands))


def _unwanted_thing(sentence: Sentence, start: int) -> Finding | None:
    end = _unwanted_end(sentence, start)
    if end == start:
        return None
    color = _shaded(sentence, start)
    if color is not None and color[0] == end:
        return _unwanted_color(start, *color)
    value = _value_at(sentence, start)
    if value is not None and value[0] == end:
        return _unwanted_values(start, *value)
    phrase = sentence.slice(start, end)
    return Finding(start, end, f"unlike {phrase}", Interpretation(unlike=(phrase,)))


def _unwanted_color(start: int, end: int, color: Color) -> Finding:
    return Finding(start, end, f"colour is not {color.name}", Interpretation(excluded_colors=(color.name,)))


def _unwanted_values(start: int, end: int, values: tuple[FieldCondition, ...]) -> Finding:
    conditions = tuple(replace(condition, excluded=True) for condition in values)
    meaning = " and ".join(f"{condition.name} is not {condition.value}" for condition in conditions)
    return Finding(start, end, meaning, Interpretation(fields=conditions))


def _unwanted_end(sentence: Sentence, start: int) -> int:
    end = _name_end(sentence, start)
    return _agreeing(sentence, end) if sentence.is_romance and end > start else end


def _name_end(sentence: Sentence, start: int) -> int:
    """Return where an unwanted thing's name ends: "red stripes", "belt loops", "puffy sleeves"."""
    color = _shaded(sentence, start)
    value = _value_at(sentence, start)
    position = max(color[0] if color else start, value[0] if value else start)
    thing = sentence.things_at(position)
    if thing is not None and not (position > start and _is_loose(thing[1])):
        is_kind = any(not meaning.thing.quality for meaning in thing[1])
        return _unknown_end(sentence, thing[0]) if is_kind and not sentence.is_romance else thing[0]
    if position > start and sentence.is_romance:
        return position
    return _unknown_end(sentence, position)


def _unknown_end(sentence: Sentence, start: int) -> int:
    """Return where up to three words end that nothing is known about."""
    end = start
    while end < min(start + MAX_UNKNOWN, len(sentence.tokens)) and _is_unknown(sentence, end):
        end += 1
        if sentence.is_mark(end) and sentence.touches(end) and sentence.touches(end + 1):
            end += 1
    return end


def _agreeing(sentence: Sentence, end: int) -> int:
    """Return the end of a thing with a colour behind it that agrees in its ending: "rayures rouges", "strisce rosse".

    In "robe sans manches rouge" the dress is red, and in "robe sans manches rouges" the sleeves are.
    """
    color = _color_at(sentence, end)
    if color is not None and sentence.tokens[end - 1].folded[-1] == sentence.tokens[color[0] - 1].folded[-1]:
        return color[0]
    return end


def _shaded(sentence: Sentence, start: int) -> tuple[int, Color] | None:
    """Return the colour at this position with "light" or "dark" before or behind it."""
    before = sentence.says_any(("light", "dark"), start) or start
    match = _color_at(sentence, before)
    if match is None:
        return None
    end = sentence.says_any(("light", "dark"), match[0]) or match[0]
    is_dark = sentence.says("dark", start) == before or sentence.says("dark", match[0]) == end
    name = DARK.get(match[1].name, match[1].name) if is_dark else match[1].name
    return end, match[1]._replace(name=name)


def _color_at(sentence: Sentence, position: int) -> tuple[int, Color] | None:
    match = sentence.colors[position] if position < len(sentence.colors) else None
    if match is None:
        return None
    color = in_languages(match[1], sentence.languages)[0]
    word = sentence.tokens[position].folded
    # "red" is a net in Spanish.
    means_else = any(word in lexicon().other_meanings[language] for language in sentence.languages)
    if means_else and color.language not in sentence.languages:
        return None
    return match[0], color


def _is_color_here(sentence: Sentence, start: int, end: int, *, is_sure: bool) -> bool:
    behind, before = sentence.things_at(end), sentence.thing_before(start)
    following = behind[1] if behind else []
    name = sentence.things_at(start)
    if name is not None and name[0] > end:
        return False
    if any(meaning.thing.is_food for meaning in following + before):
        return False
    return (
        is_sure
        or any(not meaning.thing.is_named_by_kind for meaning in following + before)
        or sentence.shop.categories.longest(sentence.tokens, end) is not None
        or (start > 0 and sentence.says("glue", start - 1) == start)
        or _is_joined_to_color(sentence, start, end)
    )


def _is_joined_to_color(sentence: Sentence, start: int, end: int) -> bool:
    joined = sentence.says("joins", end)
    if joined is not None and _color_at(sentence, joined) is not None:
        return True
    return start > 1 and sentence.says("joins", start - 1) == start and _color_at(sentence, start - 2) is not None


def _categories_of(sentence: Sentence, thing: Thing) -> tuple[str, ...]:
    """Return the shop's categories of a thing and of what is below it, or else of what it is itself among."""
    shop = sentence.shop
    names = shop.categories_of.get(thing.key, ()) + shop.categories_below.get(thing.key, ())
    return names or next((shop.categories_of[key] for key in thing.within if key in shop.categories_of), ())


def _value_at(sentence: Sentence, start: int) -> tuple[int, tuple[FieldCondition, ...]] | None:
    """Return the longest value of a field, by its own name or as the thing that it is."""
    direct = sentence.shop.values.longest(sentence.tokens, start) or (start, [])
    thing = sentence.things_at(start) or (start, [])
    known = [condition for one in thing[1] for condition in sentence.shop.values_of.get(one.thing.key, ())]
    end, conditions = (thing[0], known) if known and thing[0] >= direct[0] else direct
    return (end, tuple(dict.fromkeys(conditions))) if conditions else None


def _values_inside(sentence: Sentence, start: int, end: int) -> Iterator[FieldCondition]:
    """Yield the values that the name of a thing holds: a leather jacket is of leather."""
    for position in range(start, end):
        match = _value_at(sentence, position)
        if match is not None and match[0] <= end and match[0] - position < end - start:
            yield from match[1]


def _is_head(sentence: Sentence, start: int, end: int) -> bool:
    """Tell whether a thing is what is sought, not what tells its kind: no watch in "watch strap"."""
    if sentence.is_romance:
        return start == 0 or sentence.says("by", start - 1) != start or start == 1
    if sentence.is_mark(end):
        return not (sentence.touches(end) and sentence.touches(end + 1))
    following = sentence.things_at(end)
    if following is not None:
        return all(meaning.thing.quality for meaning in following[1])
    return not _is_unknown(sentence, end)


def _is_unknown(sentence: Sentence, position: int) -> bool:
    """Tell whether a word stands here that is in no list."""
    return (
        position < len(sentence.tokens)
        and not sentence.is_mark(position)
        and not sentence.is_number(position)
        and sentence.things_at(position) is None
        and sentence.colors[position] is None
        and sentence.says_any((*SMALL_WORDS, *WISHES), position) is None
        and read_brand(sentence, position) is None
        and read_sizes(sentence, position) is None
    )


def _is_loose(meanings: list[Meaning]) -> bool:
    return all(meaning.thing.quality in LOOSE_QUALITIES for meaning in meanings)


def _is_surely_brand(sentence: Sentence, start: int, end: int) -> bool:
    name = sentence.slice(start, end)
    is_capitalised = name[0].isupper() and not sentence.text.isupper()
    return is_capitalised or not _is_ordinary(sentence, start, end)


def _is_ordinary(sentence: Sentence, start: int, end: int) -> bool:
    """Tell whether tokens are a word of the language besides being a brand."""
    words = lexicon()
    tokens = tokenize(sentence.slice(start, end))
    matches = [
        words.things.longest(tokens, 0),
        words.colors.longest(tokens, 0),
        *(phrases.longest(tokens, 0) for phrases in words.roles.values()),
    ]
    is_known = any(match is not None and match[0] == len(tokens) for match in matches)
    return is_known or " ".join(token.folded for token in tokens) in words.ordinary
