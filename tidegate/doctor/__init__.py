"""Whether a rehearsal can begin here: asked before anything is provisioned, each "no" with what to do about it."""
