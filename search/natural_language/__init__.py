"""Queries in sentences: "red dresses under $100 without stripes, size M, not Zara", in seven languages.

Nothing is guessed and nothing leaves the machine. What is understood becomes conditions, and what is seen in pictures
stays in the words for the vector search; the answer shows both.
"""

from search.natural_language.interpreting import MAX_TEXT_LENGTH, interpret
from search.natural_language.nouns import Catalogue, EnumField, FieldCondition, Interpretation, Understood

__all__ = ["MAX_TEXT_LENGTH", "Catalogue", "EnumField", "FieldCondition", "Interpretation", "Understood", "interpret"]
