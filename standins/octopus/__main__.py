"""`python -m standins.octopus --install-folder DIR <command> …`: what the launcher `Octopus.Server` runs."""

from __future__ import annotations

import sys

from standins.octopus.command.program import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
