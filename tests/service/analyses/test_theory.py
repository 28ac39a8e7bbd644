from tests.support.requests import SPEC


def theory(**changes):
    return {"kind": "theory", "spec": {**SPEC, **changes}}


async def test_theory_answers_at_once_and_is_kept(api):
    layers = [{"type": "Linear", "out_features": 64}, {"type": "Sigmoid"}]
    model = [{"repeat": 8, "body": layers}, {"type": "Linear", "out_features": 4}]

    answer = await api.post("/v1/analyses", json=theory(model=model))

    assert answer.status_code == 200, answer.text
    analysis = answer.json()
    assert analysis["status"] == "succeeded"
    assert analysis["progress"]["phase"] == "done"
    assert analysis["result"]["verdict"] == "warning"
    assert analysis["result"]["primary"] == "vanishing_gradient"
    assert 0 < analysis["result"]["theory"]["backward_gain"] < 1e-3
    assert (await api.get(answer.headers["location"])).json() == analysis


async def test_where_theory_is_silent_it_says_so(api):
    # With equal weights every unit computes the same: nothing is random.
    equal = [{"match": "Linear.weight", "value": 0.1}]

    answer = await api.post("/v1/analyses", json=theory(init=equal))

    result = answer.json()["result"]
    assert result["theory"]["backward_gain"] is None
    assert "no prediction" in result["summary"]
    assert result["notes"]


async def test_the_same_key_and_body_are_one_answer(api):
    headers = {"Idempotency-Key": "theory"}

    first, second = [
        await api.post("/v1/analyses", json=theory(), headers=headers) for _ in "12"
    ]

    assert first.json()["id"] == second.json()["id"]


async def test_a_spec_mistake_is_pointed_at(api):
    answer = await api.post("/v1/analyses", json=theory(model=[]))

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/spec/model"
