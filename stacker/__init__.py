"""The stacker: frames in, one sharp picture out. Imports nothing of the rig and runs alone on a laptop."""
