"""The assistant's words as they come: a language model's where there is one, the template's otherwise."""

import logging
import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from search.chat.conversation import DEGRADED, clip
from search.language_model import LanguageModelError, Message, complete, is_configured, stream

logger = logging.getLogger(__name__)

# Shorter than what proxies wait for before they hang up.
HEARTBEAT_SECONDS = 10.0


@dataclass
class Speech:
    """The words of one answer: said whole, or piece by piece; then `words` holds all, and `degraded` why not so."""

    template: str
    messages: list[Message]
    words: str = ""
    degraded: str = ""

    def whole(self) -> str:
        """Return all words at once."""
        self.words = self.template
        if is_configured():
            try:
                self.words = "".join(clip(iter([complete(self.messages)]))).strip() or self.template
            except LanguageModelError as error:
                self._degrade(error)
        return self.words

    def pieces(self) -> Iterator[str | None]:
        """Yield the words as they come, and None while there are none for a while.

        Where the model fails after some words, `words` is the template, which then stands in for what was said.
        """
        if not is_configured():
            self.words = self.template
            yield from _in_pieces(self.template)
            return
        said: list[str] = []
        for piece in _with_heartbeat(self.messages):
            if isinstance(piece, LanguageModelError):
                self._degrade(piece)
                if not said:
                    yield from _in_pieces(self.template)
                return
            if piece:
                said.append(piece)
            yield piece
        self.words = "".join(said).strip() or self.template
        if not said:
            yield from _in_pieces(self.template)

    def _degrade(self, error: LanguageModelError) -> None:
        logger.warning("language model failed", extra={"error": str(error)})
        self.words, self.degraded = self.template, DEGRADED


def _in_pieces(text: str) -> Iterator[str]:
    words = text.split(" ")
    yield from (f"{word} " for word in words[:-1])
    yield words[-1]


def _with_heartbeat(messages: list[Message]) -> "Iterator[str | LanguageModelError | None]":
    """Yield what the model says, None where it says nothing for a while, and its error as the last."""
    coming: queue.Queue[str | LanguageModelError | None] = queue.Queue()
    is_left = threading.Event()

    def listen() -> None:
        try:
            for piece in clip(stream(messages)):
                coming.put(piece)
                if is_left.is_set():
                    return
            coming.put(None)
        except LanguageModelError as error:
            coming.put(error)

    threading.Thread(target=listen, daemon=True).start()
    try:
        while True:
            try:
                piece = coming.get(timeout=HEARTBEAT_SECONDS)
            except queue.Empty:
                yield None
                continue
            if piece is None:
                return
            yield piece
    finally:
        is_left.set()
