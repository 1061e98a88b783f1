"""Syntax trees to SQLite's SQL: names bound, types inferred, conversions written out.

Every expression gets the type SQL Server would give it, because that type decides what ``+`` means, how division
rounds, what a comparison converts, and what the client is told about a column.

How SQL Server's values are stored: integers and bit as INTEGER, float as REAL, binary as BLOB, everything else as TEXT
that sorts as the values do: decimals in plain digits (collation ``tsql_decimal``), date and time in ISO form with seven
decimals, datetimeoffset as its UTC instant followed by the offset (collation ``tsql_offset``).
"""
