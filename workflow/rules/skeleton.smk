rule scale:
    input:
        SKELETON_TABLE,
        MARKER_LIST,
        clip_files_of_subject("markers.trc"),
        kept_scales,
    output:
        S + "body.npz",
        S + "static.trc",
        S + "model.osim",
        S + "scales.json",
        S + "scaling.json",
    params:
        entry=subject_entry,
        settings=settings("motion.shape_sd", "body", "skeleton"),
    log:
        S + "logs/scale.log",
    benchmark:
        S + "logs/scale.tsv"
    shell:
        "odah-gen scale --run {RESULTS} {wildcards.subject} 2>&1 | tee {log} >&2"


rule ik:
    input:
        subject_file("model.osim"),
        C + "markers.trc",
    output:
        C + "kinematics.mot",
        C + "keypoints.npz",
        C + "ik.json",
    params:
        settings=settings("skeleton", "ik"),
    log:
        C + "logs/ik.log",
    benchmark:
        C + "logs/ik.tsv"
    shell:
        "odah-gen ik --run {RESULTS} {wildcards.clip} 2>&1 | tee {log} >&2"
