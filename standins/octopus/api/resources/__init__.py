"""What single resources do beyond the generic create, read, update and delete: one module a family, each with its
rows in ``ROUTES``.
"""
