"""Which SQL Server release the stand-in answers as."""

from __future__ import annotations

from dataclasses import dataclass

import apsw


@dataclass(frozen=True, slots=True)
class Product:
    """``database_version`` is the internal version a database file of the release carries."""

    year: int
    version: tuple[int, int, int]
    revision: int
    level: str
    update: str
    compatibility: int
    database_version: int

    @property
    def number(self) -> str:
        return ".".join(map(str, (*self.version, self.revision)))

    @property
    def banner(self) -> str:
        """``@@VERSION``: it says what answers."""
        return (
            f"Microsoft SQL Server {self.year} ({self.level}-{self.update}) - {self.number} (X64) \n"
            f"\tTidegate stand-in for SQL Server over SQLite {apsw.sqlite_lib_version()}; not a Microsoft product\n"
            "\tDeveloper Edition (64-bit) (stand-in)"
        )


#: Builds from "SQL Server build versions" and internal database versions from "sp_helpdb / DBCC DBINFO" lists, both
#: Microsoft Learn; SQL Server 2014 SP3, 2016 SP3, 2017 CU31, 2019 CU27, 2022 CU14.
PRODUCTS = {
    "2014": Product(2014, (12, 0, 6024), 0, "SP3", "GDR", 120, 782),
    "2016": Product(2016, (13, 0, 6300), 2, "SP3", "GDR", 130, 852),
    "2017": Product(2017, (14, 0, 3456), 2, "RTM", "CU31", 140, 869),
    "2019": Product(2019, (15, 0, 4375), 4, "RTM", "CU27", 150, 904),
    "2022": Product(2022, (16, 0, 4135), 4, "RTM", "CU14", 160, 957),
}
