import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from PIL import Image

from catalog.management.commands import evaluate_encoder
from catalog.vision.encoder import EncoderError


class RedAndGreen:
    """An encoder that sees dresses in red pictures and hats in green ones."""

    name = "red-and-green"
    dimensions = 2

    def encode_images(self, images):
        pixels = [np.array(image.getpixel((0, 0))[:2], np.float32) for image in images]
        return np.array([pixel / np.linalg.norm(pixel) for pixel in pixels], np.float32).reshape(-1, 2)

    def encode_texts(self, texts):
        return np.array([[1, 0] if "dress" in text or "robe" in text else [0, 1] for text in texts], np.float32)


@pytest.fixture(autouse=True)
def _encoder(monkeypatch):
    monkeypatch.setattr(evaluate_encoder, "load_named_encoder", lambda name: RedAndGreen())


@pytest.fixture
def shop(tmp_path):
    """A folder of eight pictures, one of a hat in the colour of dresses."""
    folder = tmp_path / "shop"
    for label, colors in {"Dress": ["#ff0000"] * 4, "Hat": ["#00ff00"] * 3 + ["#ff0000"]}.items():
        (folder / label).mkdir(parents=True)
        for number, color in enumerate(colors):
            Image.new("RGB", (4, 4), color).save(folder / label / f"{number}.png")
    return folder


def evaluate(*datasets, **options):
    call_command("evaluate_encoder", *map(str, datasets), verbosity=0, **options)


def test_it_prints_a_table(shop, capsys):
    evaluate(shop)
    printed = [re.sub(" +", " ", line) for line in capsys.readouterr().out.splitlines()]
    assert "### red-and-green on shop, test" in printed
    assert "| zero-shot, bare | 87.5% | 53%-98% | 8 pictures | |" in printed


def test_it_writes_the_figures_as_json(shop, tmp_path):
    evaluate(shop, json=tmp_path / "figures.json")
    written = json.loads((tmp_path / "figures.json").read_text())
    assert (written["encoder"], written["split"]) == ("red-and-green", "test")
    assert [dataset["name"] for dataset in written["datasets"]] == ["shop"]
    assert written["datasets"][0]["figures"][0] == {
        "figure": "zero-shot, bare",
        "value": 0.875,
        "low": pytest.approx(0.5291, abs=1e-4),
        "high": pytest.approx(0.9776, abs=1e-4),
        "n": 8,
        "unit": "pictures",
        "of_english": None,
    }


def test_it_measures_words_and_languages(shop, tmp_path, capsys):
    for number in (4, 5):
        Image.new("RGB", (4, 4), "#ff0000").save(shop / "Dress" / f"{number}.png")
    words, languages = tmp_path / "words.csv", tmp_path / "languages.csv"
    words.write_text("word,label,listed\nrobe,dress,no\n")
    languages.write_text(
        "lang,text,label,colour\nen,dress,dress,\nen,hat,hat,\nfr,robe,dress,\nfr,chapeau,hat,\nde,Kleid,dress,\nde,Hut,hat,\n"
    )
    evaluate(shop, words=words, languages=languages)
    printed = {line.split(" | ")[0].strip("| "): line.split("|")[2:6] for line in capsys.readouterr().out.splitlines()}
    cells = {name: [cell.strip() for cell in own] for name, own in printed.items()}
    assert cells["unlisted words P@5"][0] == "80.0%"
    assert (cells["en: zero-shot"][0], cells["en: zero-shot"][3]) == ("90.0%", "100%")
    assert (cells["fr: zero-shot"][0], cells["fr: zero-shot"][3]) == ("90.0%", "100%")
    assert (cells["de: zero-shot"][0], cells["de: zero-shot"][3]) == ("0.0%", "0%")


def test_several_data_sets_and_columns_of_other_names(shop, tmp_path, capsys):
    rows = ["file name,kind,what", *(f"shop/Dress/{number}.png,dress,Red dress {number}" for number in range(4))]
    (tmp_path / "list.csv").write_text("\n".join(rows))
    with pytest.raises(CommandError, match="--image-column: file name, kind, what"):
        evaluate(tmp_path / "list.csv")
    evaluate(tmp_path / "list.csv", image_column="file name", name_column="what", label_column="kind")
    assert "| name -> picture R@5 " in capsys.readouterr().out


def test_validation_is_asked_for_by_name(shop, tmp_path, capsys):
    with pytest.raises(CommandError, match="shop has no validation pictures, but 8 test"):
        evaluate(shop, split="validation")
    for split in ("validation", "test"):
        shutil.copytree(shop, tmp_path / "split" / split)
    (tmp_path / "split/validation/Hat/3.png").unlink()
    evaluate(tmp_path / "split", split="validation")
    printed = capsys.readouterr().out
    assert "### red-and-green on split, validation" in printed
    assert "| 7 pictures |" in printed


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"words": "nowhere.csv"}, "There is no nowhere.csv"),
        ({"languages": "nowhere.csv"}, "There is no nowhere.csv"),
        ({"json": "nowhere/figures.json"}, "There is no folder nowhere"),
    ],
)
def test_it_says_what_is_missing_before_it_begins(shop, options, complaint):
    with pytest.raises(CommandError, match=complaint):
        evaluate(shop, **{name: Path(value) for name, value in options.items()})


def test_it_says_when_there_is_no_such_data_set(tmp_path):
    with pytest.raises(CommandError, match=r"There is no .*nowhere"):
        evaluate(tmp_path / "nowhere")


def test_it_says_why_an_encoder_cannot_be_loaded(shop, monkeypatch):
    def fail(name):
        raise EncoderError(f"There is no {name}.")

    monkeypatch.setattr(evaluate_encoder, "load_named_encoder", fail)
    with pytest.raises(CommandError, match="There is no other"):
        evaluate(shop, encoder="other")


@pytest.mark.django_db
def test_it_evaluates_a_bundle_by_its_name(shop, monkeypatch, capsys):
    monkeypatch.undo()
    evaluate(shop, encoder=settings.ENCODER)
    printed = capsys.readouterr().out
    assert f"### {settings.ENCODER} on shop, test" in printed
    assert "| 8 pictures |" in printed


def test_it_says_when_there_is_nothing_to_measure(shop):
    shutil.rmtree(shop / "Hat")
    with pytest.raises(CommandError, match="shop has nothing to measure: it needs two labels, names or a gallery"):
        evaluate(shop)
