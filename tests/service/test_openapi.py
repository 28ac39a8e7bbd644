import pytest
from jsonschema import Draft202012Validator

METHODS = {"get", "post", "put", "delete", "patch"}


@pytest.fixture
async def document(api):
    return (await api.get("/openapi.json")).json()


def references(value):
    if isinstance(value, dict):
        for key, child in value.items():
            if key == "$ref":
                yield child
            yield from references(child)
    elif isinstance(value, list):
        for child in value:
            yield from references(child)


def operations(document):
    for path, item in document["paths"].items():
        for method in METHODS & item.keys():
            yield path, item[method]


def resolve(document, reference):
    here = document
    for part in reference.removeprefix("#/").split("/"):
        here = here[part]
    return here


async def test_every_reference_leads_somewhere(document):
    found = set(references(document))

    assert found
    for reference in found:
        assert resolve(document, reference)


async def test_every_operation_is_named_and_describes_its_problems(document):
    names = []
    for path, operation in operations(document):
        names.append(operation["operationId"])
        assert operation["summary"], path
        errors = {
            status: answer
            for status, answer in operation["responses"].items()
            if status >= "400" and path != "/readyz"
        }
        assert "403" in operation["responses"], path
        for status, answer in errors.items():
            assert [*answer["content"]] == ["application/problem+json"], (path, status)

    assert len(set(names)) == len(names)
    assert "submit_analysis" in names


async def test_the_frameworks_own_error_is_not_promised(document):
    assert "HTTPValidationError" not in document["components"]["schemas"]


async def test_the_body_is_described_and_its_example_is_accepted(api, document):
    operation = document["paths"]["/v1/analyses"]["post"]
    content = operation["requestBody"]["content"]["application/json"]

    answer = await api.post("/v1/analyses", json=content["example"])

    kinds = {
        resolve(document, each["$ref"])["properties"]["kind"]["const"]
        for each in content["schema"]["oneOf"]
    }
    assert kinds == {"architecture", "theory", "trace"}
    assert answer.status_code == 202, answer.text


async def test_a_parameter_is_never_null(document):
    schemas = [
        parameter["schema"]
        for _, operation in operations(document)
        for parameter in operation.get("parameters", ())
    ]

    assert schemas
    for schema in schemas:
        assert {"type": "null"} not in schema.get("anyOf", ())


async def test_numbers_that_are_not_finite_are_described_as_they_travel(document):
    schemas = document["components"]["schemas"]
    mean = schemas["Curve"]["properties"]["mean"]["items"]
    done = schemas["Progress"]["properties"]["done"]

    validator = Draft202012Validator(mean)
    assert [validator.is_valid(x) for x in (1.5, "NaN", None, "nan")] == [
        True,
        True,
        True,
        False,
    ]
    assert done["type"] == "integer"
