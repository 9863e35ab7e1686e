"""A woman who walks four tenths of a second, through all stages up to the fit, and what is needed to measure her."""

from dataclasses import dataclass

import pytest

from odah_gen.body.markers_stage import write_markers
from odah_gen.config import from_mapping
from odah_gen.fidelity.measure import FinalBody, Label
from odah_gen.fidelity.mesh import Watched
from odah_gen.fidelity.stage import read_body, read_label, read_standing, watched_points
from odah_gen.fidelity.standing import Standing
from odah_gen.motion.catalogue import create_run
from odah_gen.motion.stage import write_motion
from odah_gen.registration.fit_stage import fit_clip, fit_subject
from odah_gen.run import Run
from odah_gen.skeleton.ik_stage import solve_clip
from odah_gen.skeleton.scale_stage import scale_subject

WALK = {
    "run": "walk",
    "fps": 60,
    "motion": {
        "actions": ["walking"],
        "subjects": 1,
        "clips_per_subject": 1,
        "duration_s": 0.4,
        "genders": ["female"],
        "shape_sd": 0.0,
    },
    "ik": {"check_frames": 0},
    "fit": {"shape_frames": 4},
}


@dataclass(frozen=True)
class Walk:
    """A run of one clip."""

    run: Run

    @property
    def clip_id(self) -> str:
        return str(self.run.clips.index[0])

    @property
    def subject(self) -> str:
        return str(self.run.clips["subject"].iloc[0])

    def fit(self) -> None:
        fit_subject(self.run, self.subject)
        fit_clip(self.run, self.clip_id)

    def label(self, watched: Watched) -> Label:
        return read_label(self.run.clip(self.clip_id), watched)

    def body(self) -> FinalBody:
        return read_body(self.run.clip(self.clip_id), self.run.subject(self.subject))


@pytest.fixture(scope="session")
def walk(tmp_path_factory) -> Walk:
    run = create_run(from_mapping(WALK), tmp_path_factory.mktemp("results") / "walk")
    walk = Walk(run)
    write_motion(run, walk.clip_id)
    write_markers(run, walk.clip_id)
    scale_subject(run, walk.subject)
    solve_clip(run, walk.clip_id)
    walk.fit()
    return walk


@pytest.fixture(scope="session")
def watched(walk) -> Watched:
    return watched_points(walk.run, walk.clip_id)


@pytest.fixture(scope="session")
def standing(walk, watched) -> Standing:
    found = read_standing(walk.run, walk.run.subject(walk.subject), watched)
    assert found is not None
    return found
