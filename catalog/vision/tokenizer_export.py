"""An open_clip model's tokenizer, for the `tokenizers` library, which needs neither torch nor open_clip."""

import json
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer
from tokenizers.models import BPE
from tokenizers.normalizers import Lowercase, Normalizer, Replace, Sequence, Strip
from tokenizers.pre_tokenizers import ByteLevel, Split
from tokenizers.pre_tokenizers import Sequence as Steps
from tokenizers.processors import TemplateProcessing

from catalog.vision.bundle import EncoderError
from catalog.vision.torchvision_compat import import_open_clip

# Python's `lower` gives a sigma at the end of a word its own form (Unicode standard, section 3.13,
# Final_Sigma), `Lowercase` does not: without this rule Greek words in capitals would get other tokens.
CASED = r"[\p{Cased}&&\P{Case_Ignorable}]"
FINAL_SIGMA = rf"{CASED}\p{{Case_Ignorable}}*\KΣ(?!\p{{Case_Ignorable}}*{CASED})"

# The words of `open_clip.tokenizer.SimpleTokenizer`: endings of contractions, runs of letters, single digits,
# runs of the rest. It ignores case, as here: the mark U+0345 passes for the letter that is its capital.
WORDS = r"(?i)'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+"

ASCII_PUNCTUATION = r"[!-/:-@\[-`{-~]"

_WHITESPACE_STEPS = [Replace(Regex(r"\s+"), " "), Strip()]
_LOWER_STEPS = [Replace(Regex(FINAL_SIGMA), "ς"), Lowercase()]

# open_clip's cleanings (`open_clip.tokenizer.get_clean_fn`), less what a bundle's `text_cleaning: ftfy` does.
CLEANINGS: dict[str, list[Normalizer]] = {
    "whitespace": _WHITESPACE_STEPS,
    "lower": [*_WHITESPACE_STEPS, *_LOWER_STEPS],
    "canonicalize": [
        Replace("_", " "),
        Replace(Regex(ASCII_PUNCTUATION), ""),
        *_LOWER_STEPS,
        *_WHITESPACE_STEPS,
    ],
}


def portable_tokenizer(tokenizer: Any) -> Tokenizer:
    """Return a tokenizer with the ids of one of open_clip's, for texts cleaned as `text_cleaning: ftfy` says.

    Cuts and pads to the context length. Measured against SimpleTokenizer: the same ids for every character of
    Unicode 14. A tokenizer from Hugging Face that keeps punctuation may differ in the spaces beside a control
    token that somebody types ("red </s> dress"). Raises EncoderError for one that cannot be expressed.
    """
    if isinstance(tokenizer, import_open_clip().SimpleTokenizer):
        return _from_simple(tokenizer)
    return _from_hugging_face(tokenizer)


def _from_simple(tokenizer: Any) -> Tokenizer:
    if _cleaning_of(tokenizer) != "lower" or tokenizer.reduction_fn:
        raise EncoderError("open_clip's SimpleTokenizer can be exported with its standard settings only.")
    by_rank = sorted(tokenizer.bpe_ranks, key=tokenizer.bpe_ranks.__getitem__)
    portable = Tokenizer(BPE(vocab=dict(tokenizer.encoder), merges=by_rank, end_of_word_suffix="</w>"))
    portable.normalizer = Sequence(CLEANINGS["lower"])
    portable.pre_tokenizer = Steps(
        [
            Split(Regex(WORDS), behavior="removed", invert=True),
            ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    start, end = (tokenizer.decoder[token_id] for token_id in (tokenizer.sot_token_id, tokenizer.eot_token_id))
    portable.add_special_tokens([AddedToken(token, normalized=True) for token in (start, end)])
    portable.post_processor = TemplateProcessing(
        single=f"{start} $A {end}",
        special_tokens=[(start, tokenizer.sot_token_id), (end, tokenizer.eot_token_id)],
    )
    portable.enable_truncation(tokenizer.context_length)
    portable.enable_padding(length=tokenizer.context_length, pad_id=0, pad_token=tokenizer.decoder[0])
    return portable


def _from_hugging_face(tokenizer: Any) -> Tokenizer:
    original = tokenizer.tokenizer
    if not original.is_fast or original.padding_side != "right" or original.truncation_side != "right":
        raise EncoderError(
            f"The tokenizer {original.name_or_path} cannot be exported: it must be one of the fast ones of "
            "Hugging Face's, and pad and cut on the right."
        )
    if tokenizer.tokenizer_mode or tokenizer.strip_sep_token:
        raise EncoderError(
            f"The tokenizer {original.name_or_path} cannot be exported: open_clip changes its ids afterwards "
            "(tokenizer_mode or strip_sep_token in the model's configuration)."
        )
    portable = _without_unreachable_tokens(original.backend_tokenizer, tokenizer)
    own = [portable.normalizer] if portable.normalizer else []
    portable.normalizer = Sequence([*CLEANINGS[_cleaning_of(tokenizer)], *own])
    portable.enable_truncation(tokenizer.context_length)
    portable.enable_padding(length=tokenizer.context_length, pad_id=original.pad_token_id, pad_token=original.pad_token)
    return portable


def _without_unreachable_tokens(backend: Tokenizer, tokenizer: Any) -> Tokenizer:
    """Return a copy that no longer looks for the added tokens that no cleaned text contains.

    Added tokens are looked for before the normalizer runs: a shopper's "</s>", which open_clip cleans to "s",
    would end the text.
    """
    fields = json.loads(backend.to_str())
    fields["added_tokens"] = [
        token for token in fields["added_tokens"] if tokenizer.clean_fn(token["content"]) == token["content"]
    ]
    return Tokenizer.from_str(json.dumps(fields))


def _cleaning_of(tokenizer: Any) -> str:
    get_clean_fn = import_open_clip().tokenizer.get_clean_fn
    return next(kind for kind in CLEANINGS if tokenizer.clean_fn is get_clean_fn(kind))
