"""The schema and two ways to read it, under the site's content security policy and without a CDN."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.utils.decorators import method_decorator
from django.utils.translation import get_language
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response


class SchemaView(SpectacularAPIView):
    """OpenAPI 3.1 as YAML or JSON (`Accept`), in the language of the request.

    Describes every endpoint to everybody; who may use one is told by its answers.
    """

    def _get_schema_response(self, request: Request) -> Response:
        filename = self._get_filename(request, None)  # type: ignore[no-untyped-call] # as the library has it
        return Response(
            _schema(get_language() or ""),
            headers={
                "Content-Disposition": f'inline; filename="{filename}"',
                "Vary": "Accept, Accept-Language",
            },
        )


@lru_cache(maxsize=8)
def _schema(language: str) -> dict[str, Any]:
    """Walking all endpoints takes a second; they do not change while the process lives."""
    schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call] # as the library has it
    return schema


class SwaggerView(SpectacularSwaggerSplitView):
    """Swagger UI: try the API out in the browser, with the session of the pages or with a token."""

    template_name = "api/swagger.html"


# ReDoc brings its styles as <style> elements and searches in a worker made from a blob; this page shows
# nothing that any user wrote.
@method_decorator(csp_update({"style-src": [UNSAFE_INLINE], "worker-src": [SELF, "blob:"]}), name="dispatch")
class RedocView(SpectacularRedocView):
    """ReDoc: the same to read and to print."""

    template_name = "api/redoc.html"
