"""``python -m harness.phantom.ceiling``: how well the diagnosis could be read at best, if the picture gave the latents away.

A reader who knew the seven latent numbers of a lesion exactly, and every distribution of the population, would decide by Bayes' rule.
Its balanced accuracy bounds any model from above; pictures blur the latents, so no model comes near.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.phantom.population import (
    AGE_MEAN,
    AGE_SPREAD,
    CLASS_SHARES,
    EVALUATION,
    HISTORIES,
    HISTORY_SHARES,
    LATENT_MEANS,
    LATENT_SPREAD,
    SAME_CONDITION,
    SITE_SHARES,
    SITES,
    draw_diagnosis,
    draw_patient,
)
from harness.phantom.scene import DIAGNOSES, Patient

Floats = NDArray[np.float64]

_PRIOR = np.array(CLASS_SHARES)


def text_likelihood(patient: Patient, history: str) -> Floats:
    """Return the probability of each class times that of the patient text, up to a factor, shape (5,)."""
    mean, spread = np.array(AGE_MEAN), np.array(AGE_SPREAD)
    leading = (
        np.exp(-((patient.age - mean) ** 2) / (2 * spread**2)) / spread * SITE_SHARES[:, SITES.index(patient.site)] * _PRIOR
    )
    shown = SAME_CONDITION * leading / leading.sum() + (1 - SAME_CONDITION) * _PRIOR
    likelihood: Floats = shown * HISTORY_SHARES[:, HISTORIES.index(history)]
    return likelihood


def latent_likelihood(latents: Floats | None) -> Floats:
    """Return the likelihood of each class given the latents (``None``: no lesion), up to a factor, shape (5,)."""
    if latents is None:
        return np.array([0.0, 0.0, 0.0, 0.0, 1.0])
    distance = (((latents - LATENT_MEANS) / LATENT_SPREAD) ** 2).sum(1)
    return np.append(np.exp(-distance / 2), 0.0)


def ceilings(pictures: int, seed: int = 0) -> dict[str, float]:
    """Return the best possible balanced accuracy from the latents, from latents and text, and from the text alone."""
    rng = np.random.default_rng(seed)
    right = np.zeros((len(DIAGNOSES), 3))
    seen = np.zeros(len(DIAGNOSES))
    for _ in range(pictures):
        patient, condition, _ = draw_patient(rng, "", EVALUATION)
        truth = DIAGNOSES.index(draw_diagnosis(rng, condition))
        history = HISTORIES[int(rng.choice(6, p=HISTORY_SHARES[truth]))]
        lesion = DIAGNOSES[truth] != "normal"
        picture = latent_likelihood(LATENT_MEANS[truth] + LATENT_SPREAD * rng.normal(size=7) if lesion else None)
        text = text_likelihood(patient, history)
        right[truth] += [int(x.argmax()) == truth for x in (picture * _PRIOR, picture * text, text)]
        seen[truth] += 1
    picture_alone, with_text, text_alone = (right / seen[:, None]).mean(0)
    return {"picture": float(picture_alone), "picture and text": float(with_text), "text": float(text_alone)}


if __name__ == "__main__":
    for source, value in ceilings(20_000).items():
        print(f"best balanced accuracy from {source:17} {value:.3f}")
