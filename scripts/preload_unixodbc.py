"""Loads the unixODBC library that `scripts/setup` unpacked into this environment, so that pyodbc finds it.

Copied into the environment's site-packages where the system has no unixODBC and no right to install it.
"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

_FOLDER = Path(sys.prefix) / "lib" / "unixodbc"
# In the order in which they need each other: each must be there before the next is loaded.
for _name in (
    "libcom_err.so.2",
    "libkeyutils.so.1",
    "libkrb5support.so.0",
    "libk5crypto.so.3",
    "libkrb5.so.3",
    "libgssapi_krb5.so.2",
    "libltdl.so.7",
    "libodbcinst.so.2",
    "libodbc.so.2",
):
    if (_FOLDER / _name).exists():
        ctypes.CDLL(str(_FOLDER / _name), mode=ctypes.RTLD_GLOBAL)
