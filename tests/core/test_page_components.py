"""What the components of the pages say, in markup that needs neither colour nor sight."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django import forms
from django.template import Context, Template
from django.utils.html import strip_tags
from django.utils.translation import override

from core.templatetags import charts, ui


def rendered(source: str, **context: Any) -> str:
    return " ".join(Template("{% load ui charts %}" + source).render(Context(context)).split())


def summary(percentage: str | None, **counts: Any) -> SimpleNamespace:
    values = {"attended": 0, "counted": 0, "band": None, "need": 0, "can_miss": 0} | counts
    return SimpleNamespace(percentage=percentage and Decimal(percentage), **values)


def words(html: str) -> str:
    return " ".join(strip_tags(html).replace("&nbsp;", " ").split())


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (
            summary("78.26", attended=18, counted=23, band="clear", can_miss=1),
            "78.26 % 18 of 23 · may miss 1",
        ),
        (
            summary("71.43", attended=15, counted=21, band="condonable", need=3),
            "71.43 % 15 of 21 · condonable · attend the next 3",
        ),
        (
            summary("75.00", attended=Decimal("16.5"), counted=22, band="clear"),
            "75.00 % 16.5 of 22 · may miss none",
        ),
        (summary(None), "– no class held yet"),
    ],
)
def test_an_attendance_bar_says_in_words_what_it_draws(given: SimpleNamespace, text: str) -> None:
    assert words(rendered("{% attendance_bar given 75 %}", given=given)) == text


@pytest.mark.parametrize("language", ["en", "hi", "te"])
def test_the_threshold_stands_on_the_bar_in_every_language(language: str) -> None:
    with override(language):
        html = rendered(
            "{% attendance_bar given 75.5 %}", given=summary("71.43", attended=15, counted=21, need=3)
        )
    assert 'class="ch-bar-mark" x="75.5%"' in html
    assert 'width="71.43%"' in html


@pytest.mark.parametrize(
    ("status", "text"),
    [
        ("present", "P Present"),
        ("late", "L Late"),
        ("absent", "A Absent"),
        ("excused", "E Excused"),
        (None, "Unmarked"),
    ],
)
def test_a_status_is_shape_letter_and_word(status: str | None, text: str) -> None:
    html = rendered("{% status_badge status %}", status=status)
    assert f"#status-{status or 'unmarked'}" in html
    assert words(html.replace("</span>", "</span> ")) == text


@pytest.mark.parametrize(
    ("name", "letters"), [("Sravani Reddy", "SR"), ("శ్రావణి", "శ్రా"), ("अनन्या शर्मा", "अश"), ("", "")]
)
def test_initials_keep_the_letters_of_their_script_whole(name: str, letters: str) -> None:
    assert ui.initials(name) == letters


def test_a_wrong_field_is_tied_to_its_error_and_its_help() -> None:
    class Form(forms.Form):
        grace = forms.IntegerField(help_text="In minutes.")

    html = rendered("{% field form.grace %}", form=Form({"grace": "x"}))
    assert 'aria-describedby="id_grace_error id_grace_help"' in html
    assert 'aria-invalid="true"' in html
    assert 'id="id_grace_error"' in html
    assert 'id="id_grace_help"' in html


def test_what_a_person_typed_is_never_markup() -> None:
    html = rendered("{% stat label value %}{% icon name %}", label="<b>", value="<i>", name='"><script>')
    assert "<b>" not in html
    assert "<i>" not in html
    assert "<script>" not in html


def test_a_chart_leaves_a_gap_where_there_is_no_figure_and_says_so() -> None:
    points = [{"label": "Mon", "value": 80}, {"label": "Tue", "value": None}, {"label": "Wed", "value": 60}]
    chart = charts.line_chart(points, title="Attendance", mark=75)
    assert chart["segments"] == []
    assert [point["below"] for point in chart["points"]] == [False, False, True]
    assert "no data" in rendered("{% bar_chart points 'Attendance' %}", points=points)


def test_a_calendar_colours_a_day_by_what_most_deserves_a_look() -> None:
    days: dict[date, list[str | None]] = {date(2026, 2, 28): ["present", "absent"]}
    calendar = charts.attendance_calendar(days, date(2026, 2, 1), date(2026, 3, 1), date(2026, 2, 28))
    assert [month["first"] for month in calendar["months"]] == [date(2026, 3, 1), date(2026, 2, 1)]
    cells = [cell for week in calendar["months"][-1]["weeks"] for cell in week if cell]
    assert len(cells) == 28
    assert (cells[-1]["worst"], cells[-1]["today"], cells[0]["worst"]) == ("absent", True, "")


@pytest.mark.parametrize(
    ("status", "shape", "word"),
    [
        ("pending", "clock", "waiting"),
        ("approved", "check", "approved"),
        ("rejected", "close", "rejected"),
        ("cancelled", "status-unmarked", "cancelled"),
        ("revoked", "undo", "revoked"),
    ],
)
def test_the_state_of_a_request_is_told_by_shape_and_word(status: str, shape: str, word: str) -> None:
    html = rendered("{% request_badge status %}", status=status)
    assert f"#{shape}" in html
    assert words(html) == word
