rule labels:
    input:
        [C + name for name in RENDERED],
        rules.fit.output,
        C + "fidelity.json",
        C + "keypoints.npz",
        C + "ik.json",
        C + "cameras.json",
    output:
        C + "labels.npz",
        C + "quality.json",
    params:
        settings=settings("quality", "fidelity"),
    log:
        C + "logs/labels.log",
    benchmark:
        C + "logs/labels.tsv"
    shell:
        "odah-gen labels --run {RESULTS} {wildcards.clip} 2>&1 | tee {log} >&2"


rule pictures:
    input:
        C + "labels.npz",
        C + "cameras.json",
        expand(C + "{camera}.mp4", camera=CAMERAS, allow_missing=True),
    output:
        [C + name for name in PICTURES],
    log:
        C + "logs/pictures.log",
    benchmark:
        C + "logs/pictures.tsv"
    shell:
        "odah-gen report --run {RESULTS} {wildcards.clip} 2>&1 | tee {log} >&2"


rule report:
    input:
        clip_files("quality.json", *PICTURES),
    output:
        f"{RESULTS}/report.html",
    log:
        f"{RESULTS}/logs/report.log",
    benchmark:
        f"{RESULTS}/logs/report.tsv"
    shell:
        "odah-gen report --run {RESULTS} 2>&1 | tee {log} >&2"
