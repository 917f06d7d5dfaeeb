"""The API's page, which works offline: Swagger UI 5.35.0 (Apache-2.0), vendored in assets/ from npm's swagger-ui-dist."""

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

_HERE = Path(__file__).parent
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def add_docs(app: FastAPI) -> None:
    """Serve /docs, under a policy that lets nothing in from elsewhere."""
    page = (_HERE / "index.html").read_text()

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(page, headers={"Content-Security-Policy": _POLICY, "Referrer-Policy": "no-referrer"})

    app.mount("/docs/assets", StaticFiles(directory=_HERE / "assets"))
