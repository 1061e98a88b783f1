"""Checks that do something on the upgraded test instance: log in, save, release, deploy, push, delete.

Everything here writes, so every check first proves that it is not talking to the main instance.
"""
