"""How often the diagnosis is right, and whether the fixes hold: the labelled suite."""
