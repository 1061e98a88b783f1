"""`python -m standins.sqlserver`"""

from __future__ import annotations

import gc
import sys

from standins.memory import look_after_memory
from standins.sqlserver.command import main

if __name__ == "__main__":
    look_after_memory()
    # Requests make many short-lived objects beside much that stays: the default thresholds cost a fifth of the time.
    gc.set_threshold(50_000, 20, 100)
    sys.exit(main())
