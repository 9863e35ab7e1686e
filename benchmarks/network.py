"""Time and memory of the network: a training step and a forward pass of each size, and processor against GPU.

    python benchmarks/network.py [--config paper …] [--device cuda|cpu] [--steps N]

Pictures and points are random: what is measured does not depend on them. Needs torch and numpy only, so that it also runs
where OpenSim and Blender are not. A training step has gradients and Adam; times are wall-clock means after one step that is
not counted. On a GPU hourglasses and heads are in bfloat16, the rest in float32, as in `odah-net train`.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from torch import Tensor, nn

from odah_net.configuration import FEATURES, SIZES, NetworkSize
from odah_net.network.frame_encoder import FrameEncoder
from odah_net.network.model import SequenceNetwork

BATCHES = {"paper": 8, "code": 8, "medium": 32, "small": 64}
SEQUENCES = 2


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", nargs="+", choices=SIZES, default=["paper", "medium", "small"])
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--steps", type=int, default=5, metavar="N", help="steps that are timed; default: 5")
    parser.add_argument("--batch", type=int, metavar="N", help="frames at once; default: by size (paper: 8)")
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    name = torch.cuda.get_device_name() if device.type == "cuda" else "processor"
    print(f"torch {torch.__version__}, {name}")
    for config in arguments.config:
        measure(config, arguments.batch or BATCHES[config], device, arguments.steps)


def measure(config: str, batch: int, device: torch.device, steps: int) -> None:
    """One size: frame encoder, then the sequence network on features."""
    torch.manual_seed(0)
    size = SIZES[config]
    encoder, inputs = FrameEncoder(size), random_inputs(size, batch)
    if device.type == "cuda":
        print(
            f"{config}: features differ from the processor's by {difference(encoder, inputs, device):.2g} of the largest"
        )
    encoder = encoder.to(device)
    inputs = tuple(part.to(device) for part in inputs)
    train = clock(training_step(encoder, lambda: encoder(*inputs)), steps, device)
    with torch.no_grad():
        forward = clock(lambda: encoder(*inputs), steps, device)
    print(
        f"{config}, frame encoder, batch {batch}: training {1000 * train / batch:.3g}, "
        f"forward {1000 * forward / batch:.3g} ms per frame{peak(device)}"
    )
    sequence = SequenceNetwork(size).to(device)
    features = torch.randn(SEQUENCES, size.frames, FEATURES, device=device)
    step = training_step(sequence, lambda: sequence(features).angles_rad)
    print(f"{config}, sequence network: training {1000 * clock(step, steps, device) / SEQUENCES:.3g} ms per sequence")


def random_inputs(size: NetworkSize, batch: int) -> tuple[Tensor, Tensor, Tensor]:
    """Pictures, points and their places."""
    side, points = size.image_px, size.points
    return torch.randn(batch, 2, 3, side, side), torch.randn(batch, points, 3), 2 * torch.rand(batch, 2, points, 2) - 1


def training_step(network: nn.Module, output: Callable[[], Tensor]) -> Callable[[], None]:
    """A step of Adam on the mean square of an output."""
    adam = torch.optim.Adam([part for part in network.parameters() if part.requires_grad], 5e-5, (0.5, 0.999))

    def step() -> None:
        adam.zero_grad()
        output().square().mean().backward()
        adam.step()

    return step


def clock(step: Callable[[], object], steps: int, device: torch.device) -> float:
    """Mean seconds of a step."""
    step()
    wait(device)
    start = time.monotonic()
    for _ in range(steps):
        step()
    wait(device)
    return (time.monotonic() - start) / steps


def wait(device: torch.device) -> None:
    """Let the GPU finish."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def difference(encoder: FrameEncoder, inputs: tuple[Tensor, ...], device: torch.device) -> float:
    """Largest difference between the features that processor and GPU compute for one frame, over their largest value."""
    one = tuple(part[:1] for part in inputs)
    with torch.no_grad():
        expected = encoder(*one)
        found = encoder.to(device)(*(part.to(device) for part in one)).cpu()
    encoder.to("cpu")
    return float((found - expected).abs().max() / expected.abs().max())


def peak(device: torch.device) -> str:
    """The most memory of the GPU so far, in words."""
    if device.type != "cuda":
        return ""
    gib = torch.cuda.max_memory_allocated() / 2**30
    torch.cuda.reset_peak_memory_stats()
    return f", {gib:.1f} GiB"


if __name__ == "__main__":
    main()
