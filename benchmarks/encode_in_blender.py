"""Encode a numbered sequence of PNG files by Blender itself; run by benchmarks/encoders.py: python encode_in_blender.py JOB.

JOB is JSON: pictures (PNG files in order), out (.mp4), fps, width, height, gop. Prints processor seconds of the encoding.
"""

import json
import os
import sys

import bpy


def main() -> None:
    """Play the pictures through the sequencer into H264."""
    job = json.loads(sys.argv[-1])
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.sequence_editor_create()
    strips = scene.sequence_editor.strips
    strip = strips.new_image("pictures", job["pictures"][0], channel=1, frame_start=1)
    for picture in job["pictures"][1:]:
        strip.elements.append(os.path.basename(picture))
    render, video = scene.render, scene.render.ffmpeg
    scene.view_settings.view_transform = "Standard"
    scene.frame_start, scene.frame_end = 1, len(job["pictures"])
    render.fps, render.resolution_x, render.resolution_y = job["fps"], job["width"], job["height"]
    render.resolution_percentage, render.filepath, render.use_file_extension = 100, job["out"], False
    render.image_settings.media_type, render.image_settings.file_format = "VIDEO", "FFMPEG"
    video.format, video.codec, video.constant_rate_factor = "MPEG4", "H264", "PERC_LOSSLESS"
    video.ffmpeg_preset, video.gopsize, video.use_max_b_frames, video.max_b_frames = "GOOD", job["gop"], True, 0
    start = sum(os.times()[:2])
    bpy.ops.render.render(animation=True)
    print(json.dumps({"cpu_s": sum(os.times()[:2]) - start}), flush=True)


if __name__ == "__main__":
    main()
