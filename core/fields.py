"""Model fields whose values PostgreSQL never sees.

Fields of django-encrypted-model-fields with another lock: AES-256-GCM (`core.crypto`) bound to table and
column. As shipped they also encrypt the *text of an expression* in `update(F())` and `bulk_update()`, hand
tampered values out as if they were plain, and silently match nothing in filters. Here every one of these is
right or refused.

- NULL stays NULL; everything else is stored as ``g1.…`` text.
- Only ``isnull`` can be asked of the column: equality needs a blind index (`core.crypto.blind_index`) beside
  it, order and ranges are not to be had.
- A value is bound to ``db_table.column``: renaming either makes the old values unreadable (loudly), so a
  migration that renames has to read with the old name and write with the new one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from django.core.exceptions import FieldError
from django.core.validators import MaxLengthValidator, ProhibitNullCharactersValidator
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Case, Expression, Value
from django.db.models.functions import Cast
from django.db.models.lookups import IsNull
from django.utils.functional import cached_property

from core import crypto

if TYPE_CHECKING:
    # The library has no types; to a reader of models the fields behave like Django's own.
    class _LibraryMixin:
        pass

    _Text = models.TextField
    _Date = models.DateField
    _Base = models.Field
else:
    from encrypted_model_fields.fields import EncryptedDateField as _Date
    from encrypted_model_fields.fields import EncryptedMixin as _LibraryMixin
    from encrypted_model_fields.fields import EncryptedTextField as _Text

    _Base = object

#: What PostgreSQL would have to compare, compute or keep in clear.
_IMPOSSIBLE = ("unique", "db_index", "primary_key")


class SealedMixin(_Base):
    """Encrypts on the way in, decrypts on the way out, refuses what cannot be done on sealed values."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        wrong = [name for name in _IMPOSSIBLE if kwargs.get(name)]
        if kwargs.get("db_default", models.NOT_PROVIDED) is not models.NOT_PROVIDED:
            wrong.append("db_default")
        if wrong:
            raise FieldError(f"An encrypted column cannot have {', '.join(wrong)}.")
        super().__init__(*args, **kwargs)

    @cached_property
    def context(self) -> str:
        """What a value is bound to: ``table.column``."""
        return f"{self.model._meta.db_table}.{self.column}"

    def to_python(self, value: Any) -> Any:
        # Forms, full_clean and fixtures bring plain values: the library would try to decrypt them.
        return super(_LibraryMixin, self).to_python(value)  # type: ignore[misc] # the library's class is skipped

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        """The plain value. Raises core.crypto.DecryptionError for a tampered or misplaced one."""
        if value is None:
            return None
        return self.to_python(crypto.decrypt(value, context=self.context))

    def get_db_prep_save(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        """The sealed value. Raises FieldError for an expression not made of literals of this field."""
        if isinstance(value, Expression) or hasattr(value, "as_sql"):
            if not self._only_literals(value):
                raise FieldError(f"{self.context} is encrypted: it takes values, not database expressions.")
            return value
        plain = self.get_prep_value(value)
        return None if plain is None else crypto.encrypt(self.to_text(plain), context=self.context)

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        # Reached from comparisons and computed expressions only: what is saved goes through get_db_prep_save.
        if value is None:
            return None
        raise FieldError(f"{self.context} is encrypted: nothing can be compared or computed with it.")

    def to_text(self, value: Any) -> str:
        """The text that is sealed for a Python value."""
        return str(value)

    def get_lookups(self) -> dict[str, type[models.Lookup]]:
        return {"isnull": IsNull}

    def get_lookup(self, lookup_name: str) -> type[models.Lookup] | None:
        return self.get_lookups().get(lookup_name)

    def get_transform(self, lookup_name: str) -> None:
        return None

    def get_internal_type(self) -> str:
        return "TextField"

    def deconstruct(self) -> Any:
        # The library drops max_length, which validates the plain text and so belongs to the field.
        name, path, args, kwargs = super().deconstruct()
        if self.max_length is not None:
            kwargs["max_length"] = self.max_length
        return name, path, args, kwargs

    def _only_literals(self, expression: Any) -> bool:
        """Whether an expression can write nothing but `Value`s of this field: what bulk_update() builds."""
        if isinstance(expression, Value):
            return expression.value is None or self._is_own(expression.output_field)
        if isinstance(expression, Cast):
            return self._is_own(expression.output_field) and all(
                self._only_literals(source) for source in expression.get_source_expressions()
            )
        if isinstance(expression, Case):
            results = [case.result for case in expression.cases]
            return all(self._only_literals(result) for result in [*results, expression.default])
        return False

    def _is_own(self, field: Any) -> bool:
        return isinstance(field, SealedMixin) and field.context == self.context


class EncryptedTextField(SealedMixin, _Text):
    """Text; `max_length`, in characters, is that of the plain text."""

    @cached_property
    def validators(self) -> Sequence[Any]:  # type: ignore[override] # a cached property there as well
        found = [*super().validators, ProhibitNullCharactersValidator()]
        if self.max_length is not None:
            found.append(MaxLengthValidator(self.max_length))
        return found

    def formfield(self, **kwargs: Any) -> Any:
        # One way to say “nothing”: NULL where the column allows it.
        if self.null:
            kwargs.setdefault("empty_value", None)
        return super().formfield(**kwargs)


class EncryptedDateField(SealedMixin, _Date):
    """A calendar date, sealed as ``YYYY-MM-DD``."""

    def to_text(self, value: date) -> str:
        return value.isoformat()
