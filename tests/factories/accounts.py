from __future__ import annotations

from functools import cache

import factory
from django.contrib.auth.hashers import make_password

from accounts.enums import Role
from accounts.models import School, User

PASSWORD = "correct-horse-battery"


@cache
def _hash() -> str:
    """Argon2 is slow on purpose: once per run is enough."""
    return make_password(PASSWORD)


class SchoolFactory(factory.django.DjangoModelFactory[School]):
    class Meta:
        model = School
        skip_postgeneration_save = True

    name = factory.Sequence(lambda n: f"College {n}")
    code = factory.Sequence(lambda n: f"col{n}")
    timezone = "Asia/Kolkata"

    @factory.post_generation
    def configuration(school: School, create: bool, extracted: object, **values: object) -> None:
        """``SchoolFactory(configuration__grace_period_minutes=0)`` sets the school's rules."""
        from attendance.models import AttendanceConfiguration

        AttendanceConfiguration.objects.update_or_create(school=school, defaults=values)


class UserFactory(factory.django.DjangoModelFactory[User]):
    class Meta:
        model = User

    school = factory.SubFactory(SchoolFactory)
    role = Role.ADMIN
    full_name = factory.Sequence(lambda n: f"Person {n}")
    username = factory.Sequence(lambda n: f"person{n}")
    email = factory.LazyAttribute(lambda user: f"{user.username.partition('@')[0]}@example.edu")
    password = factory.LazyFunction(_hash)
