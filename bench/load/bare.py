"""What a route costs that does nothing but one SELECT, or one INSERT.

The product's own web server, database driver and engine; `python -m bench.load.bare`.
"""

import sys
import uuid
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import uvicorn
from fastapi import FastAPI, Header
from pydantic import BaseModel
from sqlalchemy import JSON, Column, DateTime, MetaData, Table, Text, insert, select

from service.sockets import listen, url_of
from storage.config import StorageSettings
from storage.database.session import create_engine
from storage.tables import AnalysisRow

ROW = AnalysisRow.__table__
COLUMNS = [ROW.c[name] for name in ("id", "kind", "project", "status", "created_at")]
BARE = Table(
    "bare",
    MetaData(),
    Column("id", Text, primary_key=True),
    Column("kind", Text),
    Column("spec", JSON),
    Column("created_at", DateTime(timezone=True)),
)
engine = create_engine(StorageSettings())


class Row(BaseModel):
    id: str
    kind: str
    project: str
    status: str
    created_at: datetime


class Request(BaseModel):
    kind: Literal["architecture"]
    spec: dict[str, Any]


class Accepted(Request):
    id: str
    created_at: datetime


@asynccontextmanager
async def lifespan(_):
    async with engine.begin() as connection:
        await connection.run_sync(BARE.create, checkfirst=True)
    yield
    await engine.dispose()


app = FastAPI(
    lifespan=lifespan, telemetry={"tracing": False, "metrics": False, "logs": False}
)


@app.get("/v1/analyses/{analysis_id}")
async def read(
    analysis_id: str, authorization: Annotated[str | None, Header()] = None
) -> Row:
    del authorization
    async with engine.connect() as connection:
        found = await connection.execute(
            select(*COLUMNS).where(ROW.c.id == analysis_id)
        )
        return Row.model_validate(found.mappings().one())


@app.post("/v1/analyses", status_code=202)
async def submit(request: Request) -> Accepted:
    accepted = Accepted(
        id=uuid.uuid4().hex, created_at=datetime.now(UTC), **request.model_dump()
    )
    async with engine.begin() as connection:
        await connection.execute(insert(BARE), accepted.model_dump())
    return accepted


@app.get("/healthz")
async def health() -> str:
    return "ok"


def main():
    listener = listen("127.0.0.1", 0)
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
    )

    print(url_of(listener), file=sys.stderr, flush=True)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
