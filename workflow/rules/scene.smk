rule scene:
    input:
        C + "body.npz",
    output:
        C + "scene.json",
        C + "cameras.json",
        C + "clothes.npz",
    params:
        surroundings=surroundings,
        settings=settings(
            "body", "camera", "room", "render.quality", "render.engine", "render.samples", "render.shadows",
            *(["clothes"] if SIMULATED else []),
        ),
    log:
        C + "logs/scene.log",
    benchmark:
        C + "logs/scene.tsv"
    shell:
        "odah-gen scene --run {RESULTS} {wildcards.clip} 2>&1 | tee {log} >&2"
