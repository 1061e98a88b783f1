"""`python -m standins.feed`."""

from __future__ import annotations

import sys

from standins.feed.command import main

sys.exit(main())
