"""What comes in: bodies, files and queries, each within bounds."""
