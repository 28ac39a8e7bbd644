"""Who asks, what that allows, and how much of it."""
