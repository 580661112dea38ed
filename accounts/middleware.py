"""Speaks to each person in their own language, on their school's clock."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation


class PersonMiddleware:
    """Activates the language a signed-in person chose, else the browser's choice stands; and their school's zone.

    A thread keeps its zone until somebody sets another, so every request sets one: UTC for whoever has no school.
    The reading of the user is left to whoever needs one: requests of the API sign in later, by token.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        timezone.deactivate()
        if settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated:
            school = request.user.school
            if school is not None:
                timezone.activate(school.tz)
            language = request.user.language or (school.default_language if school is not None else "")
            if settings.LANGUAGE_COOKIE_NAME not in request.COOKIES and language:
                translation.activate(language)
                request.LANGUAGE_CODE = language
        return self.get_response(request)
