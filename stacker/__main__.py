"""`python -m stacker`: the stacker alone, without the rig."""

from stacker.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
