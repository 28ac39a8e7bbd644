"""The network that a spec describes: unrolled, with shapes, within bounds."""
