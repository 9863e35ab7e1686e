rule render:
    input:
        C + "scene.json",
        C + "cameras.json",
        C + "clothes.npz",
        C + "body.npz",
    output:
        expand(C + "{camera}.mp4", camera=CAMERAS, allow_missing=True),
        expand(C + "{camera}_mask.mkv", camera=CAMERAS, allow_missing=True),
        C + "render.json",
    log:
        C + "logs/render.log",
    benchmark:
        C + "logs/render.tsv"
    threads: 2
    resources:
        blender=1,
    shell:
        "odah-gen render --run {RESULTS} {wildcards.clip} 2>&1 | tee {log} >&2"
