"""An encrypted column holds no plaintext and notices tampering; what it cannot do right, it refuses."""

from __future__ import annotations

import os
from datetime import date
from typing import Any

import pytest
from django.contrib import admin
from django.core import serializers
from django.core.exceptions import FieldError, ValidationError
from django.db import connection, transaction
from django.db.models import Case, F, Value, When
from django.db.models.functions import Concat, Upper
from django.forms import modelform_factory
from django.test import RequestFactory

from academics.models import Student
from accounts.models import User
from core import crypto
from core.crypto import DecryptionError
from core.fields import EncryptedDateField, EncryptedTextField
from tests.factories import StudentFactory, UserFactory

pytestmark = pytest.mark.django_db

PHONE = "+91 98480 22338"
NAMES = [
    "వెంకట రమణ, 98480",
    "अनन्या",
    "O'Brien; DROP TABLE",
    "🎓",
    "‏أحمد",
    "",
    " ",
    "g1.k1.AAAA",
    "NULL",
    "a" * 200,
]


def stored(model: type[User] | type[Student], column: str, pk: int) -> str | None:
    """What PostgreSQL really has."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {model._meta.db_table} WHERE id = %s", [pk])
        return cursor.fetchone()[0]


def overwrite(model: type[User] | type[Student], column: str, pk: int, value: str | None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {model._meta.db_table} SET {column} = %s WHERE id = %s", [value, pk])


def test_column_holds_no_plaintext() -> None:
    user = UserFactory(phone=PHONE)
    student = StudentFactory(user=user, date_of_birth=date(2004, 2, 29), guardian_contact="Lakshmi 98480")
    texts = [
        stored(User, "phone", student.user_id),
        stored(Student, "date_of_birth", student.pk),
        stored(Student, "guardian_contact", student.pk),
    ]

    assert all(text is not None and text.startswith("g1.") and len(text.split(".")) == 3 for text in texts)
    for secret in ("98480", "22338", "2004", "Lakshmi"):
        assert not any(secret in str(text) for text in texts)


@pytest.mark.parametrize("text", NAMES)
def test_every_text_comes_back_as_it_was(text: str) -> None:
    student = StudentFactory(guardian_contact=text)

    assert Student.objects.get(pk=student.pk).guardian_contact == text
    assert Student.objects.values_list("guardian_contact", flat=True).get(pk=student.pk) == text


@pytest.mark.parametrize("day", [date(1, 1, 1), date(2004, 2, 29), date(9999, 12, 31)])
def test_every_date_comes_back_as_a_date(day: date) -> None:
    student = StudentFactory(date_of_birth=day)

    assert Student.objects.get(pk=student.pk).date_of_birth == day


def test_equal_values_look_different_when_stored() -> None:
    first, second = UserFactory(phone=PHONE), UserFactory(phone=PHONE)

    assert stored(User, "phone", first.pk) != stored(User, "phone", second.pk)


def test_null_stays_null_and_can_be_asked_for() -> None:
    without, with_phone = UserFactory(phone=None), UserFactory(phone=PHONE)

    assert stored(User, "phone", without.pk) is None
    assert User.objects.get(phone__isnull=True) == without
    assert User.objects.get(phone__isnull=False) == with_phone


# --- tampering ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda token: "98480 22338", id="plain text"),
        pytest.param(lambda token: "", id="empty"),
        pytest.param(lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"), id="last character"),
        pytest.param(lambda token: token[:8] + ("A" if token[8] != "A" else "B") + token[9:], id="nonce"),
        pytest.param(lambda token: token[:-4], id="truncated"),
        pytest.param(lambda token: token + "AAAA", id="longer"),
        pytest.param(lambda token: token + "=", id="padded"),
        pytest.param(lambda token: "g1." + token.split(".")[1] + ".", id="nothing sealed"),
        pytest.param(lambda token: "g2." + token.partition(".")[2], id="unknown format"),
        pytest.param(lambda token: "g1.lost." + token.split(".")[2], id="unknown key"),
        pytest.param(lambda token: token.replace(".", ".!", 2), id="not base64"),
        pytest.param(lambda token: "gAAAAABmZm9v", id="the library's own format"),
    ],
)
def test_tampered_value_raises(spoil: Any) -> None:
    user = UserFactory(phone=PHONE)
    overwrite(User, "phone", user.pk, spoil(stored(User, "phone", user.pk)))

    with pytest.raises(DecryptionError):
        User.objects.get(pk=user.pk)


def test_value_moved_to_another_column_raises() -> None:
    student = StudentFactory(user=UserFactory(phone=PHONE), guardian_contact="Lakshmi")
    overwrite(Student, "guardian_contact", student.pk, stored(User, "phone", student.user_id))

    with pytest.raises(DecryptionError, match="does not belong to academics_student"):
        Student.objects.get(pk=student.pk)


def test_error_says_which_key_is_missing(settings: Any) -> None:
    user = UserFactory(phone=PHONE)
    settings.CAMPUSHUB_ENCRYPTION_KEYS = {"other": os.urandom(32)}

    with pytest.raises(DecryptionError, match="which is not configured"):
        User.objects.get(pk=user.pk)


def test_new_key_encrypts_and_the_old_one_still_decrypts(settings: Any) -> None:
    user = UserFactory(phone=PHONE)
    settings.CAMPUSHUB_ENCRYPTION_KEYS = {"next": os.urandom(32), **settings.CAMPUSHUB_ENCRYPTION_KEYS}

    user = User.objects.get(pk=user.pk)
    assert user.phone == PHONE
    user.save()

    token = stored(User, "phone", user.pk)
    assert token is not None
    assert crypto.key_id_of(token) == "next"
    assert User.objects.get(pk=user.pk).phone == PHONE


# --- bulk_update(), update(), expressions ------------------------------------------------------------------


def test_bulk_update_writes_each_rows_own_value() -> None:
    students = StudentFactory.create_batch(3, guardian_contact="before", date_of_birth=date(2000, 1, 1))
    for number, student in enumerate(students):
        student.guardian_contact = None if number == 2 else f"after {number}"
        student.date_of_birth = date(2001, 1, 1 + number)
    Student.objects.bulk_update(students, ["guardian_contact", "date_of_birth"])

    rows = Student.objects.order_by("pk").values_list("guardian_contact", "date_of_birth")
    assert list(rows) == [
        ("after 0", date(2001, 1, 1)),
        ("after 1", date(2001, 1, 2)),
        (None, date(2001, 1, 3)),
    ]
    token = stored(Student, "guardian_contact", students[0].pk)
    assert token is not None
    assert token.startswith("g1.")


def test_bulk_create_encrypts_and_its_upsert_keeps_the_value_readable() -> None:
    school = UserFactory().school
    User.objects.bulk_create([User(username=f"u{n}", school=school, phone=f"{n}") for n in range(3)])
    User.objects.bulk_create(
        [User(username="u1", school=school, phone="new")],
        update_conflicts=True,
        unique_fields=["username"],
        update_fields=["phone"],
    )

    phones = User.objects.filter(username__startswith="u").values_list("phone", flat=True)
    assert list(phones.order_by("username")) == ["0", "new", "2"]


def test_update_with_a_value_encrypts_it() -> None:
    student = StudentFactory(guardian_contact="before")
    Student.objects.filter(pk=student.pk).update(guardian_contact="after", date_of_birth="2004-02-29")

    student = Student.objects.get(pk=student.pk)
    assert (student.guardian_contact, student.date_of_birth) == ("after", date(2004, 2, 29))


@pytest.mark.parametrize(
    "expression",
    [
        pytest.param(F("phone"), id="itself"),
        pytest.param(F("email"), id="another column"),
        pytest.param(Value("plain"), id="a literal of unknown kind"),
        pytest.param(Concat(F("phone"), Value("1")), id="a function"),
        pytest.param(Upper("phone"), id="a transform"),
        pytest.param(Case(When(is_active=True, then=F("email")), default=Value(None)), id="a case"),
        pytest.param(User.objects.values("email")[:1], id="a subquery"),
    ],
)
def test_expression_is_refused_and_nothing_changes(expression: Any) -> None:
    user = UserFactory(phone=PHONE)

    with pytest.raises(FieldError, match="is encrypted"), transaction.atomic():
        User.objects.filter(pk=user.pk).update(phone=expression)

    assert User.objects.get(pk=user.pk).phone == PHONE


def test_expression_on_an_object_is_refused_by_save_and_bulk_update() -> None:
    user = UserFactory(phone=PHONE)
    user.phone = F("email")

    with pytest.raises(FieldError), transaction.atomic():
        user.save()
    with pytest.raises(FieldError), transaction.atomic():
        User.objects.bulk_update([user], ["phone"])
    assert User.objects.get(pk=user.pk).phone == PHONE


def test_expression_cannot_carry_a_sealed_column_into_another_silently() -> None:
    UserFactory(phone=PHONE)

    with pytest.raises(DecryptionError):
        list(User.objects.annotate(loud=Upper("phone")).values_list("loud", flat=True))


@pytest.mark.parametrize(
    "asked",
    [
        {"phone": PHONE},
        {"phone__exact": PHONE},
        {"phone__iexact": PHONE},
        {"phone__contains": "98480"},
        {"phone__in": [PHONE]},
        {"phone__gt": "0"},
        {"phone__regex": "9"},
    ],
)
def test_filter_by_value_is_refused_rather_than_empty(asked: dict[str, Any]) -> None:
    with pytest.raises(FieldError, match="Unsupported lookup"):
        User.objects.filter(**asked).exists()


@pytest.mark.parametrize("asked", [{"date_of_birth": date(2004, 2, 29)}, {"date_of_birth__year": 2004}])
def test_filter_by_date_is_refused_rather_than_empty(asked: dict[str, Any]) -> None:
    with pytest.raises(FieldError, match="Unsupported lookup"):
        Student.objects.filter(**asked).exists()


# --- forms, fixtures, migrations ---------------------------------------------------------------------------


def test_length_is_that_of_the_plain_text() -> None:
    user = UserFactory(phone="9" * 32)
    user.full_clean()
    user.phone = "9" * 33

    with pytest.raises(ValidationError, match="at most 32 characters"):
        user.full_clean()


def test_nul_byte_is_refused_by_validation() -> None:
    user = UserFactory(phone="9\x00")

    with pytest.raises(ValidationError, match="Null characters"):
        user.full_clean()


def test_form_shows_and_saves_plain_values_and_empties_to_null() -> None:
    student = StudentFactory(date_of_birth=date(2004, 2, 29), guardian_contact="Lakshmi")
    form_class = modelform_factory(Student, fields=["date_of_birth", "guardian_contact"])

    assert 'value="2004-02-29"' in str(form_class(instance=student)["date_of_birth"])
    form = form_class({"date_of_birth": "2005-03-01", "guardian_contact": ""}, instance=student)
    assert form.is_valid(), form.errors
    form.save()

    student = Student.objects.get(pk=student.pk)
    assert (student.date_of_birth, student.guardian_contact) == (date(2005, 3, 1), None)
    assert stored(Student, "guardian_contact", student.pk) is None
    assert not form_class({"date_of_birth": "tomorrow"}, instance=student).is_valid()
    assert not form_class({"guardian_contact": "x" * 201}, instance=student).is_valid()


def test_admin_offers_its_own_controls() -> None:
    request = RequestFactory().get("/")
    options = admin.ModelAdmin(Student, admin.site)

    born = options.formfield_for_dbfield(Student._meta.get_field("date_of_birth"), request)
    contact = options.formfield_for_dbfield(Student._meta.get_field("guardian_contact"), request)

    assert type(born.widget).__name__ == "AdminDateWidget"
    assert type(contact.widget).__name__ == "AdminTextareaWidget"


def test_dumped_row_can_be_loaded() -> None:
    student = StudentFactory(date_of_birth=date(2004, 2, 29), guardian_contact="Lakshmi")
    dumped = serializers.serialize("json", [student])
    Student.objects.filter(pk=student.pk).update(date_of_birth=None, guardian_contact=None)
    for row in serializers.deserialize("json", dumped):
        row.save()

    student = Student.objects.get(pk=student.pk)
    assert (student.date_of_birth, student.guardian_contact) == (date(2004, 2, 29), "Lakshmi")


def test_field_describes_itself_fully_to_migrations() -> None:
    for field in (EncryptedTextField(max_length=32, null=True), EncryptedDateField(blank=True)):
        _, path, args, kwargs = field.deconstruct()
        assert path == f"core.fields.{type(field).__name__}"
        assert type(field)(*args, **kwargs).deconstruct()[2:] == (args, kwargs)
    assert EncryptedTextField(max_length=32).deconstruct()[3] == {"max_length": 32}


@pytest.mark.parametrize(
    "option", [{"unique": True}, {"db_index": True}, {"primary_key": True}, {"db_default": ""}]
)
def test_field_refuses_what_postgresql_would_need_the_value_for(option: dict[str, Any]) -> None:
    with pytest.raises(FieldError, match="An encrypted column cannot have"):
        EncryptedTextField(**option)


# --- crypto ------------------------------------------------------------------------------------------------


def test_blind_index_is_equal_for_equal_values_of_one_purpose_only() -> None:
    index = crypto.blind_index(PHONE, purpose="phone")

    assert len(index) == 64
    assert index == crypto.blind_index(PHONE, purpose="phone")
    assert index != crypto.blind_index(PHONE + " ", purpose="phone")
    assert index != crypto.blind_index(PHONE, purpose="guardian")


def test_blind_index_cannot_be_made_without_the_key(settings: Any) -> None:
    before = crypto.blind_index(PHONE, purpose="phone")
    settings.CAMPUSHUB_BLIND_INDEX_KEY = os.urandom(32)

    assert crypto.blind_index(PHONE, purpose="phone") != before


def test_fingerprint_tells_equal_from_different_and_nothing_else() -> None:
    assert crypto.fingerprint("a") == crypto.fingerprint("a") != crypto.fingerprint("b")
    assert crypto.fingerprint("a").startswith("fp:")
    assert len(crypto.fingerprint("a")) == 27
    assert crypto.fingerprint("a")[3:] != crypto.blind_index("a", purpose="phone")[:24]


def test_text_without_a_form_in_utf8_is_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        crypto.encrypt("\ud800", context="t.c")
