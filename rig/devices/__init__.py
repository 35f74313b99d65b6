"""Everything that touches hardware, and beside each its simulated twin."""
