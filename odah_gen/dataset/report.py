"""The report of a run: pictures per clip, one HTML page, and the table that ends the demo."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from odah_gen.config import to_mapping
from odah_gen.dataset.overlay import write_contact_sheet, write_overlay
from odah_gen.dataset.schema import LABEL_ARRAYS, PICTURES, array_problems, expand_cameras, json_problems
from odah_gen.errors import InputError
from odah_gen.registration.regressor import load_regressor
from odah_gen.registration.regressor_plot import regressor_svg
from odah_gen.registration.store import regressor_file
from odah_gen.run import Run
from odah_gen.scene.cameras import read_cameras
from odah_gen.storage import atomic, read_json, read_npz

PACKAGES = ("odah-gen", "opensim", "torch", "numpy", "trimesh", "snakemake")
UNKNOWN = "–"
STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }
table { border-collapse: collapse; } .wide { overflow-x: auto; }
th, td { border-bottom: 1px solid #8886; padding: .25rem .7rem; text-align: right; }
th { vertical-align: bottom; } td { white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } .pass { color: #2a8a3a; } .fail { color: #c0392b; font-weight: 600; }
img { max-width: 100%; height: auto; border: 1px solid #8886; } svg { max-width: 100%; height: auto; background: #fff; } h2 { margin-top: 2.5rem; }
.right { color: #e07b00; } .left { color: #0096cc; } pre { overflow-x: auto; } ul { margin: .3rem 0; }
"""


@dataclass(frozen=True)
class Column:
    """A column of the figures: heading, where it stands in quality.json, and how it is written."""

    heading: str
    path: tuple[str, ...]
    form: str


FIGURES = (
    Column("IK marker RMS (mm)", ("ik", "marker_rms_mm"), ".1f"),
    Column("body fit (mm)", ("fit", "joint_center_mean_mm"), ".1f"),
    Column("render (s/frame)", ("render", "seconds_per_frame"), ".2f"),
)
MORE_FIGURES = (
    Column("IK marker max (mm)", ("ik", "marker_max_mm"), ".1f"),
    Column("IK against OpenSim (°)", ("ik", "opensim_difference_deg"), ".3f"),
    Column("body fit 95 % (mm)", ("fit", "joint_center_p95_mm"), ".1f"),
    Column("closed loop (°)", ("closed_loop", "angle_mean_deg"), ".2f"),
    Column("held-out points (°)", ("held_out", "angle_mean_deg"), ".2f"),
    Column("held-out points (mm)", ("held_out", "distance_mean_mm"), ".1f"),
    Column("segments (°)", ("segments", "rotation_mean_deg"), ".1f"),
    Column("hip, knee, ankle by skin (mm)", ("landmarks", "leg_worst_mm"), ".1f"),
    Column("valid frames (%)", ("valid_fraction",), ".1%"),
    Column("in mask (%)", ("in_mask_fraction",), ".1%"),
    Column("in picture (%)", ("in_frame_fraction",), ".1%"),
    Column("foot slide (m/s)", ("contact", "skate_m_per_s"), ".3f"),
    Column("below floor (mm)", ("contact", "penetration_mm"), ".1f"),
)


@dataclass(frozen=True)
class ClipSummary:
    """One line of the report: a clip, its frames, and quality.json (None until the clip is finished)."""

    clip_id: str
    frames: int
    quality: Mapping[str, Any] | None


def summaries(run: Run) -> list[ClipSummary]:
    """Every clip of the catalogue with its quality.

    Raises:
        InputError: a quality.json is not as its schema wants it.
    """
    found = []
    for clip_id, frames in zip(run.clips.index, run.clips["frames"]):
        path = run.clip(str(clip_id)) / "quality.json"
        found.append(ClipSummary(str(clip_id), int(frames), read_quality(path) if path.is_file() else None))
    return found


def read_quality(path: Path) -> dict[str, Any]:
    """Read and check quality.json of a clip.

    Raises:
        InputError: it is not as its schema wants it.
    """
    content: dict[str, Any] = read_json(path)
    problems = json_problems(content, path.name)
    if problems:
        raise InputError(f"{path}: {problems[0]}. Run the labels stage again.")
    return content


def cell(quality: Mapping[str, Any] | None, column: Column) -> str:
    """One figure as text; a dash where nothing was measured."""
    value: Any = quality
    for key in column.path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return UNKNOWN if value is None else format(value, column.form).rstrip("%")


def cells(summary: ClipSummary, columns: Sequence[Column]) -> list[str]:
    """A row of the figures: clip, frames, the columns, verdict."""
    verdict = "not finished" if summary.quality is None else str(summary.quality["verdict"])
    return [summary.clip_id, str(summary.frames), *(cell(summary.quality, column) for column in columns), verdict]


def figures_table(run: Run) -> str:
    """The table that ends the demo: per clip frames, marker RMS, body fit, seconds per frame and verdict."""
    rows = [["clip", "frames", *(column.heading for column in FIGURES), "verdict"]]
    rows += [cells(summary, FIGURES) for summary in summaries(run)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(
            text.ljust(width) if column == 0 else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths))
        )
        for row in rows
    ]
    return "\n".join(lines)


def write_pictures(run: Run, clip_id: str) -> None:
    """Write overlay.mp4 and contact_sheet.png of a clip, unless they are newer than its labels and videos.

    Raises:
        InputError: labels, cameras or videos are missing or damaged.
    """
    folder, names = run.clip(clip_id), run.config.camera.names
    if are_fresh(folder, names):
        return
    labels = read_npz(folder / "labels.npz")
    cameras = read_cameras(folder / "cameras.json", names)
    problems = array_problems(labels, expand_cameras(LABEL_ARRAYS, names))
    if problems:
        raise InputError(f"{folder / 'labels.npz'}: {problems[0]}. Run the labels stage again.")
    write_overlay(folder, labels, cameras, float(run.row(clip_id)["fps"]))
    write_contact_sheet(folder, len(labels["time_s"]), len(names))


def are_fresh(folder: Path, cameras: Sequence[str]) -> bool:
    """Whether a clip's pictures are there and newer than what they show."""
    sources = [folder / name for name in ("labels.npz", *(f"{camera}.mp4" for camera in cameras))]
    pictures = [folder / name for name in PICTURES]
    if not all(path.is_file() for path in sources + pictures):
        return False
    newest = max(path.stat().st_mtime_ns for path in sources)
    return all(path.stat().st_mtime_ns >= newest for path in pictures)


def write_report(run: Run) -> Path:
    """Write the pictures of every finished clip and report.html beside them; return the page's path.

    Raises:
        InputError: no clip is finished, or files of one are damaged.
    """
    clips = summaries(run)
    finished = [summary for summary in clips if summary.quality is not None]
    if not finished:
        raise InputError(f"{run.folder}: no clip is finished (quality.json). Run the workflow first.")
    for summary in finished:
        write_pictures(run, summary.clip_id)
    path = run.folder / "report.html"
    with atomic(path) as temporary:
        temporary.write_text(page(run, clips), encoding="utf-8")
    return path


def page(run: Run, clips: Sequence[ClipSummary]) -> str:
    """The whole page; pictures and videos are linked beside it."""
    title = f"Run {run.config.run}"
    passed = sum(summary.quality is not None and summary.quality["verdict"] == "pass" for summary in clips)
    return "\n".join(
        [
            '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>",
            f"<h1>{escape(title)}</h1>",
            f"<p>{passed} of {len(clips)} clips pass. Skeleton over the pictures: <span class='right'>right</span>, ",
            "<span class='left'>left</span>; a small dot is hidden by the body.</p>",
            html_table(clips),
            *(clip_section(summary, run.config.camera.names) for summary in clips if summary.quality is not None),
            regressor_section(run),
            "<h2>Versions and configuration</h2>",
            f"<p>{escape(versions(run, clips))}</p>",
            f"<details><summary>config.yaml</summary><pre>{escape(yaml.safe_dump(to_mapping(run.config), sort_keys=False))}</pre></details>",
            "</body></html>\n",
        ]
    )


def html_table(clips: Sequence[ClipSummary]) -> str:
    """All figures of all clips."""
    columns = FIGURES + MORE_FIGURES
    headings = ["clip", "frames", *(column.heading for column in columns), "verdict"]
    rows = ["<tr>" + "".join(f"<th>{escape(heading)}</th>" for heading in headings) + "</tr>"]
    for summary in clips:
        name, *figures, verdict = map(escape, cells(summary, columns))
        link = f"<a href='#{name}'>{name}</a>" if summary.quality is not None else name
        middle = "".join(f"<td>{figure}</td>" for figure in figures)
        rows.append(f"<tr><td>{link}</td>{middle}<td class='{verdict}'>{verdict}</td></tr>")
    return f"<div class='wide'><table>{''.join(rows)}</table></div>"


def clip_section(summary: ClipSummary, cameras: Sequence[str]) -> str:
    """One clip: why it failed, where coordinates stop at their limits, what of the body a camera misses, the contact
    sheet, links to the videos."""
    name, quality = escape(summary.clip_id), summary.quality or {}
    folder = f"clips/{name}"
    files = ("overlay.mp4", *(f"{camera}.mp4" for camera in cameras))
    links = [f"<a href='{folder}/{file}'>{file}</a>" for file in files]
    told = f"{limits_sentence(quality['ik'])} {frame_sentence(quality['in_frame'])}".rstrip()
    reasons = "".join(f"<li class='fail'>{escape(reason)}</li>" for reason in quality["reasons"])
    return "\n".join(
        [
            f"<h2 id='{name}'>{name}</h2>",
            f"<ul>{reasons}</ul>" if reasons else "",
            f"<p>{escape(told)} Videos: {', '.join(links)}.</p>",
            f"<a href='{folder}/overlay.mp4'><img loading='lazy' src='{folder}/contact_sheet.png' alt='frames of {name}'></a>",
        ]
    )


def limits_sentence(ik: Mapping[str, Any]) -> str:
    """Which coordinates reach an end of their range, how often, and which are there too often to go unread."""
    reached = sorted(((share, name) for name, share in ik["at_limit"].items() if share > 0), reverse=True)
    if not reached:
        return "No coordinate reaches a limit of its range."
    parts = ", ".join(f"{name} {100 * share:.0f} %" for share, name in reached)
    warning = f" Look at {', '.join(ik['pinned'])} in the overlay." if ik["pinned"] else ""
    return f"At a limit of their range, in this share of frames: {parts}.{warning}"


def frame_sentence(in_frame: Mapping[str, Mapping[str, float | None]]) -> str:
    """How much of the body each camera misses; nothing where all see all of it."""
    missed = {camera: 1 - shares["skin"] for camera, shares in in_frame.items() if shares["skin"] is not None}
    parts = [f"{camera} {100 * share:.1f} %" for camera, share in missed.items() if share > 0]
    return f"Outside the picture, of the skin on average: {', '.join(parts)}." if parts else ""


def regressor_section(run: Run) -> str:
    """How good the joint regressor is that the run used; nothing where its file has gone."""
    path = regressor_file(run)
    if not path.is_file():
        return ""
    return f"<h2>Joint regressor</h2><p>{escape(path.name)}: error on what training did not see.</p>{regressor_svg(load_regressor(path))}"


def versions(run: Run, clips: Sequence[ClipSummary]) -> str:
    """What made the run: packages, Python, Blender, and what drew."""
    parts = [f"{package} {version(package)}" for package in PACKAGES] + [f"Python {platform.python_version()}"]
    facts = [run.clip(summary.clip_id) / "render.json" for summary in clips]
    drawn = [read_json(path) for path in facts if path.is_file()]
    parts += sorted({f"Blender {entry['blender']} ({entry['engine']}, {entry['device']})" for entry in drawn})
    return ", ".join(parts) + "."
