# Only runs that simulate clothes have this rule.
if SIMULATED:

    rule drape:
        input:
            C + "scene.json",
            C + "clothes.npz",
            C + "body.npz",
        output:
            C + CLOTH,
        params:
            settings=settings("render.blender"),
        log:
            C + "logs/drape.log",
        benchmark:
            C + "logs/drape.tsv"
        shell:
            "odah-gen drape --run {RESULTS} {wildcards.clip} 2>&1 | tee {log} >&2"
