"""AMASS files of the tests' own making."""

from typing import Any

import numpy as np


def amass_arrays(columns: int = 156, frames: int = 40) -> dict[str, Any]:
    """A person who turns and walks, upright in AMASS's Z-up frame, in either flavour."""
    generator = np.random.default_rng(5)
    poses = generator.normal(0, 0.02, (frames, columns))
    poses[:, 0] += np.pi / 2
    poses[:, 3] += 0.4 * np.sin(np.linspace(0, 3, frames))
    trans = np.stack([np.linspace(2.0, 2.6, frames), np.full(frames, -1.0), np.full(frames, 1.3)], axis=1)
    arrays = {"poses": poses, "trans": trans, "betas": generator.normal(0, 1, 16), "gender": np.array("female")}
    rate = {"mocap_framerate": 120.0} if columns == 156 else {"mocap_frame_rate": 120.0, "surface_model_type": "smplx"}
    return {**arrays, **rate}
