"""Memory and command latency of `fieldstack run` with four phones, one of them frozen.

    python bench/phones.py --minutes 10 --sim replay:FOLDER

Three phones pull the live picture and listen to the state; the fourth asks for everything and reads nothing.
Prints the resident memory of the rig process over time and how long commands took. The replay of a folder of
frames draws nothing, so that what is measured is the rig and not the simulator.
"""

from __future__ import annotations

import argparse
import json
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

PREVIEWS_PER_S = 5
LIMIT_S = 60.0  # a rig that answers no more ends the measurement
SLOW_S = 0.1  # a command should be answered before that


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=3, help="how long (default: 3)")
    parser.add_argument("--sim", default="bristles", help="simulated scene, or replay:FOLDER of frames")
    args = parser.parse_args()
    minutes = args.minutes
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "rig.cli", "run", "--sim", args.sim, "--port", "0"]
        config = Path(folder) / "config.toml"
        config.write_text("")
        with subprocess.Popen(
            [*command, "--data", f"{folder}/data", "--config", str(config)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        ) as rig:  # fmt: skip
            try:
                measure(rig, address_of(rig), minutes * 60)
            finally:
                rig.terminate()
    return 0


def address_of(rig: subprocess.Popen[str]) -> str:
    """What the rig prints as its address, once it stands still. SystemExit when it cannot work."""
    assert rig.stdout is not None
    for line in rig.stdout:
        if found := re.search(r"http://127\.0\.0\.1:\d+", line):
            break
    else:
        raise SystemExit("the rig did not start")
    while True:
        try:
            with urllib.request.urlopen(f"{found[0]}/api/state") as answer:
                state = json.load(answer)
            if state["state"] == "idle":
                return found[0]
            if state["state"] == "fault":
                raise SystemExit(state["fault"]["sentence"])
        except urllib.error.HTTPError:  # still starting: it does not trust loopback yet
            pass
        time.sleep(0.2)


def measure(rig: subprocess.Popen[str], url: str, seconds: float) -> None:
    """Print memory, twice a minute, and latencies at the end."""
    print(f"idle, no phone: {resident_mb(rig.pid):.1f} MB")
    with urllib.request.urlopen(f"{url}/api/state", timeout=LIMIT_S) as answer:
        near = json.load(answer)["focus"]["min_steps"]
    stop, counts, latencies = threading.Event(), [0, 0, 0], []
    threads = [threading.Thread(target=pull, args=(url, stop, counts, n), daemon=True) for n in range(3)]
    threads += [threading.Thread(target=listen, args=(url, stop), daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    frozen = [
        freeze(url, path) for path in ("/api/events", "/api/preview.jpg?w=1280", "/api/preview.jpg?after=1")
    ]
    begun, shown = time.monotonic(), 0.0
    while (passed := time.monotonic() - begun) < seconds:
        latencies.append(command_s(url, near))
        if passed >= shown:
            print(f"{passed:5.0f} s  {resident_mb(rig.pid):6.1f} MB  pictures {sum(counts)}", flush=True)
            shown += 30
        time.sleep(0.5)
    stop.set()
    print(f"end      {resident_mb(rig.pid):6.1f} MB")
    latencies.sort()
    slow = sum(one > SLOW_S for one in latencies)
    median, late, later = (latencies[int(len(latencies) * share)] * 1e3 for share in (0.5, 0.95, 0.99))
    print(
        f"{len(latencies)} commands: median {median:.0f} ms, 95 % {late:.0f} ms, 99 % {later:.0f} ms, "
        f"most {latencies[-1] * 1e3:.0f} ms; {slow} above {SLOW_S * 1e3:.0f} ms"
    )
    for one in frozen:
        one.close()


def pull(url: str, stop: threading.Event, counts: list[int], n: int) -> None:
    """A phone's live picture: the next when the last is there."""
    seq = 0
    while not stop.is_set():
        try:
            with urllib.request.urlopen(f"{url}/api/preview.jpg?after={seq}&w=640") as answer:
                if answer.read():
                    seq = int(answer.headers["X-Seq"])
                    counts[n] += 1
        except OSError:
            if not stop.is_set():  # else the rig has been ended
                raise
        stop.wait(1 / PREVIEWS_PER_S)


def listen(url: str, stop: threading.Event) -> None:
    """A phone's stream of states."""
    with urllib.request.urlopen(f"{url}/api/events") as stream:
        while not stop.is_set() and stream.readline():
            pass


def freeze(url: str, path: str) -> socket.socket:
    """A phone that asks and never reads, with as small a buffer as the system gives."""
    host, port = url.removeprefix("http://").split(":")
    frozen = socket.socket()
    frozen.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    frozen.connect((host, int(port)))
    frozen.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode() * 20)
    return frozen


def command_s(url: str, near: int) -> float:
    """Seconds that a small command takes."""
    request = urllib.request.Request(
        f"{url}/api/focus/near", json.dumps({"position_steps": near}).encode(),
        headers={"X-Rig": "1", "Content-Type": "application/json"},
    )  # fmt: skip
    begun = time.monotonic()
    urllib.request.urlopen(request, timeout=LIMIT_S).close()
    return time.monotonic() - begun


def resident_mb(pid: int) -> float:
    """Resident memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) / 1000 if found else float("nan")


if __name__ == "__main__":
    sys.exit(main())
