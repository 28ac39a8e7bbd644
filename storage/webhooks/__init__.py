"""Who is told what, written where it happens."""
