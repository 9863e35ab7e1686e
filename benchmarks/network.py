"""Time and memory of the network: a training step and a forward pass of each size, and processor against GPU.

    python benchmarks/network.py [--config paper …] [--device cuda|cpu] [--steps N] [--batch N] [--passes N]

On a processor the paper's size takes `--config paper --steps 1 --batch 1 --passes 2`: one step of two frames, a frame at a
time, their gradients summed; then one forward pass, and a step of the sequence network on features. Pictures and points are random: what is measured does not depend on them. Needs torch and numpy only, so that it also runs
where OpenSim and Blender are not. A training step has gradients and Adam; times are wall-clock means after one step that is
not counted, unless there is but one; processor seconds stand beside them where there is no GPU. On a GPU hourglasses and heads are in bfloat16, the rest in float32, as in `odah-net train`.
"""

import argparse
import resource
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
    parser.add_argument("--passes", type=int, default=1, metavar="N", help="whose gradients a step sums; default: 1")
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    name = torch.cuda.get_device_name() if device.type == "cuda" else "processor"
    print(f"torch {torch.__version__}, {name}")
    for config in arguments.config:
        measure(config, arguments.batch or BATCHES[config], device, arguments.steps, arguments.passes)


def measure(config: str, batch: int, device: torch.device, steps: int, passes: int) -> None:
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
    frames = f"batch {batch}" + (f" in each of {passes} passes" if passes > 1 else "")
    train = clock(training_step(encoder, lambda: encoder(*inputs), passes), steps, device)
    print(f"{config}, frame encoder, {frames}: training {told(train, batch * passes)} per frame{peak(device)}")
    with torch.no_grad():
        forward = clock(lambda: encoder(*inputs), steps, device)
    print(f"{config}, frame encoder, batch {batch}: forward {told(forward, batch)} per frame")
    sequence = SequenceNetwork(size).to(device)
    features = torch.randn(SEQUENCES, size.frames, FEATURES, device=device)
    train = clock(training_step(sequence, lambda: sequence(features).angles_rad), steps, device)
    print(f"{config}, sequence network: training {told(train, SEQUENCES)} per sequence of {size.frames}{peak(device)}")
    with torch.no_grad():
        forward = clock(lambda: sequence(features), steps, device)
    print(f"{config}, sequence network: forward {told(forward, SEQUENCES)} per sequence of {size.frames}")


def random_inputs(size: NetworkSize, batch: int) -> tuple[Tensor, Tensor, Tensor]:
    """Pictures, points and their places."""
    side, points = size.image_px, size.points
    return torch.randn(batch, 2, 3, side, side), torch.randn(batch, points, 3), 2 * torch.rand(batch, 2, points, 2) - 1


def training_step(network: nn.Module, output: Callable[[], Tensor], passes: int = 1) -> Callable[[], None]:
    """A step of Adam on the mean square of an output, its gradient summed over some passes."""
    adam = torch.optim.Adam([part for part in network.parameters() if part.requires_grad], 5e-5, (0.5, 0.999))

    def step() -> None:
        adam.zero_grad()
        for _ in range(passes):
            (output().square().mean() / passes).backward()
        adam.step()

    return step


def clock(step: Callable[[], object], steps: int, device: torch.device) -> tuple[float, float]:
    """Mean wall-clock and processor seconds of a step."""
    if steps > 1:
        step()
    wait(device)
    start, processor = time.monotonic(), time.process_time()
    for _ in range(steps):
        step()
    wait(device)
    return (time.monotonic() - start) / steps, (time.process_time() - processor) / steps


def told(seconds: tuple[float, float], parts: int) -> str:
    """Milliseconds for each of so many parts, in words."""
    wall, processor = (f"{1000 * each / parts:.3g}" for each in seconds)
    return f"{wall} ms" if torch.cuda.is_initialized() else f"{wall} ms (processor: {processor})"


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
    """The most memory so far of the GPU, or of this process where there is none, in words."""
    if device.type != "cuda":
        return f", {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.1f} GiB"
    gib = torch.cuda.max_memory_allocated() / 2**30
    torch.cuda.reset_peak_memory_stats()
    return f", {gib:.1f} GiB"


if __name__ == "__main__":
    main()
