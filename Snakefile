# The whole chain: snakemake --cores 16 render_all
# Other runs: --configfile config/demo.yaml; where jobs run: profiles/.
from snakemake.utils import min_version

min_version("9.0")

if not workflow.overwrite_configfiles:

    configfile: "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/motion.smk"
include: "workflow/rules/markers.smk"
include: "workflow/rules/skeleton.smk"
include: "workflow/rules/registration.smk"
include: "workflow/rules/scene.smk"
include: "workflow/rules/drape.smk"
include: "workflow/rules/render.smk"
include: "workflow/rules/dataset.smk"


localrules:
    render_all,
    previews,


# Every file of a finished run is named here: Snakemake makes a lost file again only when somebody asks for it.
rule render_all:
    input:
        f"{RESULTS}/report.html",
        clip_files(*finished_clip_files(CAMERAS), *SIMULATED, *RENDERED, *PICTURES),
        subject_files(*SUBJECT_FILES),
    default_target: True


# Fitted body, skeleton and markers of every clip, to be looked at; renders nothing.
rule previews:
    input:
        clip_files(*PREVIEWS),
