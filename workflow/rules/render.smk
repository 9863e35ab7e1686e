# One job for a shard, some clips of one subject: one Blender draws them all. What is up to date in it stays as it is, so a
# run that was stopped keeps its whole clips, and a lost file makes only its own clip again.
GPU = os.path.exists("/dev/nvidiactl") or any(Path("/dev").glob("dri/renderD*"))
for (subject, shard), clips in SHARDS.items():

    rule:
        name:
            f"render_{subject}_{shard}"
        input:
            expand(
                C + "{file}",
                clip=clips,
                file=["scene.json", "cameras.json", "clothes.npz", "body.npz", *SIMULATED],
            ),
        output:
            [update(path) for path in expand(C + "{file}", clip=clips, file=RENDERED)],
        params:
            clips=clips,
            settings=settings("render.blender", "render.outputs"),
        log:
            f"{RESULTS}/subjects/{subject}/logs/render_{shard}.log",
        benchmark:
            f"{RESULTS}/subjects/{subject}/logs/render_{shard}.tsv"
        # Drawing in software keeps somewhat more than one core busy and takes 2.3 GB: on few cores a Blender each, on many
        # one for every two. A GPU draws one clip at a time; profiles/default says so.
        threads: 1 if workflow.cores and workflow.cores <= 4 else 2
        resources:
            blender=int(GPU),
            mem_mb=2500,
        shell:
            "odah-gen render --run {RESULTS} {params.clips} 2>&1 | tee {log} >&2"
