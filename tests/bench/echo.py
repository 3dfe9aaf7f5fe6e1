"""The floor of an HTTP service: FastAPI that reads a body and answers, as :mod:`tests.bench.service` runs it."""

from __future__ import annotations

import sys

import uvicorn
from fastapi import FastAPI, Request, Response

app = FastAPI()


@app.api_route("/", methods=["GET", "POST"])
async def echo(request: Request) -> Response:
    return Response(str(len(await request.body())))


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error", access_log=False)
