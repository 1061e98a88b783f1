"""The sample main instance: fills an empty Octopus Server through its public API, the same way for any version."""
