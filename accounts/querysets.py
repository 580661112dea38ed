"""Filters of accounts, and who sees what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.base_user import BaseUserManager
from django.db import models

from accounts.enums import Role

if TYPE_CHECKING:
    from accounts.models import School, User  # noqa: F401 - named in annotations


class SchoolQuerySet(models.QuerySet["School"]):
    def visible_to(self, user: User) -> SchoolQuerySet:
        """Superusers see every school, everybody else their own."""
        if user.role == Role.SUPERUSER:
            return self
        return self.filter(pk=user.school_id)


class UserQuerySet(models.QuerySet["User"]):
    def visible_to(self, user: User) -> UserQuerySet:
        """Admins see the people of their school, others themselves."""
        if user.role == Role.SUPERUSER:
            return self
        if user.role == Role.ADMIN:
            return self.filter(school_id=user.school_id)
        return self.filter(pk=user.pk)


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):  # type: ignore[misc] # built at run time
    """Creates users whose names are kept in lower case. Who is staff follows from the role."""

    use_in_migrations = True

    def create_user(
        self, username: str, email: str | None = None, password: str | None = None, **extra: Any
    ) -> User:
        """A user with that name in lower case; without a password nobody can sign in as them."""
        if not username:
            raise ValueError("a user needs a user name")
        user: User = self.model(
            username=self.model.normalize_username(username).lower(),
            email=self.normalize_email(email),
            **extra,
        )
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(
        self, username: str, email: str | None = None, password: str | None = None, **extra: Any
    ) -> User:
        """An operator of several schools, who may do everything in Django admin."""
        return self.create_user(
            username, email, password, **(extra | {"role": Role.SUPERUSER, "is_superuser": True})
        )
