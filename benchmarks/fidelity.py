"""How much of a real server's own document the Octopus Server stand-in plays, and whether its answers fit it.

    python -m benchmarks.fidelity --document octopus-swagger-2020.5.json [--write docs/fidelity.md]

The document is ``api/octopus_deploy.json`` of the public repository OctopusDeploy/go-octopusdeploy: Octopus Server
2020.5.0-rc.4 made it of itself. A stand-in of that version is started, filled with the sample, and asked for all of it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from standins.octopus.api.left_out import LeftOut, left_out_routes
from tests.support.octopus_fidelity import Outcome, Server, complete, look, save_back
from tests.support.octopus_sample import connection_string, filled_server
from tests.support.octopus_server import ADMIN_KEY
from tests.support.swagger_document import SwaggerDocument
from tests.wire.sqlserver.processes import server_process

VERSION = "2020.5.256"


def measure(url: str, document: SwaggerDocument) -> tuple[list[Outcome], list[Outcome]]:
    """(every operation of the document, every thing that was saved back as it was read)."""
    server = Server(url, ADMIN_KEY)
    try:
        complete(server)
        return look(server, document, document.operations), save_back(server, document)
    finally:
        server.close()


def report(document: SwaggerDocument, read: Sequence[Outcome], saved: Sequence[Outcome]) -> str:
    """The page, the same for the same answers."""
    gets = [outcome for outcome in read if outcome.operation.method == "GET"]
    counts, of_gets = Counter(outcome.verdict for outcome in read), Counter(outcome.verdict for outcome in gets)
    verdicts = sorted({*counts, "served", "501", "missing", "contradicts"}, key=lambda name: (-counts[name], name))
    lines = [
        "# Fidelity of the Octopus Server stand-in",
        "",
        f"Made by `python -m benchmarks.fidelity`: a stand-in {VERSION}, filled with the sample, against the document",
        f"that Octopus Server {document.version} made of itself (OctopusDeploy/go-octopusdeploy,",
        "`api/octopus_deploy.json`). Every GET is sent, at up to six real addresses each, and its answer validated",
        "against the document's schema; operations that change things are looked up with OPTIONS, and everything",
        "readable is saved back as it was read.",
        "",
        f"| verdict | GET, of {len(gets)} | all operations, of {len(read)} |",
        "|---|--:|--:|",
        *(f"| {name} | {_share(of_gets[name], len(gets))} | {_share(counts[name], len(read))} |" for name in verdicts),
        "",
        "*served*: a good answer that fits. *contradicts*: a good answer whose types, enumerations or formats differ.",
        "*501*: left out on purpose; the answer names it. *refused as listed*: only refusals that the document lists",
        "(what is asked about lies in Azure, or on a machine that does not exist). *nothing to ask about*: no such",
        "thing can exist in a server that reaches no other. *missing*: 404 here.",
        "",
        "## Not served",
        "",
        "| operation | verdict |",
        "|---|---|",
        *_rows(outcome for outcome in read if outcome.verdict not in {"served", "contradicts"}),
        "",
        "## Contradictions",
        "",
        *(_deviations([*read, *saved], "contradiction") or ["None."]),
        "",
        "## Properties that the document does not list",
        "",
        "The document lists a class's own properties only; recordings of servers and Octopus's clients have these.",
        "",
        *(_deviations(read, "unlisted") or ["None."]),
        "",
        "## Saved back as read",
        "",
        f"PUT of {len(saved)} kinds of things as GET gave them; refused:",
        "",
        *([f"* `{row.operation.path}`: {_refusals(row)}" for row in saved if set(row.statuses) != {200}] or ["* none"]),
        "",
        "## Left out, in all versions",
        "",
        "The real product has these from the version named on; here each answers 501 with its name and the reason.",
        "The server's own document lists them under `x-left-out`.",
        "",
        "| operation, below `/api` | since | reason |",
        "|---|---|---|",
        *(
            f"| `{route.method} {route.path}` | {route.since or 'always'} | {route.handler.reason} |"
            for route in left_out_routes()
            if isinstance(route.handler, LeftOut)
        ),
        "",
    ]
    return "\n".join(lines)


def _share(count: int, total: int) -> str:
    return f"{count} ({100 * count / total:.1f} %)" if count else "0"


def _rows(outcomes: Iterable[Outcome]) -> list[str]:
    rows = {
        f"| `{outcome.operation.method} {outcome.operation.path.replace('/{baseSpaceId}', '')}` | {outcome.verdict} |"
        for outcome in outcomes
    }
    return sorted(rows)


def _deviations(outcomes: Iterable[Outcome], kind: str) -> list[str]:
    rows = {
        f"* `{outcome.operation.path.replace('/{baseSpaceId}', '')}` at `{row.where}`: {row.what[:160]}"
        for outcome in outcomes
        for row in outcome.deviations
        if row.kind == kind
    }
    return sorted(rows)


def _refusals(outcome: Outcome) -> str:
    return "; ".join(f"{code}: {text.partition(' ')[2]}" for code, text in outcome.examples.items() if code != 200)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fidelity", description=__doc__)
    parser.add_argument("--document", type=Path, required=True)
    parser.add_argument("--write", type=Path, help="the page to write; without it, it is printed")
    options = parser.parse_args()
    document = SwaggerDocument.read(options.document)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with server_process(folder, ["-m", "standins.sqlserver"]) as database:
            connection = connection_string(database.address, "Fidelity")
            with filled_server(VERSION, connection, folder / "octopus") as octopus:
                text = report(document, *measure(octopus.url, document))
    if options.write:
        options.write.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
