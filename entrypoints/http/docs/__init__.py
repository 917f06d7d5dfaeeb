"""The API's page, which works offline: Swagger UI 5.35.0 (Apache-2.0), vendored in assets/ from npm's swagger-ui-dist."""

from pathlib import Path
from typing import Any, final

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

_HERE = Path(__file__).parent
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@final
class WholeFiles(StaticFiles):
    """Serves no parts (RFC 9110 14.2): a page never asks for one, and a hundred of them cost a hundred reads."""

    def file_response(self, full_path: Any, stat_result: Any, scope: Scope, status_code: int = 200) -> Response:
        scope["headers"] = [header for header in scope["headers"] if header[0] != b"range"]
        answer = super().file_response(full_path, stat_result, scope, status_code)
        answer.headers["accept-ranges"] = "none"
        return answer


def add_docs(app: FastAPI) -> None:
    """Serve /docs, under a policy that lets nothing in from elsewhere."""
    page = (_HERE / "index.html").read_text()

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(page, headers={"Content-Security-Policy": _POLICY, "Referrer-Policy": "no-referrer"})

    app.mount("/docs/assets", WholeFiles(directory=_HERE / "assets"))
