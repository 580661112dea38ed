"""Signing in and out of the pages, choosing a language, and the list of further pages."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import RedirectURLMixin
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST
from django.views.generic import FormView

from accounts.errors import SchoolRequired
from accounts.services import credentials, preferences
from accounts.web.forms import SignInForm
from core import clock
from core.errors import DomainError

#: Set by the scan pages (`attendance.codes.TICKET_COOKIE`): a code was read and waits for a sign-in.
SCAN_TICKET_COOKIE = "campushub_ticket"
_A_YEAR = 365 * 24 * 3600


@method_decorator([sensitive_post_parameters("password"), never_cache], name="dispatch")
class SignInView(RedirectURLMixin, FormView):
    """Leads on to `next` (a scanned code, a page that asked), or home. Never says whether somebody exists."""

    template_name = "accounts/login.html"
    form_class = SignInForm
    next_page = settings.LOGIN_REDIRECT_URL
    refusal: DomainError | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            return HttpResponseRedirect(self.get_success_url())
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            credentials.sign_in(request=self.request, now=clock.now(), **form.cleaned_data)
        except DomainError as refusal:
            self.refusal = refusal
            form.add_error("school" if isinstance(refusal, SchoolRequired) else None, str(refusal))
            return self.form_invalid(form)
        response = HttpResponseRedirect(self.get_success_url())
        # From here on the language is the person's own.
        response.delete_cookie(settings.LANGUAGE_COOKIE_NAME)
        return response

    def form_invalid(self, form: Any) -> HttpResponse:
        """The page again with everything but the password."""
        # 401 would ask the browser for a challenge that pages do not have.
        status = 429 if self.refusal is not None and self.refusal.status == 429 else 400
        return self.render_to_response(self.get_context_data(form=form), status=status)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        school_required = isinstance(self.refusal, SchoolRequired) or "school" in self.request.POST
        context = super().get_context_data(
            next=self.get_redirect_url(),
            school_required=school_required,
            ticket_waiting=SCAN_TICKET_COOKIE in self.request.COOKIES,
            **kwargs,
        )
        # Where the page asks for it, it is not optional.
        context["form"].fields["school"].required = school_required
        return context


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session; harmless without one."""
    if request.user.is_authenticated:
        credentials.sign_out(request=request, by=request.user, now=clock.now())
    return redirect(settings.LOGOUT_REDIRECT_URL)


@never_cache
@require_GET
@login_required
def more(request: HttpRequest) -> HttpResponse:
    """What the person's role needs less often: the list that a phone's bottom bar leads to."""
    return render(request, "accounts/more.html")


@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    """Remember the language: on the person, or in a cookie for somebody who has not signed in. Raises Invalid."""
    language = request.POST.get("language", "")
    # Not redirect(): that would look for a page whose name somebody made up.
    response = HttpResponseRedirect(_safe_next(request))
    if request.user.is_authenticated:
        preferences.set_language(language=language, by=request.user, now=clock.now())
        response.delete_cookie(settings.LANGUAGE_COOKIE_NAME)
    else:
        preferences.check_language(language)
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            language,
            max_age=_A_YEAR,
            secure=settings.SECURE,
            httponly=True,
            samesite="Lax",
        )
    return response


def _safe_next(request: HttpRequest) -> str:
    target = request.POST.get("next", "")
    safe = target.startswith("/") and url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return target if safe else settings.LOGIN_REDIRECT_URL
