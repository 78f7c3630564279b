"""Exported tokenizers and open_clip's own, compared id by id."""

import html
import importlib.util
import json
import random

import ftfy
import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

pytest.importorskip("torch", reason="export needs requirements.txt")

from catalog.vision.bundle import EncoderError
from catalog.vision.tokenizer_export import portable_tokenizer
from catalog.vision.torchvision_compat import import_open_clip

needs_transformers = pytest.mark.skipif(
    importlib.util.find_spec("transformers") is None, reason="open_clip's HFTokenizer needs transformers"
)

HOSTILE_TEXTS = [
    "",
    " \t\n ",
    "Women's café T-shirt 100% cotton \u2013 größe M, it'S we'LL",
    "ΓΥΝΑΙΚΕΙΟΣ ΣΑΚΟΣ ΟΔΟΣ.",
    "İstanbul ǅ ﬁne \u017f '\u017f a\u0345",
    "日本語 ドレス \U0001f468\u200d\U0001f469\u200d\U0001f467 \ufeff\u200b",
    "&amp;amp;lt;b&gt; e&#769; &#xD800;",
    "schÃ¶n â€œquotedâ€\x9d",
    "a\x00b\x1cc\x1fd\x85e",
    "\ud800 half a pair",
    "<end_of_text> red <START_OF_TEXT>",
    "x" * 400,
    "word " * 100,
]


@pytest.fixture(scope="module")
def open_clip():
    return import_open_clip()


def random_texts(count):
    generator = random.Random(0)
    alphabets = [
        [chr(code) for code in range(0x20, 0x2FFF) if chr(code).isprintable()],
        list("abcdefgh ΣσΑ'&;#<>_!\u0301\x1c0123"),
    ]
    return [
        "".join(generator.choice(generator.choice(alphabets)) for _ in range(generator.randint(1, 40)))
        for _ in range(count)
    ]


def assert_same_ids(tokenizer, *, texts):
    cleaned = [html.unescape(html.unescape(ftfy.fix_text(text))) for text in texts]
    ours = portable_tokenizer(tokenizer).encode_batch(cleaned)
    assert [encoding.ids for encoding in ours] == tokenizer(texts).tolist()


@pytest.mark.parametrize("context_length", [16, 77])
def test_it_gives_the_ids_of_clips_tokenizer(open_clip, context_length):
    tokenizer = open_clip.SimpleTokenizer(context_length=context_length)
    assert_same_ids(tokenizer, texts=HOSTILE_TEXTS + random_texts(2000))


@needs_transformers
@pytest.mark.parametrize("cleaning", ["whitespace", "canonicalize"])
def test_it_gives_the_ids_of_a_hugging_face_tokenizer(open_clip, tmp_path, cleaning):
    save_tokenizer(tmp_path)
    tokenizer = open_clip.tokenizer.HFTokenizer(str(tmp_path), context_length=16, clean=cleaning)
    assert_same_ids(tokenizer, texts=HOSTILE_TEXTS + random_texts(2000))


@needs_transformers
def test_typed_control_tokens_are_words_where_punctuation_is_dropped(open_clip, tmp_path):
    save_tokenizer(tmp_path)
    tokenizer = open_clip.tokenizer.HFTokenizer(str(tmp_path), context_length=16, clean="canonicalize")
    assert_same_ids(tokenizer, texts=["red </s> dress", "</s>red<pad>", "<unk>"])


def test_it_refuses_a_tokenizer_that_drops_words_at_random(open_clip):
    with pytest.raises(EncoderError, match="with its standard settings only"):
        portable_tokenizer(open_clip.SimpleTokenizer(reduction_mask="random"))


@needs_transformers
def test_it_refuses_ids_that_open_clip_changes_afterwards(open_clip, tmp_path):
    save_tokenizer(tmp_path)
    with pytest.raises(EncoderError, match="open_clip changes its ids afterwards"):
        portable_tokenizer(open_clip.tokenizer.HFTokenizer(str(tmp_path), strip_sep_token=True))


def save_tokenizer(folder):
    """Save a small tokenizer of SigLIP's kind: word pieces by probability, `</s>` behind a text."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.train_from_iterator(
        ["red summer dress for women", "large green sofa of wood and steel", "a small black leather bag"],
        trainers.UnigramTrainer(
            vocab_size=120,
            special_tokens=["<pad>", "</s>", "<unk>"],
            unk_token="<unk>",
            show_progress=False,
        ),
    )
    tokenizer.post_processor = processors.TemplateProcessing("$A </s>", special_tokens=[("</s>", 1)])
    tokenizer.save(str(folder / "tokenizer.json"))
    names = {"pad_token": "</s>", "eos_token": "</s>", "unk_token": "<unk>"}
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", **names}))
