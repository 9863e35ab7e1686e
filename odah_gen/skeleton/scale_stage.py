"""The scale stage: a subject's body in, an OpenSim model of the subject's size out."""

from odah_gen.body.layout import load_layout
from odah_gen.body.subject import subject_body
from odah_gen.body.volume import body_mass
from odah_gen.run import Run
from odah_gen.skeleton.anatomy import stature
from odah_gen.skeleton.static import static_with_centers
from odah_gen.skeleton.subject import scale_to_static
from odah_gen.skeleton.trc import read_trc, write_trc
from odah_gen.storage import atomic, read_json, write_json, write_npz


def scale_subject(run: Run, subject: str) -> None:
    """Write S/body.npz, S/static.trc, S/scales.json, S/scaling.json and S/model.osim, from the subject's body and all its C/markers.trc.

    The static trial holds the markers of the run's list and the virtual markers (joint centres, middles) that the
    Scale tool measured. Mass is the volume of the subject's mesh times the density of a body, spread over the bodies
    as in the generic model: it is not the subject's own inertia. With `shape.variant_skeleton: kept` a variant has the
    scale factors of the subject that it is a variant of, whose S/scales.json must be there.

    Raises:
        InputError: no such subject; markers of a clip are missing; an unfit own model or marker list; OpenSim failed.
    """
    folder = run.subject(subject)
    model, betas = subject_body(run, subject)
    layout = load_layout(run.config.skeleton.markers).on(model)
    static = static_with_centers(model, betas, layout)
    motions = [read_trc(run.clip(clip) / "markers.trc") for clip in run.clips_of(subject)]
    wanted, first = run.config.skeleton, run.skeleton_of(subject)
    kept = None if first == subject else read_json(run.subject(first) / "scales.json")
    scaled = scale_to_static(layout, static, body_mass(model, betas), wanted.locked, wanted.model, motions, kept)
    write_npz(folder / "body.npz", betas=betas, gender=model.gender, model=model.name)
    write_trc(folder / "static.trc", static)
    write_json(folder / "scales.json", scaled.scales)
    write_json(folder / "scaling.json", {"height_m": round(stature(model, betas), 4), **scaled.report})
    with atomic(folder / "model.osim") as temporary:
        temporary.write_text(scaled.text)
