"""What a training run was begun with besides its plan: on which clips, and for how long."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from odah_net.training.plan import FRAME, SEQUENCE, Plan


@dataclass(frozen=True)
class Begun:
    """What has to stay the same when a run goes on.

    Attributes:
        steps: of each stage.
        clips: ids of those that are trained on.
        unseen: ids of those for validation; none without.
    """

    steps: Mapping[str, int]
    clips: tuple[str, ...]
    unseen: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain data for a checkpoint."""
        return {"steps": dict(self.steps), "clips": list(self.clips), "unseen": list(self.unseen)}

    @staticmethod
    def from_dict(content: Mapping[str, Any]) -> "Begun":
        """What a checkpoint says."""
        return Begun(content["steps"], tuple(content["clips"]), tuple(content["unseen"]))

    def differences(self, before: "Begun", plan: Plan, stage: str, step: int) -> list[str]:
        """What a run that has come to a step of a stage was begun with otherwise, in words.

        A stage that has not begun may get any length; the one that it is in may grow, unless the rate follows a cosine,
        whose every step depends on the length.
        """
        found = [
            f"{option} was a data set of {len(was)} clips and is another one of {len(now)}"
            for option, was, now in (("--data", before.clips, self.clips), ("--val", before.unseen, self.unseen))
            if was != now
        ]
        for name in (FRAME,) if stage == FRAME else (FRAME, SEQUENCE):
            was, now = before.steps[name], self.steps[name]
            grows = name == stage and plan.schedule == "constant" and now >= step
            if was != now and not grows:
                found.append(f"the {name} stage had {was} steps and has {now}")
        return found
