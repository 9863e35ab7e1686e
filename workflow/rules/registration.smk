# The free body's regressor is shipped; this rule runs once for a user's body model, skeleton or marker list.
if not REGRESSOR.startswith(os.path.relpath(ASSETS)):

    # Its file is named by what body models, skeleton and marker list hold, so runs that share them share it, wherever
    # those files lie; of the configuration only the bank and the solver matter to it.
    rule regressor:
        output:
            REGRESSOR,
        params:
            settings={name: SETTINGS[name] for name in ("regressor", "ik")},
        log:
            "results/regressor/train.log",
        threads: 2
        shell:
            "odah-gen regressor train --run {RESULTS} --out {output} 2>&1 | tee {log} >&2"


rule fit_subject:
    input:
        clip_files_of_subject("keypoints.npz"),
        S + "body.npz",
        S + "static.trc",
        S + "model.osim",
        S + "scaling.json",
        regressor=REGRESSOR,
    output:
        S + "fit.npz",
    params:
        settings=settings("body", "skeleton", "fit"),
    log:
        S + "logs/fit.log",
    benchmark:
        S + "logs/fit.tsv"
    shell:
        "odah-gen fit --run {RESULTS} --subject {wildcards.subject} 2>&1 | tee {log} >&2"


rule fit:
    input:
        subject_file("fit.npz"),
        C + "keypoints.npz",
        C + "motion.npz",
        regressor=REGRESSOR,
    output:
        C + "body.npz",
        C + "fit.json",
    params:
        settings=settings("body", "skeleton", "fit"),
    log:
        C + "logs/fit.log",
    benchmark:
        C + "logs/fit.tsv"
    shell:
        "odah-gen fit --run {RESULTS} {wildcards.clip} 2>&1 | tee {log} >&2"


# No part of a run: made only when somebody asks for it (snakemake previews).
rule preview:
    input:
        subject_file("fit.npz"),
        C + "body.npz",
        C + "keypoints.npz",
        C + "markers.trc",
    output:
        [C + name for name in PREVIEWS],
    log:
        C + "logs/preview.log",
    benchmark:
        C + "logs/preview.tsv"
    shell:
        "odah-gen preview --sheet --run {RESULTS} {wildcards.clip} 2>&1 | tee {log} >&2"


# One job for all clips of a subject, as most of a job is its start; what is up to date in it stays. Rendering need not wait
# for it, and what is measured anew renders nothing again.
for subject in SUBJECTS:

    rule:
        name:
            f"fidelity_{subject}"
        input:
            f"{RESULTS}/subjects/{subject}/model.osim",
            f"{RESULTS}/subjects/{subject}/scales.json",
            f"{RESULTS}/subjects/{subject}/scaling.json",
            f"{RESULTS}/subjects/{subject}/body.npz",
            f"{RESULTS}/subjects/{subject}/fit.npz",
            expand(C + "keypoints.npz", clip=RUN.clips_of(subject)),
            expand(C + "body.npz", clip=RUN.clips_of(subject)),
            layout=MARKER_LIST,
            regressor=REGRESSOR,
        output:
            [update(path) for path in expand(C + "fidelity.json", clip=RUN.clips_of(subject))],
        params:
            settings=settings("body", "skeleton", "ik.engine"),
            subject=subject,
        log:
            f"{RESULTS}/subjects/{subject}/logs/fidelity.log",
        benchmark:
            f"{RESULTS}/subjects/{subject}/logs/fidelity.tsv"
        shell:
            "odah-gen fidelity --run {RESULTS} --subject {params.subject} 2>&1 | tee {log} >&2"
