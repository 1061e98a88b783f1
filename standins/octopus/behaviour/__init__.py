"""What the stand-in does over time: tasks, deployments, snapshots, logs, packages, events, triggers, retention."""
