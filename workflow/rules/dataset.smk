rule labels:
    input:
        rules.render.output,
        rules.fit.output,
        C + "keypoints.npz",
        C + "cameras.json",
    output:
        C + "labels.npz",
        C + "quality.json",
    params:
        settings=settings("quality"),
    log:
        C + "logs/labels.log",
    benchmark:
        C + "logs/labels.tsv"
    shell:
        "odah-gen labels --run {RESULTS} {wildcards.clip} 2>&1 | tee {log} >&2"


rule report:
    input:
        clip_files("labels.npz", "quality.json", *(f"{camera}.mp4" for camera in CAMERAS)),
    output:
        report=f"{RESULTS}/report.html",
        sheets=clip_files("contact_sheet.png"),
    log:
        f"{RESULTS}/logs/report.log",
    benchmark:
        f"{RESULTS}/logs/report.tsv"
    shell:
        "odah-gen report --run {RESULTS} 2>&1 | tee {log} >&2"
