"""T-SQL: text to syntax trees, and syntax trees to SQLite's SQL with SQL Server's types.

=================  ==================================================================================
``tokens``         characters to tokens
``nodes``          syntax trees of expressions and queries
``statements``     syntax trees of everything that is run
``ddl``            syntax trees of everything that is defined
``reader``         a cursor over tokens, and SQL Server's syntax errors
``expressions`` …  the recursive-descent parser, a module per kind of statement
``script``         batches, and which statement begins where
``types``          data types: names, precedence
``literals``       the types of literals
``translate``      names and types resolved, SQLite's SQL written
=================  ==================================================================================

The grammar is written by hand: a batch needs no semicolons, so where a statement ends is only known to the grammar
itself, and whatever the grammar does not know must be refused instead of dropped.
"""
