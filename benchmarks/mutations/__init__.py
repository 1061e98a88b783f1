"""Regressions drawn at random, put between the harness and an upgraded server, or into its database."""
