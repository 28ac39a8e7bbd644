"""What to try for what a log shows: each module has a tuple `ADVICE`."""
