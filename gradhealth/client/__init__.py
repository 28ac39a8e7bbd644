"""A client of the service: submit a spec, follow the work, read the result.

`Client` and `AsyncClient` say the same, since what each method asks is described once
(`calls.py`, `courses.py`) and whether to ask again is decided once (`contact.py`).
"""

from .awaiting import AsyncClient as AsyncClient
from .blocking import Client as Client
from .errors import RefusedError as RefusedError
from .errors import ServerUnreachableError as ServerUnreachableError
from .keys import UnreadableKeyError as UnreadableKeyError
from .keys import key_in as key_in
from .shown import ShownAnalysis as ShownAnalysis
from .shown import ShownResult as ShownResult
