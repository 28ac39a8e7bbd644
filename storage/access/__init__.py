"""Keys, sign-ins, and what a project uses."""
