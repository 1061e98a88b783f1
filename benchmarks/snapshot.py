"""What a snapshot costs: its rate beside a bare client's, and its memory and time as an instance grows.

    python -m benchmarks.snapshot [--rounds 3] [--resources 1000 10000 100000]
    python -m benchmarks.snapshot --samples m l

The rate: the embedded sample instance is looked at, then a bare keep-alive client asks the same server for the same
URLs with as many connections; the ratio is what looking, following links and writing down costs. The growth: a program
that serves as many environments as wanted, so that nothing but the snapshot itself is measured. With ``--samples`` the
embedded sample instance of each size is loaded and looked at three times, and the pictures are compared: nothing
happens in between, so nothing is to be found.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

import httpx
import uvicorn

from tidegate.checks.comparison import compare
from tidegate.lab import Lab
from tidegate.observation.scope import SnapshotScope, SnapshotSource
from tidegate.observation.snapshot import take_snapshot
from tidegate.observation.store import Snapshot
from tidegate.octopus.client import OctopusClient
from tidegate.secrets import Secret
from tidegate.settings import EmbeddedSettings

KEY: Final = "TIDEGATE_BENCHMARK_KEY"
WORKERS: Final = SnapshotScope().workers


def look(url: str, file: Path) -> dict[str, float]:
    """One snapshot by one user: requests, seconds, and the most memory this process ever had, in bytes."""
    began = time.perf_counter()
    with OctopusClient(url, Secret.parse(f"env:{KEY}")) as client:
        scope = SnapshotScope(configuration_items=1_000_000)
        snapshot = take_snapshot(SnapshotSource({"administrator": client}, "administrator", scope=scope), file)
    seconds = time.perf_counter() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    size = file.stat().st_size
    return {"requests": snapshot.about["requests"], "seconds": seconds, "memory": memory, "file": size}


def look_apart(url: str, file: Path) -> dict[str, float]:
    """The same in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.snapshot", "--look", url, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def bare(url: str, paths: list[str], key: str) -> float:
    """Seconds that a plain keep-alive client needs for the same paths, reading every body as JSON."""
    limits = httpx.Limits(max_connections=WORKERS, max_keepalive_connections=WORKERS)
    with httpx.Client(base_url=url, headers={"X-Octopus-ApiKey": key}, limits=limits, timeout=60) as client:

        def get(path: str) -> None:
            answer = client.get(path)
            if "json" in answer.headers.get("content-type", ""):
                answer.json()

        began = time.perf_counter()
        with ThreadPoolExecutor(WORKERS) as pool:
            for _ in pool.map(get, paths):
                pass
        return time.perf_counter() - began


def rate(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder, Lab(Path(folder) / "lab", EmbeddedSettings()) as lab:
        address = lab.start(lambda _: None)
        key = (Path(folder) / "lab" / "secrets" / "api-key").read_text(encoding="utf-8")
        os.environ[KEY] = key
        look(address.url, Path(folder) / "warm.sqlite")
        ratios: list[float] = []
        for number in range(rounds):
            file = Path(folder) / f"{number}.sqlite"
            taken = look(address.url, file)
            with closing(sqlite3.connect(file)) as connection:
                rows = connection.execute(
                    "SELECT DISTINCT path FROM seen WHERE form NOT LIKE 'listed:%' AND status > 0"
                )
                paths = [path for (path,) in rows if path.startswith("/api")]
            seconds = bare(address.url, paths, key)
            looked, asked = taken["requests"] / taken["seconds"], len(paths) / seconds
            ratios.append(looked / asked)
            print(f"snapshot {looked:6.0f} requests/s   bare client {asked:6.0f} requests/s   ratio {ratios[-1]:.2f}")
        print(f"median ratio {statistics.median(ratios):.2f} (the aim is 0.80)")


def growth(sizes: list[int]) -> None:
    os.environ[KEY] = "API-BENCHMARK"
    with tempfile.TemporaryDirectory() as folder:
        for number in sizes:
            with served(number) as url:
                taken = look_apart(url, Path(folder) / f"{number}.sqlite")
            _tell(f"{number:7} resources", taken)


def sample(size: str) -> None:
    began = time.perf_counter()

    def tell(text: str) -> None:
        print(f"  {time.perf_counter() - began:7.1f} s  {text}", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{number}.sqlite" for number in (1, 2, 3)]
        with Lab(Path(folder) / "lab", EmbeddedSettings.model_validate({"size": size})) as lab:
            address = lab.start(tell)
            tell(f"{size.upper()} is loaded")
            os.environ[KEY] = address.api_key.read_text(encoding="utf-8")
            for file in files:
                _tell(size.upper(), look_apart(address.url, file))
        compared = time.perf_counter()
        first, second, third = map(Snapshot, files)
        findings = compare(first, second, third)
        print(f"{size.upper()}: compared in {time.perf_counter() - compared:.1f} s, {len(findings)} findings")
        for finding in findings:
            print(f"  {finding.check} {finding.place}: {finding.before!r} → {finding.after!r}")


def _tell(what: str, taken: Mapping[str, float]) -> None:
    each = taken["seconds"] / taken["requests"] * 1000
    print(
        f"{what}: {taken['requests']:7.0f} requests in {taken['seconds']:6.1f} s"
        f" ({each:.2f} ms each), at most {taken['memory'] / 2**20:.0f} MiB, file of {taken['file'] / 2**20:.0f} MiB",
        flush=True,
    )


# --- a server of as many environments as wanted ----------------------------------------------------------------------

Scope = dict[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]


def environment(number: int) -> dict[str, Any]:
    return {
        "Id": f"Environments-{number}", "Name": f"Environment {number}", "Description": "words " * 40,
        "SortOrder": number, "Links": {"Self": f"/api/environments/Environments-{number}"},
    }  # fmt: skip


def answer(path: str, query: str, count: int) -> tuple[int, Any]:
    if path == "/api":
        links = {"Environments": "/api/environments{/id}{?skip,take}"}
        return 200, {"Application": "Octopus Deploy", "Version": "2018.12.1", "ApiVersion": "3.0.0", "Links": links}
    if path == "/api/users/me":
        return 200, {"Id": "Users-1", "Links": {}}
    if path == "/api/environments":
        asked = parse_qs(query)
        skip, take = int(asked.get("skip", ["0"])[0]), int(asked.get("take", ["30"])[0])
        items = [environment(number) for number in range(skip, min(skip + take, count))]
        links = {} if skip + take >= count else {"Page.Next": f"/api/environments?skip={skip + take}&take={take}"}
        return 200, {"ItemType": "Environment", "TotalResults": count, "Items": items, "Links": links}
    tail = path.removeprefix("/api/environments/Environments-")
    if tail.isdigit() and int(tail) < count:
        return 200, environment(int(tail))
    return 404, {"ErrorMessage": "The resource was not found."}


def serve(count: int) -> None:
    async def app(scope: Scope, _: object, send: Send) -> None:
        if scope["type"] != "http":
            return
        status, body = answer(scope["path"], scope["query_string"].decode(), count)
        headers = [(b"content-type", b"application/json; charset=utf-8")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})

    class Announcing(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            print(self.servers[0].sockets[0].getsockname()[1], flush=True)

    Announcing(uvicorn.Config(app, port=0, log_level="error", lifespan="off")).run()  # pyright: ignore[reportArgumentType] - a plain ASGI function


@contextmanager
def served(count: int) -> Generator[str]:
    command = [sys.executable, "-m", "benchmarks.snapshot", "--serve", str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--resources", type=int, nargs="*", default=[1_000, 10_000])
    options.add_argument("--look", nargs=2, metavar=("URL", "FILE"), help=argparse.SUPPRESS)
    options.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    options.add_argument(
        "--samples", nargs="+", choices=("s", "m", "l"), help="load the sample instance of these sizes"
    )
    chosen = options.parse_args()
    if chosen.look:
        print(json.dumps(look(chosen.look[0], Path(chosen.look[1]))))
    elif chosen.samples:
        for size in chosen.samples:
            sample(size)
    elif chosen.serve:
        serve(chosen.serve)
    else:
        rate(chosen.rounds)
        growth(chosen.resources)


if __name__ == "__main__":
    main()
