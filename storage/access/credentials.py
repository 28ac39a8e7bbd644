"""Secrets: made here, shown once, and kept only as hashes."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field

_KEY = re.compile(r"gh_live_([0-9a-f]{12})_([0-9a-f]{64})")
_ID_BYTES, _SECRET_BYTES = 6, 32


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as its owner has it: `gh_live_<id>_<secret>`.

    Attributes:
        id: Names the key, to people too.
        secret: 256 random bits. So much needs no slow hash: nobody can try them all.
    """

    id: str
    secret: str = field(repr=False)

    @classmethod
    def new(cls) -> "ApiKey":
        """A key that nobody has yet."""
        return cls(secrets.token_hex(_ID_BYTES), secrets.token_hex(_SECRET_BYTES))

    @classmethod
    def parse(cls, text: str) -> "ApiKey | None":
        """The key that is written so, or None when no key is."""
        match = _KEY.fullmatch(text)
        return cls(*match.groups()) if match else None

    @property
    def text(self) -> str:
        """As it is sent."""
        return f"gh_live_{self.id}_{self.secret}"

    @property
    def digest(self) -> str:
        """What is stored of the secret."""
        return digest_of(self.secret)

    def opens(self, digest: str) -> bool:
        """Whether the digest is that of this secret, told in constant time."""
        return hmac.compare_digest(self.digest, digest)


def new_token() -> str:
    """A secret of 256 bits without a name."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def digest_of(secret: str) -> str:
    """SHA-256 of a secret, in hexadecimal."""
    return hashlib.sha256(secret.encode()).hexdigest()
