"""Signing in with a browser: a key is shown once, and a cookie stands for it."""

from dataclasses import dataclass
from urllib.parse import parse_qs, quote

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from storage.access.sign_ins import LIFETIME, SignInStore

from ..pages.rendering import Pages
from .authentication import COOKIE
from .guesses import Guesses
from .key_ring import KeyRing

ADDRESS, HOME = "/sign-in", "/"


@dataclass(frozen=True, slots=True)
class SignInForm:
    """What the page's form sends.

    Attributes:
        key: As it was typed.
        next: Where to go then, an address of this service.
    """

    key: str
    next: str

    @classmethod
    def parse(cls, body: bytes) -> "SignInForm":
        """Read a body of `application/x-www-form-urlencoded`."""
        fields = parse_qs(body.decode(errors="replace"))
        key, address = fields.get("key", [""])[0], fields.get("next", [HOME])[0]
        return cls(key.strip(), local(address))


class SignIns:
    """Signs browsers in and out."""

    def __init__(self, ring: KeyRing, guesses: Guesses, store: SignInStore) -> None:
        self._ring = ring
        self._guesses = guesses
        self._store = store

    async def begin(self, form: SignInForm, request: Request) -> Response:
        """Go on with a cookie, or show the page again.

        Args:
            form: What was sent.
            request: With which it came. If that was through TLS, so must the cookie.

        Raises:
            TooManyWrongKeysError: So many came from there that it is not looked at.
        """
        caller = await self._guesses.opened(form.key, self._ring.with_key, request)
        if caller is None or caller.key_id is None:
            return page(form.next, refused=True)
        token = await self._store.begin(caller.key_id)
        self._guesses.remember(token, request)
        answer = RedirectResponse(form.next, status_code=303)
        answer.set_cookie(
            COOKIE,
            token,
            max_age=int(LIFETIME.total_seconds()),
            secure=request.url.scheme == "https",
            httponly=True,
            # Not sent with what another site posts or embeds.
            samesite="lax",
        )
        return answer

    async def end(self, token: str | None) -> Response:
        """Forget a browser's secret, here and there."""
        if token is not None:
            await self._store.end(token)
            self._ring.forget(token)
        answer = RedirectResponse(ADDRESS, status_code=303)
        answer.delete_cookie(COOKIE)
        return answer


def page(next_address: str, *, refused: bool) -> Response:
    """The page that asks for a key."""
    status = 401 if refused else 200
    shown = Pages().page("sign_in", status=status, next=next_address, refused=refused)
    shown.headers["Cache-Control"] = "no-store"
    return shown


def asks_for_page(request: Request) -> bool:
    """Whether a person looks at the answer, who can be asked to sign in."""
    return request.method == "GET" and "text/html" in request.headers.get("accept", "")


def wants_page(request: Request) -> bool:
    """Whether the answer is shown to a person, by a page or after a form of ours."""
    is_page = not request.url.path.startswith("/v1/")
    return is_page and "text/html" in request.headers.get("accept", "")


def go_and_sign_in(request: Request) -> Response:
    """To the page, and from there back to where the request was for."""
    address = request.url.path
    if request.url.query:
        address += f"?{request.url.query}"
    return RedirectResponse(f"{ADDRESS}?next={quote(address)}", status_code=303)


def local(address: str) -> str:
    """The address if it is one of this service, else its first page."""
    # Browsers read a backslash as a slash, and two slashes as another host.
    foreign = address[1:2] in ("/", "\\") or not address.isprintable()
    return address if address.startswith("/") and not foreign else HOME
