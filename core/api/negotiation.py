"""Which form an answer takes: DRF's choice, made once for each kind of request."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

#: Clients of one kind send one header, so few are met; one who invents headers must not fill the memory.
_MOST_KINDS = 256
_LONGEST_HEADER = 256


class RememberedNegotiation(DefaultContentNegotiation):
    """`DefaultContentNegotiation`, which remembers what it chose: reading `Accept` costs as much as verifying a token.

    The choice depends on that header and the view's renderers alone, as long as there is no ``?format=`` (the setting
    URL_FORMAT_OVERRIDE is None). Refusals are not remembered.
    """

    _chosen: dict[tuple[Any, ...], tuple[int, str]] = {}

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        known = list(renderers)
        accept = request.META.get("HTTP_ACCEPT")
        kind = (accept, format_suffix, *map(type, known))
        # One look: another thread may clear it at any moment.
        chosen = self._chosen.get(kind)
        if chosen is not None:
            place, media_type = chosen
            return known[place], media_type
        renderer, media_type = super().select_renderer(request, known, format_suffix)
        if len(accept or "") <= _LONGEST_HEADER:
            if len(self._chosen) >= _MOST_KINDS:
                self._chosen.clear()
            self._chosen[kind] = (known.index(renderer), media_type)
        return renderer, media_type


class FileNegotiation(DefaultContentNegotiation):
    """For addresses that hand out files: whatever the client says it takes, it gets the file, or a refusal in JSON."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, str(renderer.media_type)
