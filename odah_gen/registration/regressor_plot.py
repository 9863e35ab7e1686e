"""A picture of how far a joint regressor is off on what it was not trained on."""

import io

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from odah_gen.registration.regressor import JointErrors, JointRegressor

TITLES = {
    "bodies": "other bodies, against the skeleton",
    "poses": "other poses of the same bodies",
    "own": "other bodies, against the mesh's own joints",
    "alike": "the same, defined as the skeleton's",
}
MEAN_COLOUR, P95_COLOUR = "#0072b2", "#9ecae1"


def regressor_svg(regressor: JointRegressor) -> str:
    """Bars of every joint's error, mean and 95th percentile (mm), as the text of an <svg> element."""
    figure = Figure(figsize=(14, 5.5), layout="constrained")
    axes = figure.subplots(1, len(TITLES), sharex=True, sharey=True)
    for part, (kind, title) in zip(axes, TITLES.items()):
        draw_bars(part, regressor.joint_names, regressor.errors[kind])
        part.set_title(title, fontsize=10)
    axes[0].legend(fontsize=8, loc="lower right")
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    svg = text.getvalue()
    return svg[svg.index("<svg") :]


def draw_bars(part: Axes, names: tuple[str, ...], errors: JointErrors) -> None:
    """One bar per joint from the top, the mean before the 95th percentile."""
    rows = np.arange(len(names))
    part.barh(rows, errors.p95_mm, color=P95_COLOUR, label="95 %")
    part.barh(rows, errors.mean_mm, color=MEAN_COLOUR, height=0.5, label="mean")
    part.set_yticks(rows, names, fontsize=8)
    part.invert_yaxis()
    part.set_xlabel("mm")
    part.grid(axis="x", alpha=0.3)
