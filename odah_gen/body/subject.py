"""The body of a subject: the same wherever a stage asks for it."""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from odah_gen.body.model import BodyModel, find_body_model
from odah_gen.body.volume import mass_direction
from odah_gen.motion.amass import read_amass
from odah_gen.run import Run

SHAPE_LIMIT = 2.0


def subject_body(run: Run, subject: str) -> tuple[BodyModel, Float[np.ndarray, " betas"]]:
    """The body model for a subject's gender, and the subject's shape coefficients.

    The catalogue says where the shape comes from: the motion file, where its flavour and the body model agree, or a
    draw from the subject's own generator. A variant has the shape of the subject it is a variant of, moved towards more
    or less mass.

    Raises:
        InputError: the run has no such subject, or its body model or motion file cannot be read.
    """
    row, (first, offset) = run.row(run.clips_of(subject)[0]), run.variant(subject)
    model = find_body_model(run.config.body, str(row["gender"]))
    count = min(run.config.body.num_betas, model.num_betas)
    if row["betas_source"] == "file":
        found = read_amass(Path(str(row["source_file"]))).betas[:count]
        betas = np.pad(found, (0, count - len(found)))
    else:
        betas = draw_betas(run.generator(first, "shape"), count, run.config.motion.shape_sd)
    return model, betas + offset * mass_direction(model, count) if offset else betas


def draw_betas(generator: np.random.Generator, count: int, spread: float) -> Float[np.ndarray, " betas"]:
    """Normally distributed shape coefficients, kept within two standard deviations of the shape space."""
    return np.clip(generator.normal(0.0, spread, count), -SHAPE_LIMIT, SHAPE_LIMIT)
