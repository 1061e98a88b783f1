"""`python -m standins.sqlserver`"""

from __future__ import annotations

import sys

from standins.sqlserver.command import main

if __name__ == "__main__":
    sys.exit(main())
