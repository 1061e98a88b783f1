"""The command line of Octopus Server."""
