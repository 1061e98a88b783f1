"""`python -m tidegate.command`, where the `tidegate` command is not on the path."""

from __future__ import annotations

import sys

from tidegate.command import main

sys.exit(main())
