"""Speaks to each person in their own language."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation


class PersonMiddleware:
    """Activates the language a signed-in person chose; otherwise the browser's choice stands.

    The reading of the user is left to whoever needs one: requests of the API sign in later, by token.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated:
            language = request.user.language or (
                request.user.school.default_language if request.user.school else ""
            )
            if settings.LANGUAGE_COOKIE_NAME not in request.COOKIES and language:
                translation.activate(language)
                request.LANGUAGE_CODE = language
        return self.get_response(request)
