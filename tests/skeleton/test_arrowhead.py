"""Systems of limbs and a trunk against dense ones."""

import numpy as np
import pytest
import torch

from odah_gen.skeleton.arrowhead import PADDING, Arrowhead, arranged
from odah_gen.skeleton.marker_problem import descendants
from odah_gen.skeleton.worker import call
from tests.skeleton.dense_matrices import dense

FRAMES = 5


def random_tree(random, count):
    """Which coordinates of a random tree move which, or are moved; from root to leaf."""
    parents = [-1, *(int(random.integers(max(0, k - 4), k)) for k in range(1, count))]
    above = np.eye(count, dtype=bool)
    for child, parent in enumerate(parents):
        if parent >= 0:
            above[child] |= above[parent]
    return above | above.T


def drawn(random, pattern, related):
    """Random matrices that are positive and have the pattern's zeros; ones on the diagonal where it is padded."""
    count = len(pattern.order)
    root = torch.tensor(random.normal(size=(FRAMES, count, count)))
    real = pattern.order != PADDING
    mask = np.pad(related, ((0, 1), (0, 1)))[pattern.order[:, None], pattern.order]
    full = torch.where(torch.as_tensor(mask), (root + root.mT) / 2, 0.0)
    full = full + torch.diag(torch.as_tensor(np.where(real, 3.0 * count, 1.0)))
    (limbs, length), ties = pattern.limbs.shape, pattern.limbs.size
    blocks = full[:, :ties, :ties].unflatten(1, (limbs, length)).unflatten(3, (limbs, length))
    blocks = blocks.diagonal(dim1=1, dim2=3).permute(0, 3, 1, 2)
    return Arrowhead(blocks.tril(), full[:, :ties, ties:], full[:, ties:, ties:].tril()), full


@pytest.mark.parametrize("seed", range(8))
def test_any_tree_is_solved_as_a_dense_system(seed):
    random = np.random.default_rng(seed)
    related = random_tree(random, int(random.integers(1, 25)))
    pattern = arranged(related)
    matrices, full = drawn(random, pattern, related)
    right = torch.tensor(random.normal(size=(FRAMES, len(pattern.order))))
    assert sorted(pattern.order[pattern.order != PADDING]) == list(range(len(related)))
    np.testing.assert_array_equal(dense(matrices), full)
    found, positive = matrices.solve(right)
    assert positive.all()
    np.testing.assert_allclose(found, torch.linalg.solve(full, right), atol=1e-10)
    more = torch.tensor(random.uniform(0, 5, right.shape))
    found, _ = matrices.plus(more).solve(right)
    np.testing.assert_allclose(found, torch.linalg.solve(full + torch.diag_embed(more), right), atol=1e-10)


@pytest.mark.parametrize("place", [0, -1])
def test_a_matrix_that_is_not_positive_is_told(place):
    related = random_tree(np.random.default_rng(1), 15)
    pattern = arranged(related)
    matrices, _ = drawn(np.random.default_rng(1), pattern, related)
    less = torch.zeros(FRAMES, len(pattern.order), dtype=torch.float64)
    less[2, place] = -1000.0
    _, positive = matrices.plus(less).solve(torch.ones_like(less))
    assert positive.tolist() == [True, True, False, True, True]


def test_arms_and_legs_are_limbs(generic):
    """Pelvis and lumbar joint tie two legs and two arms together."""
    skeleton = call("read_skeleton", text=generic)
    below = descendants(skeleton)
    names = [name for name in skeleton.coordinate_names if not name.endswith("beta")]
    bodies = [body_of(skeleton, name) for name in names]
    order = sorted(range(len(names)), key=lambda k: below[:, bodies[k]].sum())
    related = below[np.ix_([bodies[k] for k in order], [bodies[k] for k in order])]
    pattern = arranged(related | related.T)
    trunk = {names[order[k]].split("_")[0] for k in pattern.trunk}
    assert trunk == {"pelvis", "lumbar"}
    assert len(pattern.limbs) == 4


def body_of(skeleton, name):
    coordinate = skeleton.coordinate_names.index(name)
    joint = int(np.nonzero(skeleton.axis_coordinates == coordinate)[0][0])
    return int(skeleton.joint_children[joint])
