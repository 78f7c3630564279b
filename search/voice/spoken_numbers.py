"""Numbers as they are spoken in English, in digits: prices and sizes are read from those."""

ONES = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TEENS = ("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")

SMALL = {word: value for value, word in enumerate((*ONES, *TEENS), 1)} | {
    word: value for value, word in zip(range(20, 100, 10), TENS, strict=True)
}


def in_digits(text: str) -> str:
    """Return a text with its numbers up to 999 in digits; a lone "one" and "a" stay, being no numbers mostly."""
    words, written = text.split(), []
    while words:
        count, value = _number(words)
        written.append(str(value) if count else words[0])
        words = words[max(1, count) :]
    return " ".join(written)


def _number(words: list[str]) -> tuple[int, int]:
    """Return how many words from the first on are a number, and which: none is 0."""
    if words[1:2] == ["hundred"] and (words[0] == "a" or words[0] in ONES):
        count, value = _below_hundred(words[2:])
        return 2 + count, 100 * SMALL.get(words[0], 1) + value
    count, value = _below_hundred(words)
    return (0, 0) if words[:count] == ["one"] else (count, value)


def _below_hundred(words: list[str]) -> tuple[int, int]:
    first, second = [*words[:2], "", ""][:2]
    if first in TENS and second in ONES:
        return 2, SMALL[first] + SMALL[second]
    return (1, SMALL[first]) if first in SMALL else (0, 0)
