"""`odah-net baseline`: what established methods find on the clips of a data set."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from odah_gen.errors import InputError
from odah_net.arguments import add_comparison_arguments, add_views_argument, check_at_least
from odah_net.baseline import inverse_kinematics, pose2sim
from odah_net.baseline.detections import Detector
from odah_net.baseline.report import clips_with_labels, report_of
from odah_net.data.clips import ClipData, open_clips
from odah_net.evaluation.evaluate import table
from odah_net.evaluation.methods import Track

TRIANGULATED, POSE2SIM = "triangulated", "pose2sim"
CALLED = {TRIANGULATED: inverse_kinematics.CALLED, POSE2SIM: pose2sim.CALLED}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `odah-net baseline`."""
    parser.epilog = (
        "Key points are the true ones, blurred and with some left out as told: no detector is run. docs/network.md says "
        "what each method is given, and defines the figures."
    )
    add_comparison_arguments(parser)
    add_views_argument(parser)
    parser.add_argument(
        "--method",
        choices=(TRIANGULATED, POSE2SIM),
        default=TRIANGULATED,
        help="inverse kinematics of the subject's own model, or Pose2Sim (default: triangulated)",
    )
    parser.add_argument(
        "--noise-px", type=float, nargs="+", default=[0.0], metavar="SD", help="noise; several give a column each"
    )
    parser.add_argument("--drop-out", type=float, default=0.0, metavar="SHARE", help="share of points a view misses")
    parser.add_argument("--seed", type=int, default=0, help="of noise and drop-out (default: 0)")
    parser.add_argument("--low-pass-hz", type=float, metavar="HZ", help="smooth the triangulated points (default: not)")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="write evaluation.json and pictures here"
    )


def main(arguments: argparse.Namespace) -> None:
    """Run the baseline, and print the table."""
    check(arguments)
    clips = clips_with_labels(open_clips(arguments.data, arguments.subjects, tuple(arguments.views)))
    found = {}
    for noise_px in arguments.noise_px:
        detector = Detector(noise_px, arguments.drop_out, arguments.seed)
        name = column_name(CALLED[arguments.method], noise_px, arguments.drop_out, arguments.low_pass_hz)
        found[name] = tracks(arguments, clips, detector)
    report = report_of(clips, found, arguments.out, arguments.curves, arguments.beside)
    sys.stdout.write(f"{report['clips']} clips, {report['frames']} frames\n{table(report['methods'])}")


def tracks(arguments: argparse.Namespace, clips: Sequence[ClipData], detector: Detector) -> list[Track]:
    """What the method finds on each clip."""
    if arguments.method == POSE2SIM:
        return pose2sim.tracks(clips, detector, arguments.out / "pose2sim")
    return inverse_kinematics.tracks(clips, detector, arguments.low_pass_hz)


def column_name(called: str, noise_px: float, drop_out: float = 0.0, low_pass_hz: float | None = None) -> str:
    """The method with what its key points suffer."""
    parts = [called, f"{noise_px:g} px"]
    if drop_out:
        parts.append(f"{100 * drop_out:g} % missed")
    if low_pass_hz:
        parts.append(f"{low_pass_hz:g} Hz")
    return ", ".join(parts)


def check(arguments: argparse.Namespace) -> None:
    """Refuse options that mean nothing.

    Raises:
        InputError: names the option.
    """
    check_at_least(0, arguments, "seed", "curves")
    if min(arguments.noise_px) < 0:
        raise InputError(f"--noise-px {min(arguments.noise_px):g}: noise is 0 or more pixels.")
    if not 0 <= arguments.drop_out < 1:
        raise InputError(f"--drop-out {arguments.drop_out:g}: a share from 0 to below 1 was expected.")
    if arguments.low_pass_hz is not None and arguments.method == POSE2SIM:
        raise InputError("--low-pass-hz: is for --method triangulated; Pose2Sim smooths by itself. Leave it out.")
