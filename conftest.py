"""Makes `pytest features/` a rehearsal: the plugins around it, the things it needs, and the steps it is told in."""

from __future__ import annotations

from fixtures.plugins import PLUGINS

pytest_plugins = [*PLUGINS]
