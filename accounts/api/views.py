"""Sign in, stay signed in, sign out, and who am I."""

from __future__ import annotations

from typing import Any, cast

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.serializers import (
    LogoutSerializer,
    MeSerializer,
    RefreshSerializer,
    SignInSerializer,
    TokenPairSerializer,
)
from accounts.errors import InvalidCredentials, LockedOut, SchoolRequired, TokenReused
from accounts.models import User
from accounts.selectors import numbers_of
from accounts.services import tokens
from core import clock
from core.api.refusals import refuses
from core.tokens import InvalidToken


class _SignInView(APIView):
    """For people who are nobody yet: whatever token or session comes along is not looked at."""

    authentication_classes: Any = []
    permission_classes = [AllowAny]

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        # RFC 6749 §5.1: tokens must not stay in any cache.
        answer = super().finalize_response(request, response, *args, **kwargs)
        answer["Cache-Control"] = "no-store"
        return answer


class TokenView(_SignInView):
    throttle_scope = "login"

    @refuses(InvalidCredentials, SchoolRequired, LockedOut)
    @extend_schema(
        operation_id="auth_token",
        tags=["auth"],
        summary="Sign in",
        request=SignInSerializer,
        responses={200: TokenPairSerializer},
    )
    def post(self, request: Request) -> Response:
        """Tokens for a user name and a password.

        Refusals: `invalid_credentials` (401), `school_required` (400), `locked_out` (429).
        """
        asked = SignInSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        pair = tokens.sign_in(
            # django-axes and Django's authentication know Django's own request.
            request=request._request,
            user_agent=request.headers.get("User-Agent", ""),
            now=clock.now(),
            **asked.validated_data,
        )
        return Response(TokenPairSerializer(pair).data)


class TokenRefreshView(_SignInView):
    @refuses(InvalidToken, TokenReused)
    @extend_schema(
        operation_id="auth_token_refresh",
        tags=["auth"],
        summary="Get a new pair of tokens",
        request=RefreshSerializer,
        responses={200: TokenPairSerializer},
    )
    def post(self, request: Request) -> Response:
        """The successor of a refresh token, which is used up by it.

        Within ten seconds the same token gets the same answer again. Later it is taken for stolen:
        `token_reused` (401), and the whole sign-in ends. Otherwise `token_not_valid` (401).
        """
        asked = RefreshSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        pair = tokens.rotate(refresh=asked.validated_data["refresh"], now=clock.now())
        return Response(TokenPairSerializer(pair).data)


class LogoutView(_SignInView):
    @refuses(InvalidToken)
    @extend_schema(
        operation_id="auth_logout",
        tags=["auth"],
        summary="Sign out",
        request=LogoutSerializer,
        responses={204: OpenApiResponse(description="Signed out; also when it was so already.")},
    )
    def post(self, request: Request) -> Response:
        """End the sign-in of a refresh token, or all of that person. Refusal: `token_not_valid` (401)."""
        asked = LogoutSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        end = tokens.revoke_everywhere if asked.validated_data["everywhere"] else tokens.revoke
        end(refresh=asked.validated_data["refresh"], now=clock.now())
        return Response(status=204)


class MeView(APIView):
    @extend_schema(operation_id="auth_me", tags=["auth"], summary="Who am I", responses={200: MeSerializer})
    def get(self, request: Request) -> Response:
        """The person who is signed in."""
        user = cast(User, request.user)
        numbers = numbers_of(user)
        return Response(
            MeSerializer(
                {
                    "username": user.username,
                    "full_name": user.full_name,
                    "email": user.email,
                    "role": user.role,
                    "language": user.language,
                    "school": user.school,
                    "enrollment_no": numbers.enrollment_no,
                    "employee_no": numbers.employee_no,
                }
            ).data
        )
