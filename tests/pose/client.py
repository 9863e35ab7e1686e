"""Waiting for a client as Blender's timer does."""

import time


def wait_for(client, done, limit_s=240.0):
    """Poll until `done()` is true; returns all answers of that time."""
    answers, end = [], time.monotonic() + limit_s
    while not done():
        assert time.monotonic() < end, f"nothing came in {limit_s} s; problem: {client.problem!r}"
        answers += client.poll()
        time.sleep(0.005)
    return answers + client.poll()
