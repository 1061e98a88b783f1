"""Projects as files: what an export holds, the file itself, and how it arrives in another space.

What goes along, what stays behind and how shared things are matched: octopus.com/docs/projects/export-import. The
layout of the real file is not published; this one is the stand-in's own, and neither server reads the other's.
"""
