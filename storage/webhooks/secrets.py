"""What events are signed with: kept as it is, or derived from a key that is elsewhere.

With a key, the database holds a salt alone: the secret is its HMAC-SHA256 under the key
(a pseudorandom function, RFC 2104), so whoever has only one of both has nothing.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence

from gradhealth.exceptions import GradHealthError

# As many bytes as the digest that is made with it.
SECRET_BYTES = 32
_PREFIX, _DERIVED = "whsec_", "derived"
_NAME_DIGITS = 12


class MissingSecretKeyError(GradHealthError):
    """A webhook's secret was derived from a key that is not there any more."""

    code = "missing_secret_key"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"the secret needs the key {name}, which GRADHEALTH_WEBHOOK_SECRET_KEY no "
            "longer has: bring it back, or make the webhook anew"
        )


class Secrets:
    """Makes secrets, and knows them again from what is stored of them.

    Args:
        keys: The first is for new secrets. Without any they are stored as they are.
    """

    def __init__(self, keys: Sequence[str] = ()) -> None:
        self._keys = {_name_of(key): key for key in keys}

    def new(self) -> str:
        """What is to be stored of a secret that nobody has yet."""
        drawn = _text(secrets.token_bytes(SECRET_BYTES))
        if not self._keys:
            return _PREFIX + drawn
        return f"{_DERIVED}:{next(iter(self._keys))}:{drawn}"

    def reveal(self, stored: str) -> str:
        """The secret, as its receiver has it.

        Raises:
            MissingSecretKeyError: It was derived from a key that is not there.
        """
        if stored.startswith(_PREFIX):
            return stored
        _, name, salt = stored.split(":")
        if name not in self._keys:
            raise MissingSecretKeyError(name)
        key = self._keys[name].encode()
        return _PREFIX + _text(hmac.digest(key, salt.encode(), hashlib.sha256))


def _name_of(key: str) -> str:
    """Tells keys apart; of a key with 32 characters or more it gives nothing away."""
    return hashlib.sha256(f"name of {key}".encode()).hexdigest()[:_NAME_DIGITS]


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
