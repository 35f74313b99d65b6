"""The rig: the machine, and what a person can ask of it."""
