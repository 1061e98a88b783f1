"""Octopus Server on a Windows or Linux host, on this machine or reached over SSH."""
