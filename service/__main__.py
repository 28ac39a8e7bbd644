"""`python -m service`: the HTTP service as a process of its own."""

from .server import main

main()
