"""Signs what is posted to webhooks.

Standard Webhooks 1.0: HMAC-SHA256 over id, moment and body, under the secret that the
receiver was given. https://github.com/standard-webhooks/standard-webhooks
"""

import base64
import hashlib
import hmac

PREFIX = "whsec_"


def signed_headers(
    secret: str, id_: str, timestamp: int, body: bytes
) -> dict[str, str]:
    """The headers that show whom a body comes from, and when.

    Args:
        secret: `whsec_` and base64.
        id_: Of the message; the same for every attempt.
        timestamp: Of this attempt, in seconds since 1970.
        body: As it is sent.
    """
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = b"%s.%d.%s" % (id_.encode(), timestamp, body)
    signature = base64.b64encode(hmac.digest(key, signed, hashlib.sha256))
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{signature.decode()}",
    }
