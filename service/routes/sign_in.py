"""`/sign-in` and `/sign-out`: keys for browsers."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from ..access.authentication import COOKIE, PUBLIC
from ..access.sign_in import HOME, SignInForm, local, page
from ..dependencies import SigningIn
from ..requests.bodies import read_bounded

router = APIRouter(include_in_schema=False)

# A key and an address.
MAX_FORM_BYTES = 16_384


async def _form(request: Request) -> SignInForm:
    return SignInForm.parse(await read_bounded(request, MAX_FORM_BYTES))


@router.get("/sign-in", summary="Ask for a key", openapi_extra=PUBLIC)
async def show_sign_in(
    next_address: Annotated[str, Query(alias="next")] = HOME,
) -> Response:
    return page(local(next_address), refused=False)


@router.post("/sign-in", summary="Show a key", openapi_extra=PUBLIC)
async def sign_in(
    request: Request, signing_in: SigningIn, form: Annotated[SignInForm, Depends(_form)]
) -> Response:
    return await signing_in.begin(form, request)


@router.post("/sign-out", summary="Forget the browser", openapi_extra=PUBLIC)
async def sign_out(request: Request, signing_in: SigningIn) -> Response:
    return await signing_in.end(request.cookies.get(COOKIE))
