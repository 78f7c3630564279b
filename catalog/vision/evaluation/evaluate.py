"""The figures of an encoder on a data set, from its files."""

from collections.abc import Callable, Sequence

from catalog.vision.encoder import Encoder
from catalog.vision.evaluation.datasets import Dataset
from catalog.vision.evaluation.figures import Figure, Phrase, Word, measure
from catalog.vision.evaluation.pictures import DatasetError, MeasureColor, see


def evaluate(
    encoder: Encoder,
    dataset: Dataset,
    *,
    split: str,
    measure_color: MeasureColor,
    words: Sequence[Word] = (),
    phrases: Sequence[Phrase] = (),
    on_progress: Callable[[int], object],
) -> list[Figure]:
    """Return an encoder's figures on a split, "validation" or "test"; neighbours are those of the splits before it.

    `on_progress` is told how many more of `count_pictures` were read. Raises DatasetError when the split is empty, a
    file is no picture or nothing can be measured.
    """
    seen = see(dataset.of_split(split), encoder, measure_color=measure_color, on_progress=on_progress)
    references = see(dataset.before(split), encoder, on_progress=on_progress)
    gallery = see(dataset.gallery, encoder, on_progress=on_progress)
    figures = measure(
        seen,
        encoder.encode_texts,
        classes=dataset.classes,
        references=references,
        gallery=gallery,
        words=words,
        phrases=phrases,
    )
    if not figures:
        raise DatasetError(f"{dataset.name} has nothing to measure: it needs two labels, names or a gallery.")
    return figures


def count_pictures(dataset: Dataset, split: str) -> int:
    """Return how many pictures are read to evaluate on a split; raise DatasetError when it is empty."""
    return sum(len(pictures) for pictures in (dataset.of_split(split), dataset.before(split), dataset.gallery))
