"""What waits for workers, who has what, and whose turn it is."""
