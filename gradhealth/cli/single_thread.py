"""Keeps numpy to one thread; to be imported before numpy is.

Matrices of a few hundred rows gain nothing from more, and where cores are shared the
threads of OpenBLAS spin: `check --fast` then takes three seconds in place of one.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
