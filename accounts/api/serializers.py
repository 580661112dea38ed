"""What the sign-in endpoints take and give."""

from __future__ import annotations

from rest_framework import serializers

from accounts.enums import Role


class SignInSerializer(serializers.Serializer):
    username = serializers.CharField(
        max_length=150, help_text="A user name (`number@school`), or the enrollment or employee number alone."
    )
    # Argon2 reads every byte: an endless password would be a way to keep the server busy.
    password = serializers.CharField(max_length=1000, trim_whitespace=False, write_only=True)
    school = serializers.CharField(
        max_length=20,
        required=False,
        allow_blank=True,
        help_text="The school's code: needed when the number alone is answered `school_required`.",
    )


class RefreshSerializer(serializers.Serializer):
    refresh = serializers.CharField(max_length=2048)


class LogoutSerializer(RefreshSerializer):
    everywhere = serializers.BooleanField(
        default=False, help_text="End every sign-in of this person, not only this one."
    )


class TokenPairSerializer(serializers.Serializer):
    access = serializers.CharField(read_only=True, help_text="Good for 15 minutes.")
    refresh = serializers.CharField(read_only=True, help_text="Good for 7 days, once: it is replaced on use.")


class OwnSchoolSerializer(serializers.Serializer):
    code = serializers.CharField(read_only=True)
    name = serializers.CharField(read_only=True)
    timezone = serializers.CharField(read_only=True, help_text="IANA name; dates and times are local to it.")


class MeSerializer(serializers.Serializer):
    username = serializers.CharField(read_only=True)
    full_name = serializers.CharField(read_only=True)
    email = serializers.CharField(read_only=True)
    role = serializers.ChoiceField(choices=Role.choices, read_only=True)
    language = serializers.CharField(read_only=True, help_text="Empty: the school's.")
    school = OwnSchoolSerializer(
        read_only=True, allow_null=True, help_text="Null for operators of several schools."
    )
    enrollment_no = serializers.CharField(read_only=True, allow_null=True)
    employee_no = serializers.CharField(read_only=True, allow_null=True)
