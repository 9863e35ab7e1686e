"""The add-on's skinning in numpy is that of odah_gen in torch."""

import numpy as np
import torch

from blender_addon.skinning import blend, correctives, load_body, pose_joints
from odah_gen.body.model import BodyModel
from odah_gen.body.skinning import pose_body, shape_body

TOLERANCE_M = 1e-5


def test_every_vertex_is_where_torch_puts_it(model: BodyModel) -> None:
    rng = np.random.default_rng(0)
    poses, trans = rng.normal(size=(6, 165)) * 0.4, rng.normal(size=(6, 3))
    poses[0] = 0
    for betas in (rng.normal(size=16), rng.normal(size=5)):
        wanted = pose_body(shape_body(model, torch.tensor(betas)), torch.tensor(poses), torch.tensor(trans))
        body = load_body(model.path, betas)
        for frame in range(len(poses)):
            pose = pose_joints(body, poses[frame], trans[frame])
            found = blend(body.vertices + correctives(body, pose), body.weights, pose)
            assert np.abs(found - wanted.vertices[frame].numpy()).max() < TOLERANCE_M
