"""`python -m gradhealth.cli`: the same as `gradhealth`."""

from . import main

main()
