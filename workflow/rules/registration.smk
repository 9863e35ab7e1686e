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
        regressor=REGRESSOR,
    output:
        S + "fit.npz",
    params:
        settings=settings("body", "skeleton", "fit"),
    log:
        S + "logs/fit.log",
    benchmark:
        S + "logs/fit.tsv"
    threads: 2
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
    threads: 2
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


# A rule of its own: rendering need not wait for it, and what is measured anew renders nothing again.
rule fidelity:
    input:
        subject_file("model.osim"),
        subject_file("scales.json"),
        subject_file("body.npz"),
        subject_file("fit.npz"),
        C + "keypoints.npz",
        C + "body.npz",
        layout=MARKER_LIST,
        regressor=REGRESSOR,
    output:
        C + "fidelity.json",
    params:
        settings=settings("body", "skeleton", "ik.engine"),
    log:
        C + "logs/fidelity.log",
    benchmark:
        C + "logs/fidelity.tsv"
    shell:
        "odah-gen fidelity --run {RESULTS} {wildcards.clip} 2>&1 | tee {log} >&2"
