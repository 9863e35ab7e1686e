rule motion:
    input:
        source_motion,
    output:
        C + "motion.npz",
    params:
        entry=clip_entry,
        settings=settings("motion.duration_s", "motion.shape_sd", "body"),
    log:
        C + "logs/motion.log",
    benchmark:
        C + "logs/motion.tsv"
    shell:
        "odah-gen motion --run {RESULTS} {wildcards.clip} 2>&1 | tee {log} >&2"
