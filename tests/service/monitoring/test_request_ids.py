import pytest


async def test_a_given_id_is_echoed(api):
    answer = await api.get("/healthz", headers={"X-Request-ID": "build-42.a_b"})

    assert answer.headers["x-request-id"] == "build-42.a_b"


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, 'a"b'])
async def test_a_missing_or_harmful_id_is_replaced(api, given):
    answer = await api.get("/healthz", headers={"X-Request-ID": given})

    assert answer.headers["x-request-id"] != given
    assert answer.headers["x-request-id"]
