"""What an encoder's scores are worth, found on pictures of known labels: a score of one means nothing in another.

An exclusive head is given the temperature at which it is as sure as it is right (Guo et al., "On calibration of modern
neural networks", 2017, section 4.2); any other a curve from scores to certainties (Platt 1999), and the certainty from
which on it is hardly ever wrong. Of a head that looks for what no ordinary product shows there are no examples: its
limit is what ordinary products reach.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from catalog.vision.heads import HEADS, Head
from catalog.vision.logistic import IGNORANT, fit_logistic
from catalog.vision.zero_shot import HeadCalibration, certainties_of, head_scores, softmax

# A merchant's pictures are harder than those we calibrate on, and show kinds of things that we have no word for: a head
# that is always right here may still be no surer than this.
MOST_CERTAIN = 0.9
# Of the labels that a picture lacks, so many may be suggested nevertheless.
FALSE_ALARMS = 0.01
# From here on a label is more likely right than wrong.
LIKELY = 0.5

# Of a label that scores all pictures alike, so that nothing is divided by 0.
LEAST_DEVIATION = 1e-6

TEMPERATURES = np.geomspace(0.001, 1, 301)


def calibrate_heads(
    word_vectors: NDArray[np.float32],
    pictures: NDArray[np.float32],
    labels: Sequence[Mapping[str, frozenset[str]]],
) -> dict[str, HeadCalibration]:
    """Return the calibration of every head from the vectors of pictures (n, dimensions) and their right labels.

    A head is fitted to the pictures that have a label of it, MODERATION to all: none may show anything amiss. A head
    that tells nothing here stays silent.
    """
    return {
        head.name: _calibrate(head, scores, _truth(head, labels))
        for head, scores in zip(HEADS, head_scores(pictures @ word_vectors.T), strict=True)
    }


def _calibrate(head: Head, scores: NDArray[np.float32], truth: NDArray[np.bool_]) -> HeadCalibration:
    """`scores` and `truth` are (n, labels); a picture without a right label is one that nothing is known of."""
    known = truth.any(axis=1)
    if head.ordinary:
        return _beyond_ordinary(scores)
    if not known.any():
        return _silent(head)
    if head.exclusive:
        return _with_temperature(scores[known], truth[known])
    return _with_curve(head, scores[known], truth[known])


def _truth(head: Head, labels: Sequence[Mapping[str, frozenset[str]]]) -> NDArray[np.bool_]:
    return np.array([[name in of_picture.get(head.name, ()) for name in head.label_names] for of_picture in labels])


def _with_temperature(scores: NDArray[np.float32], truth: NDArray[np.bool_]) -> HeadCalibration:
    """Find the temperature of the greatest likelihood, were a share of 1 - MOST_CERTAIN of the pictures mislabelled."""
    losses = []
    for temperature in TEMPERATURES:
        right = (softmax(scores / temperature) * truth).sum(axis=1).clip(1e-12, 1 - 1e-12)
        losses.append(-np.mean(MOST_CERTAIN * np.log(right) + (1 - MOST_CERTAIN) * np.log(1 - right)))
    slope = float(1 / TEMPERATURES[int(np.argmin(losses))])
    return HeadCalibration(slopes=(slope,) * scores.shape[1], offsets=(0.0,) * scores.shape[1], threshold=0.0)


def _with_curve(head: Head, scores: NDArray[np.float32], truth: NDArray[np.bool_]) -> HeadCalibration:
    """Fit one curve to all labels, each label's scores taken from what it scores on pictures that lack it.

    Some words lie nearer to all pictures than others do.
    """
    usual = (scores * ~truth).sum(axis=0) / (~truth).sum(axis=0).clip(1)
    curve = fit_logistic((scores - usual).ravel(), truth.ravel(), np.ones(truth.size), witnesses=len(truth))
    if curve == IGNORANT:
        return _silent(head)
    fitted = HeadCalibration(
        slopes=(curve.slope,) * len(usual),
        offsets=tuple(float(curve.offset - curve.slope * score) for score in usual),
    )
    wrong = certainties_of(head, scores, fitted)[~truth]
    threshold = max(LIKELY, float(np.quantile(wrong, 1 - FALSE_ALARMS)))
    return HeadCalibration(fitted.slopes, fitted.offsets, threshold)


def _silent(head: Head) -> HeadCalibration:
    return HeadCalibration(slopes=(0.0,) * len(head.labels), offsets=(0.0,) * len(head.labels), threshold=1.0)


def _beyond_ordinary(scores: NDArray[np.float32]) -> HeadCalibration:
    """Put the even chance one deviation beyond the most that an ordinary product scores."""
    deviations = scores.std(axis=0).astype(np.float64).clip(LEAST_DEVIATION)
    limits = scores.max(axis=0) + deviations
    return HeadCalibration(slopes=tuple(1 / deviations), offsets=tuple(-limits / deviations), threshold=LIKELY)
