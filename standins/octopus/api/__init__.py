"""The REST API of the Octopus Server stand-in."""
