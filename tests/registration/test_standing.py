"""Offsets with which a body stands where the skeleton does."""

import numpy as np
import torch

from odah_gen.registration.fit_frames import marker_offsets
from odah_gen.registration.points import pose_points, shape_points
from odah_gen.registration.standing import standing_offsets


def test_displaced_markers_stand_at_the_given_places(subject):
    """Any places, on any shape: the displacement at rest turns with the skin into the static trial."""
    generator = np.random.default_rng(5)
    body, betas, trans = subject.body, generator.standard_normal(16), np.array([[0.3, -0.2, 1.0]])

    def stand(offsets):
        shaped = shape_points(body.points, torch.as_tensor(betas), marker_offsets(body, offsets))
        return pose_points(shaped, body.static_rotations[None], torch.as_tensor(trans)).positions[0, : body.markers]

    wanted = stand(np.zeros((body.markers, 3))).numpy() + 0.01 * generator.standard_normal((body.markers, 3))
    found = standing_offsets(body, betas, trans, wanted)
    np.testing.assert_allclose(stand(found), wanted, atol=1e-9)


def test_a_marker_on_its_vertex_needs_no_offset(subject):
    body, betas, trans = subject.body, np.zeros(16), np.zeros((1, 3))
    shaped = shape_points(body.points, torch.zeros(16, dtype=torch.float64))
    skin = pose_points(shaped, body.static_rotations[None], torch.zeros(1, 3, dtype=torch.float64)).positions[0]
    np.testing.assert_allclose(standing_offsets(body, betas, trans, skin[: body.markers].numpy()), 0.0, atol=1e-12)
