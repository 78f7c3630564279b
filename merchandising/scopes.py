"""When a rule or a banner takes part in a search: for which words, among which results, and on which days."""

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import models


class ScopeType(models.TextChoices):
    ALWAYS = "always", "Every search"
    QUERY_EXACT = "query_exact", "The query is"
    QUERY_CONTAINS = "query_contains", "The query contains"
    CATEGORY_MATCH = "category_match", "A result has the category"


@dataclass(frozen=True)
class Occasion:
    """For which searches something is meant, from `start_at` on and before `end_at`; None sets no bound."""

    scope_type: str = ScopeType.ALWAYS
    scope_value: str = ""
    start_at: datetime | None = None
    end_at: datetime | None = None

    def is_open(self, text: str, at: datetime) -> bool:
        """Return whether time and words allow it. Where a category decides, that is left to `comes`."""
        if (self.start_at and at < self.start_at) or (self.end_at and at >= self.end_at):
            return False
        match self.scope_type:
            case ScopeType.QUERY_EXACT:
                return normalise(text) == normalise(self.scope_value)
            case ScopeType.QUERY_CONTAINS:
                return holds(text, self.scope_value)
        return True

    def comes(self, categories: Collection[str]) -> bool:
        """Return whether results of these normalised categories bring it about, once it is open."""
        return self.scope_type != ScopeType.CATEGORY_MATCH or normalise(self.scope_value) in categories


ANY_SEARCH = Occasion()


def normalise(text: str) -> str:
    """Return a text as it is compared: without case (NFKC, case-folded), white space collapsed, accents kept."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def holds(text: str, part: str) -> bool:
    """Return whether a text holds a part that begins where a word does: `red dresses` holds `dress`, not `resses`."""
    text, part = normalise(text), normalise(part)
    start = text.find(part)
    while start > 0 and text[start - 1].isalnum() and part[0].isalnum():
        start = text.find(part, start + 1)
    return start >= 0
