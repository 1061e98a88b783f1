"""Containers as provider: SQL Server and Octopus Server on a Docker engine of this machine, by testcontainers.

::

    this machine ── 127.0.0.1:port ── gateway ──┐ network "inside": internal, without a way out
                                                ├── SQL Server
                                                └── Octopus Server (one a node)
"""
