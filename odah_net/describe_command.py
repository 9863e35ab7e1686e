"""`odah-net describe`: parameters of a network part by part, and floating-point operations of a forward pass."""

import argparse
import sys

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from odah_net.configuration import FEATURES, SIZES, NetworkSize, size_called
from odah_net.network.model import Network


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `odah-net describe`."""
    parser.epilog = "Nothing is computed or allocated: shapes alone are followed through the network."
    parser.add_argument("--config", default="paper", help=f"size: {', '.join(SIZES)} (default: paper)")


def main(arguments: argparse.Namespace) -> None:
    """Print the tables."""
    size = size_called(arguments.config)
    with torch.device("meta"):
        network = Network(size)
    for name, part in parts(network).items():
        sys.stdout.write(f"{name:<44}{parameters(part):>14,}\n")
    for name, flops in operations(network, size).items():
        sys.stdout.write(f"{name:<44}{flops / 1e9:>14,.1f} GFLOP\n")


def parts(network: Network) -> dict[str, nn.Module]:
    """The parts of a network by name."""
    frame, unet = network.frame, network.sequence.unet
    levels = {f"U-Net, encoder {number}": part for number, part in enumerate(unet.encoders, 1)}
    levels |= {f"U-Net, decoder {number}": part for number, part in zip((2, 1), unet.decoders)}
    rest = {
        "U-Net, embedding": unet.embed,
        "U-Net, down- and upsampling": nn.ModuleList([*unet.downs, *unet.ups]),
        "U-Net, joining and fusion": nn.ModuleList([unet.join, unet.fuse]),
    }
    return {
        "hourglasses": frame.hourglass,
        "local features": frame.heads,
        "point MLP": frame.point_mlp,
        "frame MLP": frame.frame_mlp,
        "frame encoder": frame,
        **levels,
        **rest,
        "U-Net": unet,
        "one set of scale factors": network.sequence.one_scale,
        "all": network,
    }


def parameters(module: nn.Module) -> int:
    """How many numbers a module has, those that do not learn too."""
    return sum(parameter.numel() for parameter in module.parameters())


def operations(network: Network, size: NetworkSize) -> dict[str, int]:
    """Floating-point operations of forward passes, two for each multiplication with addition."""
    side, points, views = size.image_px, size.points, 2
    inputs = [(1, views, 3, side, side), (1, points, 3), (1, views, points, 2)]
    frame = counted(network.frame, *inputs)
    return {
        "hourglasses, one picture": frame["FrameEncoder.hourglass"] // views,
        "frame encoder, both views of a frame": frame["Global"],
        f"refinement, a sequence of {size.frames} frames": counted(network.sequence, (1, size.frames, FEATURES))[
            "Global"
        ],
    }


def counted(module: nn.Module, *shapes: tuple[int, ...]) -> dict[str, int]:
    """Floating-point operations of a forward pass, of all (Global) and of each part by its name."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module(*(torch.empty(shape, device="meta") for shape in shapes))
    return {name: sum(counts.values()) for name, counts in counter.get_flop_counts().items()}
