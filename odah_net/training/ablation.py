"""The paper's ablations: the same training with less data or fewer losses, each held against the same test set."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from odah_gen.errors import InputError
from odah_gen.skeleton.skeleton import Skeleton
from odah_gen.storage import atomic, write_json
from odah_net.data.clips import open_clips
from odah_net.evaluation.evaluate import ROWS, evaluate
from odah_net.training.checkpoint import read_checkpoint
from odah_net.training.plan import Length, Plan
from odah_net.training.run import CHECKPOINT, train
from odah_net.training.samples import Machine

FEWER_LOSSES = {"angles and scales": {"limits": False, "points": False}, "and limits": {"points": False}}
SHOWN = ("mae_all_deg", "pa_mpjpe_mm", "pa_mpjve_mm_per_s")
WHOLE = "everything"


def variants(plan: Plan, subjects: Sequence[str], counts: Sequence[int]) -> dict[str, Plan]:
    """Plans by name: all data and losses; fewer subjects; fewer losses.

    Args:
        plan: of the whole.
        subjects: of the training set; fewer are the first ones of these.
        counts: how many subjects; the whole number is trained anyhow.

    Raises:
        InputError: there are not so many subjects.
    """
    impossible = [count for count in counts if not 1 <= count <= len(subjects)]
    if impossible:
        raise InputError(f"--counts {impossible[0]}: the data set has {len(subjects)} subjects. Choose from 1 to that.")
    fewer = {
        f"{count} subject{'s' if count > 1 else ''}": dataclasses.replace(plan, subjects=tuple(subjects[:count]))
        for count in sorted({*counts} - {len(subjects)})
    }
    losses = {name: dataclasses.replace(plan.terms, **without) for name, without in FEWER_LOSSES.items()}
    return {WHOLE: plan, **fewer, **{name: dataclasses.replace(plan, terms=terms) for name, terms in losses.items()}}


def ablate(
    data: Path,
    test: Path,
    out: Path,
    plan: Plan,
    length: Length,
    machine: Machine,
    counts: Sequence[int] = (),
    unseen: Path | None = None,
    skeleton: Skeleton | None = None,
) -> dict[str, Any]:
    """Train and evaluate every variant; returns the methods' scores of each, and writes them to ablation.json.

    A variant goes on from its checkpoint, so that one that is finished is evaluated only.

    Args:
        data: to train on.
        test: to evaluate on.
        out: a folder for each variant stands here.
        plan: of the whole.
        length: of every variant; in steps, so that less data are not seen less often.
        machine: where.
        counts: numbers of subjects.
        unseen: for validation.
        skeleton: of generic size; read by OpenSim where it is not given.

    Raises:
        InputError: the data cannot be used, or `out` holds variants of another plan, length or training set.
    """
    subjects = sorted({clip.subject for clip in open_clips(data, plan.subjects or None, plan.views)})
    found = {}
    for name, variant in variants(plan, subjects, counts).items():
        folder = out / name.replace(" ", "-")
        best = train(data, folder, variant, length, machine, (folder / CHECKPOINT).is_file(), skeleton, unseen)
        report = evaluate(read_checkpoint(best), test, folder, None, machine.device, machine.workers, curves=0)
        found[name] = report["methods"]
    write_json(out / "ablation.json", found)
    with atomic(out / "ablation.txt") as temporary:
        temporary.write_text(ablation_table(found))
    return found


def ablation_table(found: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    """The scores as text, a line for each variant and method."""
    width = max(map(len, found))
    lines = ["".join([f"{'':<{width + 12}}", *(f"{ROWS[score]:>28}" for score in SHOWN)])]
    for name, methods in found.items():
        for method, scores in methods.items():
            cells = [f"{scores[score]:28.3g}" for score in SHOWN]
            lines.append("".join([f"{name:<{width}}  {method:<10}", *cells]))
    return "\n".join(lines) + "\n"
