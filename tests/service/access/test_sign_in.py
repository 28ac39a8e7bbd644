import re
from http.cookies import SimpleCookie

import httpx
import pytest

from storage.access.keys import KeyStore
from tests.support.requests import body

SITE = "http://127.0.0.1:8000"
BROWSER = {"Accept": "text/html,*/*;q=0.8"}
FORM = {"Origin": SITE}


@pytest.fixture
async def keys(stores):
    return KeyStore(stores.sessions)


@pytest.fixture
async def key(keys):
    return await keys.create(project="vision", name="", scopes=["read", "write"])


@pytest.fixture
async def signed_in(api, key):
    await api.post("/sign-in", data={"key": key.text}, headers=FORM)
    return api


def cookie_of(answer):
    return SimpleCookie(answer.headers["set-cookie"])["gradhealth"]


async def test_a_browser_without_a_key_is_led_to_the_page_and_back(api, key):
    led = await api.get("/v1/analyses?limit=1&status=queued", headers=BROWSER)
    page = await api.get(led.headers["location"])
    fields = {
        "key": key.text,
        "next": re.search(r'name="next" value="(.*?)"', page.text)[1],
    }
    back = await api.post(
        "/sign-in",
        data={**fields, "next": fields["next"].replace("&amp;", "&")},
        headers=FORM,
    )

    assert led.status_code == 303
    assert page.status_code == 200
    assert back.status_code == 303
    assert back.headers["location"] == "/v1/analyses?limit=1&status=queued"
    assert (await api.get("/v1/analyses", headers=BROWSER)).status_code == 200


async def test_programs_are_not_led_anywhere(api, key):
    assert (await api.get("/v1/analyses")).status_code == 401


async def test_the_cookie_is_a_secret_of_its_own_that_scripts_cannot_read(api, key):
    answer = await api.post("/sign-in", data={"key": key.text}, headers=FORM)

    cookie = cookie_of(answer)
    assert cookie["httponly"]
    assert cookie["samesite"] == "lax"
    assert not cookie["secure"]
    assert key.secret not in answer.headers["set-cookie"]


async def test_through_tls_it_returns_only_through_tls(app, key):
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url="https://127.0.0.1"
    ) as api:
        answer = await api.post("/sign-in", data={"key": key.text})

    assert cookie_of(answer)["secure"]


async def test_a_wrong_key_is_refused_and_never_repeated(api):
    answer = await api.post("/sign-in", data={"key": "<b>wrong"}, headers=FORM)

    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert "opens nothing" in answer.text
    assert "wrong" not in answer.text


async def test_signing_out_ends_it_for_whoever_has_the_cookie(signed_in):
    stolen = dict(signed_in.cookies)

    await signed_in.post("/sign-out", headers=FORM)

    assert not signed_in.cookies
    signed_in.cookies.update(stolen)
    assert (await signed_in.get("/v1/analyses")).status_code == 401


async def test_the_key_decides_what_a_browser_may_do(signed_in):
    answer = await signed_in.post("/v1/analyses", json=body(), headers=FORM)

    assert answer.status_code == 202
    assert answer.json()["project"] == "vision"


@pytest.mark.parametrize("origin", ["http://evil.com", "null", None])
async def test_what_another_site_posts_is_refused(signed_in, origin):
    headers = {"Origin": origin} if origin else {}

    answer = await signed_in.post("/v1/analyses", json=body(), headers=headers)

    assert answer.status_code == 403


@pytest.mark.parametrize(
    "address",
    ["//evil.com", "/\\evil.com", "https://evil.com", "/\t/evil.com", "a", ""],
)
async def test_it_leads_to_no_other_site(api, key, address):
    answer = await api.post(
        "/sign-in", data={"key": key.text, "next": address}, headers=FORM
    )

    assert answer.headers["location"] == "/"


async def test_what_is_asked_for_stays_text_on_the_page(api):
    page = await api.get("/sign-in", params={"next": '/"><script>alert(1)</script>'})

    assert "<script>" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_a_form_that_is_too_large_is_refused(api):
    answer = await api.post("/sign-in", content=b"key=" + b"x" * 20_000, headers=FORM)

    assert answer.status_code == 413
