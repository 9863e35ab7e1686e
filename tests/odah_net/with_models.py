"""Scaled models for a drawn data set, as `odah-gen export` puts them beside the clips."""

from pathlib import Path

import numpy as np

from odah_gen.skeleton.worker import call
from odah_net.data.clips import open_clips, subject_model

MASS_KG = 70.0


def write_models(folder: Path, generic_text: str) -> None:
    """model.osim of each subject; labels name their bodies, as real ones do."""
    for clip in open_clips(folder):
        bodies = [str(name) for name in call("read_skeleton", text=generic_text).body_names]
        factors = dict(zip(bodies, clip.labels["scales"].tolist()))
        text = call(
            "apply_scales", text=generic_text, factors=factors, mass_kg=MASS_KG, names=(), offsets_m=np.zeros((0, 3))
        )
        subject_model(clip).parent.mkdir(parents=True)
        subject_model(clip).write_text(text)
