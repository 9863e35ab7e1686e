"""Structured solvers against dense ones, and Levenberg-Marquardt on a curve."""

from dataclasses import dataclass

import numpy as np
import torch

from odah_gen.registration.least_squares import acceleration_couplings, minimise, solve_arrow, solve_banded


def dense_of_couplings(couplings: torch.Tensor) -> np.ndarray:
    """The matrix that couplings stand for."""
    lags, frames, size = couplings.shape
    matrix = np.zeros((frames * size, frames * size))
    for lag in range(lags):
        for frame in range(frames - lag):
            for unknown in range(size):
                one, other = frame * size + unknown, (frame + lag) * size + unknown
                matrix[one, other] = matrix[other, one] = couplings[lag, frame, unknown]
    return matrix


def test_acceleration_couplings_are_the_gram_matrix_of_second_differences():
    weights = torch.tensor([1.0, 3.0], dtype=torch.float64)
    for frames in (1, 2, 3, 4, 7):
        second = np.zeros((max(frames - 2, 0) * 2, frames * 2))
        for row in range(max(frames - 2, 0)):
            for unknown, weight in enumerate(weights):
                for lag, factor in enumerate((1, -2, 1)):
                    second[row * 2 + unknown, (row + lag) * 2 + unknown] = weight * factor
        assert np.allclose(dense_of_couplings(acceleration_couplings(frames, weights)), second.T @ second)


def test_banded_solution_equals_the_dense_one():
    generator = np.random.default_rng(0)
    frames, size = 6, 3
    half = generator.standard_normal((frames, size, size))
    blocks = half @ half.transpose(0, 2, 1) + np.eye(size)
    couplings = acceleration_couplings(frames, torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64))
    gradient = generator.standard_normal((frames, size))
    matrix = dense_of_couplings(couplings)
    for frame in range(frames):
        part = slice(frame * size, (frame + 1) * size)
        matrix[part, part] += blocks[frame]
    matrix += 0.1 * np.diag(np.diag(matrix))
    found = solve_banded(torch.as_tensor(blocks), couplings, torch.as_tensor(gradient), 0.1)
    assert np.allclose(found.numpy().ravel(), np.linalg.solve(matrix, -gradient.ravel()))


def test_arrow_solution_equals_the_dense_one():
    generator = np.random.default_rng(1)
    rows, frames, size, shared = 9, 4, 3, 2
    own, common = generator.standard_normal((frames, rows, size)), generator.standard_normal((frames, rows, shared))
    jacobian = np.zeros((frames * rows, frames * size + shared))
    for frame in range(frames):
        jacobian[frame * rows : (frame + 1) * rows, frame * size : (frame + 1) * size] = own[frame]
        jacobian[frame * rows : (frame + 1) * rows, frames * size :] = common[frame]
    residual = generator.standard_normal(frames * rows)
    normal = jacobian.T @ jacobian
    normal += 0.2 * np.diag(np.diag(normal))
    expected = np.linalg.solve(normal, -jacobian.T @ residual)
    a, b, r = torch.as_tensor(own), torch.as_tensor(common), torch.as_tensor(residual.reshape(frames, rows))
    per_frame, together = solve_arrow(
        a.transpose(1, 2) @ a,
        a.transpose(1, 2) @ b,
        torch.einsum("tva,tvb->ab", b, b),
        torch.einsum("tvu,tv->tu", a, r),
        torch.einsum("tvs,tv->s", b, r),
        0.2,
    )
    assert np.allclose(np.concatenate([per_frame.numpy().ravel(), together.numpy()]), expected)


@dataclass(frozen=True)
class Rosenbrock:
    """The banana valley, whose minimum 0 lies at (1, 1)."""

    def residuals(self, x):
        return torch.stack([10 * (x[1] - x[0] ** 2), 1 - x[0]])

    def cost(self, unknowns):
        return 0.5 * float(self.residuals(unknowns).square().sum())

    def linearise(self, unknowns):
        jacobian = torch.tensor([[-20 * unknowns[0], 10.0], [-1.0, 0.0]], dtype=torch.float64)
        return jacobian.T @ jacobian, jacobian.T @ self.residuals(unknowns)

    def step(self, equations, damping):
        matrix, gradient = equations
        return -torch.linalg.solve(matrix + damping * torch.diag(torch.diagonal(matrix)), gradient)

    def bound(self, unknowns):
        return unknowns


def test_minimise_follows_a_curved_valley_and_never_climbs():
    start = torch.tensor([-1.2, 1.0], dtype=torch.float64)
    solution = minimise(Rosenbrock(), start, 100, tolerance=1e-12)
    assert torch.allclose(solution.unknowns, torch.ones(2, dtype=torch.float64), atol=1e-5)
    costs = [minimise(Rosenbrock(), start, count, tolerance=0.0).cost for count in (1, 2, 4, 8)]
    assert costs == sorted(costs, reverse=True)
