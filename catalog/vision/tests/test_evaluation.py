import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from catalog.vision.evaluation.colors import measure_color, measure_palette_color
from catalog.vision.evaluation.datasets import read_dataset, read_phrases, read_words
from catalog.vision.evaluation.evaluate import count_pictures, evaluate
from catalog.vision.evaluation.figures import Phrase, Word, measure
from catalog.vision.evaluation.measures import Rate, neighbours_vote, others_vote, precision, recall, zero_shot
from catalog.vision.evaluation.pictures import DatasetError, Picture, Seen
from catalog.vision.tests.pictures import disc

X, Y, Z = np.eye(3, dtype=np.float32)
NEAR_X = np.array([0.8, 0.6, 0], np.float32)

LISTS = Path(__file__).parents[3] / "training" / "evaluation"


def rows(*vectors):
    return np.array(vectors, np.float32)


def test_zero_shot_counts_pictures_nearest_to_the_text_of_their_label():
    assert zero_shot(rows(X, NEAR_X, Y), ["hat", "shoe", "shoe"], classes=["hat", "shoe"], texts=rows(X, Y)) == Rate(
        pytest.approx(2 / 3), 3
    )


def test_vectors_that_are_all_alike_find_nothing():
    same = rows(X, X, X)
    assert zero_shot(same, list("abc"), classes=list("abc"), texts=same).value == 0
    assert recall(same, list("abc"), candidates=same, keys=list("abc"), k=2).value == 0
    assert precision(same, list("abc"), candidates=same, keys=list("abc"), k=2).value == 0


def test_the_nearest_neighbour_gives_its_label():
    rate = neighbours_vote(rows(X, Y), ["hat", "hat"], references=rows(X, Y), reference_labels=["hat", "shoe"], k=1)
    assert rate == Rate(0.5, 2)


def test_two_near_neighbours_outvote_a_nearer_one_and_two_far_ones_do_not():
    near = {"references": rows(X, NEAR_X, NEAR_X), "reference_labels": ["hat", "shoe", "shoe"], "k": 3}
    between = rows(X + NEAR_X) / np.linalg.norm(X + NEAR_X)
    assert neighbours_vote(between, ["shoe"], **near).value == 1
    assert neighbours_vote(rows(X), ["hat"], **near).value == 1


def test_a_picture_is_not_its_own_neighbour():
    assert others_vote(rows(X, NEAR_X, Y), ["hat", "hat", "shoe"], k=1) == Rate(pytest.approx(2 / 3), 3)


def test_a_label_that_no_reference_has_counts_as_wrong():
    assert neighbours_vote(rows(X), ["scarf"], references=rows(X), reference_labels=["hat"], k=1).value == 0


def test_recall_asks_for_one_right_candidate_among_the_nearest():
    candidates, keys = rows(X, NEAR_X, Y, Y), ["a", "b", "c", "b"]
    assert recall(rows(X, X), ["b", "c"], candidates=candidates, keys=keys, k=1) == Rate(0, 2)
    assert recall(rows(X, X), ["b", "c"], candidates=candidates, keys=keys, k=2) == Rate(0.5, 2)
    assert recall(rows(X, X), ["b", "c"], candidates=candidates, keys=keys, k=4) == Rate(1, 2)


def test_precision_is_the_mean_share_of_the_nearest():
    candidates, keys = rows(X, NEAR_X, Y, Z), ["a", "b", "a", "b"]
    assert precision(rows(X, Y), ["a", "b"], candidates=candidates, keys=keys, k=2) == Rate(0.5, 2)


def test_more_queries_than_a_block_are_all_counted():
    queries = np.tile(rows(X, Y), (1000, 1))
    assert recall(queries, ["a", "b"] * 1000, candidates=rows(X, Y), keys=["a", "b"], k=1) == Rate(1, 2000)
    assert others_vote(queries, ["a", "b"] * 1000, k=10) == Rate(1, 2000)


@pytest.mark.parametrize(
    # As in Newcombe, "Two-sided confidence intervals for the single proportion" (1998), table I, method 3.
    ("right", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_intervals_are_those_of_wilson(right, n, low, high):
    assert Rate(right / n, n).interval == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


class WordsAndColors:
    """An encoder that knows three kinds by the words for them, and sees them in the red, green and blue of a pixel."""

    name = "words-and-colors"
    dimensions = 3
    words = {"dress": X, "robe": X, "hat": Y, "chapeau": Y, "shoe": Z}

    def encode_images(self, images):
        pixels = [np.array(image.getpixel((image.width // 2, image.height // 2)), np.float32) for image in images]
        return np.array([pixel / np.linalg.norm(pixel) for pixel in pixels], np.float32).reshape(-1, 3)

    def encode_texts(self, texts):
        return rows(*(next(vector for word, vector in self.words.items() if word in text) for text in texts))


ENCODER = WordsAndColors()


def seen(*pictures):
    """Return pictures with vectors, as (vector, what is known)."""
    return Seen([Picture(Path("x.png"), **known) for _, known in pictures], rows(*(vector for vector, _ in pictures)))


def found(figures):
    """Return figures as {name: (value, n)}."""
    return {figure.name: (round(figure.rate.value, 3), figure.rate.n) for figure in figures}


def test_labels_give_zero_shot_and_neighbours():
    pictures = seen((X, {"label": "dress"}), (X, {"label": "dress"}), (Y, {"label": "hat"}), (X, {"label": "hat"}))
    assert found(measure(pictures, ENCODER.encode_texts)) == {
        "zero-shot, bare": (0.75, 4),
        "zero-shot, a photo of a": (0.75, 4),
        "1-NN": (0.5, 4),
        "10-NN": (0, 4),
    }
    references = seen((X, {"label": "dress"}), (Y, {"label": "hat"}))
    assert found(measure(pictures, ENCODER.encode_texts, references=references))["1-NN"] == (0.75, 4)


def test_what_is_none_of_the_classes_is_left_out():
    pictures = seen((X, {"label": "dress"}), (Y, {"label": "hat"}), (Z, {"label": "shoe"}), (Z, {}))
    figures = measure(pictures, ENCODER.encode_texts, classes=["dress", "hat"], references=pictures)
    assert found(figures)["zero-shot, bare"] == found(figures)["1-NN"] == (1, 2)


def test_colours_are_asked_for_with_their_kind_where_five_pictures_show_them_clearly():
    red = {"label": "dress", "color": "red"}
    pictures = seen(
        *[(X, red)] * 4,
        (NEAR_X, red),
        (X, {"label": "dress", "color": "blue"}),
        *[(Y, {"label": "hat", "color": "red", "color_share": 0.4})] * 4,
        (Y, {"label": "hat", "color": "red", "color_share": 0.39}),
    )
    figures = found(measure(pictures, ENCODER.encode_texts))
    assert figures["colour and type P@5"] == (0.8, 1)
    assert figures["of these the type"] == (1, 1)
    assert figures["of these the colour"] == (0.8, 1)


def test_names_find_any_picture_of_a_product_of_that_name():
    pictures = seen((X, {"name": "dress"}), (Y, {"name": "hat"}), (Z, {"name": "hat"}), (NEAR_X, {"name": "shoe"}))
    assert found(measure(pictures, ENCODER.encode_texts)) == {
        "name -> picture R@1": (0.75, 4),
        "name -> picture R@5": (1, 4),
        "name -> picture R@10": (1, 4),
    }


def test_a_photo_finds_the_gallery_picture_of_its_product():
    pictures = seen((X, {"product": "a"}), (NEAR_X, {"product": "b"}), (Z, {"product": "not in the gallery"}))
    gallery = seen((X, {"product": "a"}), (Y, {"product": "b"}))
    assert found(measure(pictures, ENCODER.encode_texts, gallery=gallery)) == {
        "photo -> gallery R@1": (0.5, 2),
        "photo -> gallery R@5": (1, 2),
        "photo -> gallery R@10": (1, 2),
    }


def test_words_are_reported_apart_by_whether_they_are_listed():
    pictures = seen(*[(X, {"label": "dress"})] * 5, *[(Y, {"label": "hat"})] * 5, (Z, {"label": "shoe"}))
    words = [
        Word("robe", "dress", listed=True),
        Word("robe", "hat", listed=False),
        Word("chapeau", "hat", listed=False),
        Word("robe", "shoe", listed=False),  # too few pictures
        Word("robe", "scarf", listed=True),  # none
    ]
    figures = found(measure(pictures, ENCODER.encode_texts, words=words))
    assert (figures["listed words P@5"], figures["unlisted words P@5"]) == ((1, 1), (0.5, 2))


def test_languages_are_compared_with_english():
    pictures = seen(*[(X, {"label": "dress", "color": "red"})] * 5, *[(Y, {"label": "hat"})] * 3, (Z, {"label": "hat"}))
    phrases = [
        Phrase("fr", "robe", "dress"),
        Phrase("fr", "shoe", "hat"),
        Phrase("en", "dress", "dress"),
        Phrase("en", "hat", "hat"),
        Phrase("it", "robe", "dress"),  # has no word for hats
        Phrase("fr", "chapeau rouge", "dress", "red"),
        Phrase("en", "red dress", "dress", "red"),
        Phrase("en", "red hat", "hat", "red"),  # there are none
    ]
    figures = measure(pictures, ENCODER.encode_texts, phrases=phrases)
    assert [
        (figure.name, round(figure.rate.value, 2), figure.rate.n, figure.of_english)
        for figure in figures
        if ":" in figure.name
    ] == [
        ("en: zero-shot", 0.89, 9, 1),
        ("fr: zero-shot", 0.67, 9, pytest.approx(0.75)),
        ("en: colour and type P@5", 1, 1, 1),
        ("fr: colour and type P@5", 0.2, 1, 0.2),
    ]


def draw(path, color="#c83228"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), color).save(path)


def write_csv(path, *lines):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(lines)
    return path


def test_a_folder_labels_its_pictures(tmp_path):
    draw(tmp_path / "Evening_Dress/more/1.png")
    draw(tmp_path / "T-Shirt/2.PNG")
    (tmp_path / "T-Shirt/notes.txt").write_text("none")
    dataset = read_dataset(tmp_path)
    assert (dataset.name, dataset.classes) == (tmp_path.name, ["evening dress", "t-shirt"])
    assert [(picture.path.name, picture.split) for picture in dataset.pictures] == [
        ("1.png", "test"),
        ("2.PNG", "test"),
    ]


def test_folders_of_splits_may_lie_above_the_labels(tmp_path):
    for split in ("train", "val", "test"):
        draw(tmp_path / split / "hat" / "1.png")
    draw(tmp_path / "train/shoe/1.png")
    dataset = read_dataset(tmp_path)
    assert dataset.classes == ["hat"]
    assert [picture.label for picture in dataset.of_split("validation")] == ["hat"]
    assert [(picture.split, picture.label) for picture in dataset.before("test")] == [
        ("train", "hat"),
        ("validation", "hat"),
    ]
    assert [picture.split for picture in dataset.before("validation")] == ["train"]


def test_the_usual_columns_of_a_csv_are_found(tmp_path):
    draw(tmp_path / "images/1.png")
    rows = (["Picture", "Category", "Title", "Split", "Colour"], ["1.png", "Hats", "Red hat", "dev", "Red"])
    (picture,) = read_dataset(write_csv(tmp_path / "shop.csv", *rows)).pictures
    assert picture == Picture(tmp_path / "images/1.png", "hats", "Red hat", "", "validation", "red")


def test_columns_can_be_named(tmp_path):
    draw(tmp_path / "1.png")
    (tmp_path / "shop.json").write_text(
        json.dumps([{"image": "no", "id": "1.png", "label": "x", "kind": "Hat", "n": None}])
    )
    dataset = read_dataset(tmp_path / "shop.json", columns={"image": "id", "label": "kind", "name": "n"})
    assert dataset.pictures == [Picture(tmp_path / "1.png", label="hat")]


def test_a_row_without_a_picture_is_missing_one(tmp_path):
    draw(tmp_path / "1.png")
    (tmp_path / "shop.json").write_text(json.dumps([{"image": "1.png", "label": "hat"}, {"label": "hat"}]))
    with pytest.raises(DatasetError, match="names 1 of 2 pictures that are not there"):
        read_dataset(tmp_path / "shop.json")


def describe(folder, *, more=""):
    description = folder / "described" / "fruit.toml"
    description.parent.mkdir(exist_ok=True)
    description.write_text(
        'file = "photos.csv"\nimage = "image"\nlabel = "coarse"\nproduct = "fine"\nhyphens_are_spaces = true\n' + more
    )
    return description


def test_a_description_says_everything(tmp_path):
    draw(tmp_path / "1.png")
    draw(tmp_path / "icons/lime.png")
    write_csv(
        tmp_path / "photos.csv", ["image", "coarse", "fine", "name"], ["1.png", "Red-Apple", "Ida-Red", "not asked"]
    )
    write_csv(tmp_path / "shop.csv", ["icon", "product"], ["icons/lime.png", "Lime"])
    gallery = '[gallery]\nfile = "shop.csv"\nimage = "icon"\nproduct = "product"\n'
    dataset = read_dataset(describe(tmp_path, more=gallery), data=tmp_path)
    assert dataset.name == "fruit"
    assert dataset.pictures == [Picture(tmp_path / "1.png", label="red apple", product="Ida-Red")]
    assert dataset.gallery == [Picture(tmp_path / "icons/lime.png", product="Lime")]


def test_a_description_in_need_of_its_data_says_how_to_give_them(tmp_path):
    with pytest.raises(
        DatasetError, match=r"There is no .*photos.csv. Name the folder that has photos.csv with --data"
    ):
        read_dataset(describe(tmp_path))


@pytest.mark.parametrize("more", ["lable = 'x'", "file ="])
def test_a_description_with_a_mistake_is_refused(tmp_path, more):
    write_csv(tmp_path / "photos.csv", ["image"], ["1.png"])
    with pytest.raises(DatasetError, match=r"fruit\.toml does not describe a data set: .*"):
        read_dataset(describe(tmp_path, more=more), data=tmp_path)


@pytest.mark.parametrize(
    ("text", "columns", "complaint"),
    [
        ("", {}, "has no rows"),
        ("picture,label\n", {}, "has no rows"),
        ("photo,label\n1.png,hat\n", {}, "Which column .* has the picture.* --image-column: photo, label"),
        ("image\n1.png\n", {"label": "kind"}, "has no column kind; it has image"),
        ("image\n1.png\n2.png\n", {}, "names 2 of 2 pictures that are not there: .*1.png"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(tmp_path, text, columns, complaint):
    (tmp_path / "shop.csv").write_text(text)
    with pytest.raises(DatasetError, match=complaint):
        read_dataset(tmp_path / "shop.csv", columns=columns)


@pytest.mark.parametrize("text", ["{", "{}", "[]", "[1]"])
def test_json_other_than_a_list_of_objects_is_refused(tmp_path, text):
    (tmp_path / "shop.json").write_text(text)
    with pytest.raises(DatasetError, match=r"shop\.json"):
        read_dataset(tmp_path / "shop.json")


def test_a_folder_without_labelled_pictures_is_refused(tmp_path):
    draw(tmp_path / "1.png")
    with pytest.raises(DatasetError, match="one folder for each label"):
        read_dataset(tmp_path)


def test_what_is_not_there_is_named(tmp_path):
    for read in (read_dataset, read_words, read_phrases):
        with pytest.raises(DatasetError, match="There is no nowhere"):
            read(Path("nowhere"))


def dataset_of_discs(folder):
    for split, label, color in (
        ("train", "dress", "#ff0000"),
        ("train", "hat", "#00ff00"),
        ("test", "dress", "#f01000"),
        ("test", "hat", "#10f000"),
    ):
        for number in range(5):
            draw(folder / split / label / f"{number}.png", color)
    return read_dataset(folder)


def test_a_data_set_is_evaluated_from_its_files(tmp_path):
    dataset = dataset_of_discs(tmp_path)
    done = []
    figures = evaluate(
        ENCODER, dataset, split="test", measure_color=lambda image: ("red", 1.0), on_progress=done.append
    )
    assert found(figures) == {
        "zero-shot, bare": (1, 10),
        "zero-shot, a photo of a": (1, 10),
        "1-NN": (1, 10),
        "10-NN": (1, 10),
        "colour and type P@5": (1, 2),
        "of these the type": (1, 2),
        "of these the colour": (1, 2),
    }
    assert sum(done) == count_pictures(dataset, "test") == 20


def test_an_empty_split_says_which_there_are(tmp_path):
    with pytest.raises(DatasetError, match="has no validation pictures, but 10 test, 10 train"):
        count_pictures(dataset_of_discs(tmp_path), "validation")


def test_a_picture_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "hat").mkdir()
    (tmp_path / "hat/1.png").write_text("no picture")
    with pytest.raises(DatasetError, match=r"hat/1\.png: This is no picture"):
        evaluate(ENCODER, read_dataset(tmp_path), split="test", measure_color=measure_color, on_progress=[].append)


@pytest.mark.parametrize("measure", [measure_color, measure_palette_color])
@pytest.mark.parametrize(
    ("color", "name"),
    [("#d81e2a", "red"), ("#141c40", "navy"), ("#1c1c1e", "black"), ("#2e8b45", "green"), ("#6b4226", "brown")],
)
def test_the_colour_of_a_disc_is_named_whatever_is_behind_it(measure, color, name):
    for background in ("white", "#b9d7f2"):
        found_name, share = measure(disc(color, background=background))
        assert found_name == name
        assert share > 0.8


def test_a_thing_like_its_background_has_the_colour_of_the_middle():
    assert measure_color(Image.new("RGB", (300, 200), "#f07818")) == ("orange", pytest.approx(1))


def test_the_lists_say_the_same_in_every_language():
    phrases = read_phrases(LISTS / "languages.csv")
    meanings = {
        lang: [(p.label, p.color) for p in phrases if p.lang == lang]
        for lang in ("en", "de", "fr", "es", "it", "pt", "nl")
    }
    assert sum(map(len, meanings.values())) == len(phrases)
    assert all(own == meanings["en"] for own in meanings.values())
    assert len({(phrase.lang, phrase.text) for phrase in phrases}) == len(phrases)


def test_the_words_are_for_labels_that_are_in_the_lists():
    labels = {phrase.label for phrase in read_phrases(LISTS / "languages.csv")}
    assert {word.label for word in read_words(LISTS / "synonyms.csv")} <= labels


def test_an_unlisted_word_is_nowhere_in_the_lexicon_that_is_trained_on():
    tables = [csv.DictReader(file.read_text().splitlines()) for file in (LISTS.parent / "lexicon").glob("*.csv")]
    lexicon = "|".join(row["en"] for table in tables for row in table).lower()
    unlisted = [word.word for word in read_words(LISTS / "synonyms.csv") if not word.listed]
    assert unlisted
    assert [word for word in unlisted if re.search(rf"\b{re.escape(word)}s?\b", lexicon)] == []
