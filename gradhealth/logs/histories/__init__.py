"""The history of a run in bounded memory, and what can be read from it."""
