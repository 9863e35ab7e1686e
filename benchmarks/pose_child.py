"""How long `odah-gen pose` takes from a request to its answer, as the add-on's client sees it.

python benchmarks/pose_child.py --run results/demo --subject s01
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from blender_addon.pose_client import PoseClient

LEAST_WAIT_S = 5e-4


def wait(client: PoseClient) -> None:
    """Poll until nothing is under way."""
    while client.busy or client.ready is None:
        client.poll()
        if client.problem:
            sys.exit(client.problem)
        time.sleep(LEAST_WAIT_S)


def answer_times_ms(client: PoseClient, vertices: bool, count: int) -> np.ndarray:
    """Times of random poses within 10° of the default at every joint, [count]."""
    random = np.random.default_rng(0)
    table = client.ready["coordinates"]
    turning = [name for name, row in table.items() if row["unit"] == "deg" and not row["locked"]]
    times = []
    for _ in range(count + 1):
        start = time.perf_counter()
        client.show({name: table[name]["default"] + random.uniform(-10, 10) for name in turning}, vertices)
        wait(client)
        times.append(1000 * (time.perf_counter() - start))
    return np.array(times[1:])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, metavar="DIR")
    parser.add_argument("--subject", required=True, metavar="S")
    parser.add_argument("--count", type=int, default=30, metavar="N", help="requests of each kind")
    arguments = parser.parse_args()
    start = time.perf_counter()
    client = PoseClient(sys.executable, ["--run", str(arguments.run), "--subject", arguments.subject])
    wait(client)
    print(f"start-up {time.perf_counter() - start:.1f} s")
    for vertices, called in ((False, "skeleton"), (True, "skeleton and body")):
        times = answer_times_ms(client, vertices, arguments.count)
        print(f"{called}: median {np.median(times):.0f} ms, 95 % {np.percentile(times, 95):.0f} ms")
    client.stop()


if __name__ == "__main__":
    main()
