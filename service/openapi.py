"""The parts of the OpenAPI document that FastAPI cannot see for itself.

Bodies are read by the service's own bounded reader, and errors are answered by
handlers: both are described here.
"""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from gradhealth.batches.documents import BatchDocument
from gradhealth.batches.packing import CONTENT_TYPE
from gradhealth.schemas.analysis import (
    ArchitectureRequest,
    TheoryRequest,
    TraceRequest,
)
from gradhealth.schemas.problem_details import ProblemDetails
from gradhealth.schemas.run import RunRequest
from gradhealth.schemas.webhook import WebhookRequest
from gradhealth.traces import TraceDocument

from .access.authentication import COOKIE, PUBLIC
from .problems import MEDIA_TYPE

_NULL = {"type": "null"}
_REFERENCE = "#/components/schemas/{model}"
_SECURITY = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "gh_live_<id>_<secret>",
        "description": "Made with `gradhealth key create`. Not asked for on one's own "
        "machine while there is none.",
    },
    "browser": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "A browser that showed a key to `/sign-in`.",
    },
}
_EXAMPLE = {
    "kind": "architecture",
    "spec": {
        "spec_version": 1,
        "name": "deep-sigmoid",
        "input": {"shape": [64]},
        "data": {"task": "digits"},
        "model": [
            {
                "repeat": 20,
                "body": [
                    {"type": "Linear", "out_features": 128},
                    {"type": "Sigmoid"},
                ],
            },
            {"type": "Linear", "out_features": 10},
        ],
    },
    "options": {"verify_fixes": True},
}
_WEBHOOK_EXAMPLE = {
    "url": "https://ci.example.com/gradients",
    "events": ["analysis.succeeded", "run.alert"],
}
_RUN_EXAMPLE = {
    "name": "my-run",
    "layers": [{"path": "layers.0", "type": "Linear"}, {"path": "layers.1"}],
    "config": {"trivial_loss": 2.303},
}
_BATCH_EXAMPLE = {
    "sequence": 0,
    "steps": [0, 1],
    "series": {"loss": [2.3, 2.2]},
    "layer_series": {"grad_norm": [[0.1, 1.2], [0.2, "NaN"]]},
}
_BINARY = (
    "A u32, the length of a JSON header, the header {sequence, steps, num_layers, "
    "columns[] {name, kind, rows, layers}}, and the values of the columns as float32, "
    "all little-endian; the bits 0x7FC06772 stand for null."
)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problem responses of an operation, for its `responses`."""
    content = {MEDIA_TYPE: {"schema": _reference(ProblemDetails.__name__)}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in statuses
    }


def analysis_request_body() -> dict[str, Any]:
    """The body of `POST /v1/analyses`, for its `openapi_extra`."""
    models = {
        "architecture": ArchitectureRequest,
        "theory": TheoryRequest,
        "trace": TraceRequest,
    }
    references = {kind: _reference(model.__name__) for kind, model in models.items()}
    schema = {
        "oneOf": list(references.values()),
        "discriminator": {
            "propertyName": "kind",
            "mapping": {kind: each["$ref"] for kind, each in references.items()},
        },
    }
    content = {"application/json": {"schema": schema, "example": _EXAMPLE}}
    return {"requestBody": {"required": True, "content": content}}


def webhook_request_body() -> dict[str, Any]:
    """The body of `POST /v1/webhooks`, for its `openapi_extra`."""
    schema = _reference(WebhookRequest.__name__)
    content = {"application/json": {"schema": schema, "example": _WEBHOOK_EXAMPLE}}
    return {"requestBody": {"required": True, "content": content}}


def run_request_body() -> dict[str, Any]:
    """The body of `POST /v1/runs`, for its `openapi_extra`."""
    schema = _reference(RunRequest.__name__)
    content = {"application/json": {"schema": schema, "example": _RUN_EXAMPLE}}
    return {"requestBody": {"required": True, "content": content}}


def batch_request_body() -> dict[str, Any]:
    """The body of `POST /v1/runs/{id}/batches`, for its `openapi_extra`."""
    binary = {"type": "string", "format": "binary", "description": _BINARY}
    content = {
        "application/json": {
            "schema": _reference(BatchDocument.__name__),
            "example": _BATCH_EXAMPLE,
        },
        CONTENT_TYPE: {"schema": binary},
    }
    return {"requestBody": {"required": True, "content": content}}


def report_schema(media_type: str) -> dict[str, Any]:
    """What a report is: any JSON where its media type says so, else text."""
    return {} if "json" in media_type else {"type": "string"}


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of the application."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        routes=app.routes,
    )
    _, referred = models_json_schema(
        [
            (ArchitectureRequest, "validation"),
            (TheoryRequest, "validation"),
            (TraceRequest, "validation"),
            (TraceDocument, "validation"),
            (RunRequest, "validation"),
            (WebhookRequest, "validation"),
            (BatchDocument, "validation"),
            (ProblemDetails, "serialization"),
        ],
        ref_template=_REFERENCE,
    )
    document["components"]["schemas"] |= referred["$defs"]
    _describe_access(document)
    _drop_null_parameters(document)
    return document


def _drop_null_parameters(document: dict[str, Any]) -> None:
    # A parameter is left out or a text: FastAPI's null would be the word "null".
    for path in document["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", ()):
                schema = parameter["schema"]
                match [each for each in schema.pop("anyOf", ()) if each != _NULL]:
                    case [only]:
                        schema |= only
                    case [_, *_] as several:
                        schema["anyOf"] = several


def _describe_access(document: dict[str, Any]) -> None:
    document["components"]["securitySchemes"] = _SECURITY
    document["security"] = [{name: []} for name in _SECURITY]
    closed = {str(status): answer for status, answer in problems(401, 403, 429).items()}
    for path in document["paths"].values():
        for operation in path.values():
            if operation.get("security") != PUBLIC["security"]:
                operation["responses"] = closed | operation["responses"]


def _reference(model: str) -> dict[str, str]:
    return {"$ref": _REFERENCE.format(model=model)}
