"""The probe's reading of an initialised network, in numpy: no torch, no training."""
