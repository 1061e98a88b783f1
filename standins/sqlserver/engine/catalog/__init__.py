"""The catalog: ``sys.*``, ``INFORMATION_SCHEMA.*`` and msdb's history, made from the model and the server's state.

Each view is written into a temporary table when a statement uses it, so that joins run natively; views of the model are
written again only when the model has changed.
"""
