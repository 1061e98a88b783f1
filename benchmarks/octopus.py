"""How much the Octopus Server stand-in bears, beside the same work done by a bare Starlette app and by a database.

    python -m benchmarks.octopus [--projects 2000] [--releases 50000] [--clients 100] [--seconds 10] [--keep FOLDER]
        [--json FILE]

A stand-in is filled (one project with a deployed release over the API, the others by copies of its rows), then asked by
all clients at once. The bare app gives the recorded answers of the same requests from memory; the database gives the
documents behind them by id. ``--keep`` leaves the filled servers in a folder, for the next run of the same size. The
clients share the machine with what they measure: compare within one run only.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from benchmarks.filling import DATABASE, Filler
from tests.support.octopus_sample import connection_string
from tests.support.octopus_server import ADMIN_KEY, ROOT, octopus_process
from tests.wire.sqlserver.drivers import MICROSOFT, Address
from tests.wire.sqlserver.processes import server_process

VERSION = "2021.1.7500"


@dataclass(frozen=True, slots=True)
class Figure:
    """Requests of one kind of server, under the same load."""

    what: str
    per_second: float
    median_ms: float
    slowest_hundredth_ms: float
    requests: int
    errors: int


def requests_of(filler: Filler, releases: int, seed: int = 1) -> list[str]:
    """What dashboards, build servers and scripts ask for, at random among everything there is."""
    chance = random.Random(seed)
    projects = [item["Id"] for item in filler.http.get("/api/projects/all").json()]
    kinds: tuple[Callable[[], str], ...] = (
        lambda: f"/api/Spaces-1/projects/{chance.choice(projects)}",
        lambda: f"/api/Spaces-1/projects?take=30&skip={chance.randrange(max(1, len(projects) - 30))}",
        lambda: f"/api/Spaces-1/projects/{chance.choice(projects)}/releases?take=10",
        lambda: f"/api/Spaces-1/releases/Releases-{1000 + chance.randrange(releases)}",
        lambda: f"/api/Spaces-1/deployments/Deployments-{1000 + chance.randrange(releases)}",
        lambda: f"/api/Spaces-1/deployments?projects={chance.choice(projects)}&take=10",
        lambda: f"/api/tasks/ServerTasks-{1000 + chance.randrange(releases)}",
        lambda: "/api/Spaces-1/environments/all",
        lambda: f"/api/Spaces-1/progression/{chance.choice(projects)}",
        lambda: f"/api/Spaces-1/dashboard/dynamic?projects={chance.choice(projects)}",
        lambda: f"/api/Spaces-1/releases?take=30&skip={chance.randrange(300)}",
        lambda: "/api/Spaces-1/deployments?take=30",
        lambda: "/api/tasks?take=30",
        lambda: "/api/tasks?active=true",
        lambda: f"/api/events?regarding={chance.choice(projects)}",
    )
    return [kind() for _ in range(40) for kind in kinds]


# -- asking ------------------------------------------------------------------------------------------------------------


async def _client(  # noqa: PLR0917 - all that a client shares with the others
    host: str, port: int, paths: Sequence[str], until: float, times: list[float], bad: list[str]
) -> None:
    """One keep-alive connection that asks for one path after the other; plain sockets, so that asking costs little."""
    reader, writer = await asyncio.open_connection(host, port)
    at = 0
    try:
        while time.monotonic() < until:
            path = paths[at % len(paths)]
            at += 1
            began = time.perf_counter()
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nX-Octopus-ApiKey: {ADMIN_KEY}\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            await reader.readexactly(length)
            times.append(time.perf_counter() - began)
            if b" 200 " not in head[:20]:
                bad.append(f"{head[:20].decode()} {path}")
    finally:
        writer.close()


async def _all_clients(url: str, paths: Sequence[str], clients: int, seconds: float) -> tuple[list[float], list[str]]:
    parsed = httpx.URL(url)
    times: list[float] = []
    bad: list[str] = []
    until = time.monotonic() + seconds
    async with asyncio.TaskGroup() as group:
        for number in range(clients):
            # Each begins elsewhere, so that they do not all ask for the same thing at once.
            start = number * len(paths) // clients
            rotated = [*paths[start:], *paths[:start]]
            group.create_task(_client(parsed.host, parsed.port or 80, rotated, until, times, bad))
    return times, bad


def ask(what: str, url: str, paths: Sequence[str], clients: int, seconds: float) -> Figure:
    times, bad = asyncio.run(_all_clients(url, paths, clients, seconds))
    for line in sorted(set(bad))[:5]:
        print(f"  error: {line}")
    return figure(what, times, seconds, len(bad))


def figure(what: str, times: list[float], seconds: float, errors: int = 0) -> Figure:
    ordered = sorted(times) or [0.0]
    return Figure(
        what,
        round(len(times) / seconds, 1),
        round(ordered[len(ordered) // 2] * 1000, 2),
        round(ordered[int(len(ordered) * 0.99)] * 1000, 2),
        len(times),
        errors,
    )


@contextmanager
def bare_app(answers: Mapping[str, bytes], folder: Path) -> Generator[str]:
    """A Starlette app with one route that gives recorded answers: what HTTP alone costs."""
    file = folder / "answers.json"
    file.write_text(json.dumps({path: base64.b64encode(body).decode() for path, body in answers.items()}))
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.octopus", "--bare", str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(15)


def serve_bare(file: Path) -> None:
    import socket  # noqa: PLC0415 - the other process of this program

    import uvicorn  # noqa: PLC0415
    from starlette.applications import Starlette  # noqa: PLC0415
    from starlette.requests import Request  # noqa: PLC0415
    from starlette.responses import Response  # noqa: PLC0415
    from starlette.routing import Route  # noqa: PLC0415

    answers = {path: base64.b64decode(body) for path, body in json.loads(file.read_text()).items()}

    async def answer(request: Request) -> Response:
        query = request.url.query
        path = f"{request.url.path}?{query}" if query else request.url.path
        return Response(answers[path], media_type="application/json")

    listener = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    app = Starlette(routes=[Route("/{path:path}", answer)])
    uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False)).run([listener])


def ask_database(address: Address, releases: int, seconds: float, threads: int = 16) -> Figure:
    """Documents by id, as many connections at once as the stand-in has request threads."""
    times: list[float] = []
    until = time.monotonic() + seconds

    def work(seed: int) -> None:
        chance = random.Random(seed)
        connection = MICROSOFT.connect(address, DATABASE)
        cursor = connection.cursor()
        while time.monotonic() < until:
            table = chance.choice(("Release", "Deployment", "ServerTask"))
            began = time.perf_counter()
            wanted = f"{table}s-{1000 + chance.randrange(releases)}"
            cursor.execute(f"SELECT [Id], [JSON] FROM dbo.[{table}] WHERE [Id] = ?", wanted).fetchone()
            times.append(time.perf_counter() - began)
        connection.close()

    workers = [threading.Thread(target=work, args=(seed,)) for seed in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return figure("the database alone, by id", times, seconds)


# -- the run -----------------------------------------------------------------------------------------------------------


@contextmanager
def _folder(keep: Path | None) -> Generator[Path]:
    if keep:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
    else:
        with tempfile.TemporaryDirectory() as name:
            yield Path(name)


def run(projects: int, releases: int, clients: int, seconds: float, keep: Path | None = None) -> dict[str, Any]:
    with _folder(keep) as folder, server_process(folder, ["-m", "standins.sqlserver"]) as database:
        connection = connection_string(database.address, DATABASE)
        with octopus_process(VERSION, connection, folder / "octopus") as octopus:
            filler = Filler(octopus.url, database.address)
            began = time.monotonic()
            if filler.http.get("/api/releases?take=1").json()["TotalResults"] != releases + 1:
                filler.fill(projects, releases)
            print(f"filled in {time.monotonic() - began:.0f} s: {projects} projects, {releases} releases, deployments")
            paths = requests_of(filler, releases)
            answers = {path: filler.http.get(path).raise_for_status().content for path in paths}
            servers = [psutil.Process(octopus.process.pid), psutil.Process(database.process.pid)]
            figures: list[Figure] = []
            memory: list[list[int]] = []
            for what in ("the stand-in, warming up", "the stand-in", "the stand-in, again"):
                figures.append(ask(what, octopus.url, paths, clients, seconds))
                memory.append([server.memory_info().rss for server in servers])
            boards = ["/api/Spaces-1/dashboard", "/api/Spaces-1/projects/all"]
            figures.append(ask("the whole dashboard, all projects", octopus.url, boards, min(clients, 4), seconds))
            with bare_app(answers, folder) as url:
                figures.append(ask("a bare Starlette app", url, paths, clients, seconds))
            figures.append(ask_database(database.address, releases, seconds))
            filler.close()
    mebi = 1024 * 1024
    return {
        "figures": [asdict(entry) for entry in figures],
        "memory_mib": {
            what: [round(sample[place] / mebi, 1) for sample in memory]
            for place, what in enumerate(("octopus", "database"))
        },
        "load": {"projects": projects, "releases": releases, "clients": clients, "seconds": seconds},
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.octopus", description=__doc__)
    parser.add_argument("--projects", type=int, default=2000)
    parser.add_argument("--releases", type=int, default=50_000)
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--keep", type=Path, metavar="FOLDER")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--bare", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.bare:
        serve_bare(options.bare)
        return 0
    result = run(options.projects, options.releases, options.clients, options.seconds, options.keep)
    width = max(len(entry["what"]) for entry in result["figures"])
    print(f"{'':{width}}  requests/s   median ms   99 % ms   errors")
    for entry in result["figures"]:
        print(
            f"{entry['what']:{width}}  {entry['per_second']:>10}  {entry['median_ms']:>10}"
            f"  {entry['slowest_hundredth_ms']:>8}  {entry['errors']:>7}"
        )
    for what, memory in result["memory_mib"].items():
        print(f"{what}: {', then '.join(str(sample) for sample in memory)} MiB")
    if options.json:
        options.json.write_text(json.dumps(result, indent=1), encoding="utf-8")
    return 1 if any(entry["errors"] for entry in result["figures"]) else 0


if __name__ == "__main__":
    sys.exit(main())
