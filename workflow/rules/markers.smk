rule markers:
    input:
        C + "motion.npz",
        layout=MARKER_LIST,
    output:
        C + "markers.trc",
        C + "held_out.trc",
    params:
        settings=settings("body", "skeleton"),
    log:
        C + "logs/markers.log",
    benchmark:
        C + "logs/markers.tsv"
    shell:
        "odah-gen markers --run {RESULTS} {wildcards.clip} 2>&1 | tee {log} >&2"
