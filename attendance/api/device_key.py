"""Readers and their gateways in the API: known by the key of one reader, and allowed to tell what it saw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from attendance import errors
from attendance.models import BiometricDevice
from attendance.selectors.devices import by_key

HEADER = "X-Device-Key"


@dataclass(frozen=True, slots=True)
class CallingDevice:
    """A reader in the place of a user. It is nobody else, so asking for a role or a school raises."""

    pk: object
    is_authenticated: ClassVar[bool] = True


class DeviceKeyAuthentication(BaseAuthentication):
    """``X-Device-Key: <key>``; ``request.auth`` is the reader, with its school and the school's rules. One query."""

    def authenticate(self, request: Request) -> tuple[CallingDevice, BiometricDevice] | None:
        key = request.headers.get(HEADER)
        if key is None:
            return None
        device = by_key(key)
        if device is None:
            raise AuthenticationFailed(
                str(errors.DeviceKeyInvalid.message), code=errors.DeviceKeyInvalid.code
            )
        return CallingDevice(device.pk), device

    def authenticate_header(self, request: Request) -> str:
        return 'DeviceKey realm="api"'


class DeviceKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call] # as the library has it
    target_class = "attendance.api.device_key.DeviceKeyAuthentication"
    name = "deviceKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": HEADER,
            "description": "The key of a reader, shown once when it is registered or its key is rotated.",
        }
