"""The Hindi and Telugu catalogues are whole: what the site can say in English it says in them too."""

from __future__ import annotations

import ast
import gettext
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.utils import translation
from django.utils.translation.template import templatize

ROOT = Path(settings.BASE_DIR)
LANGUAGES = [code for code, _name in settings.LANGUAGES if code != settings.LANGUAGE_CODE]

#: How a GNU catalogue joins a context to its text.
CONTEXT = "\x04"

#: Which arguments of a call are the context, the text and its plural; lazy and noop twins take the same.
ARGUMENTS = {
    "gettext": (None, 0, None),
    "ngettext": (None, 0, 1),
    "pgettext": (0, 1, None),
    "npgettext": (0, 1, 2),
}

#: What a text is filled with: %(name)s, %s, %%, {name}; and the markup around it.
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[a-z%]|\{[^{}]*\}|<[^>]+>")


@dataclass
class Entry:
    """One text of a .po file; `said` has one form, or one for each plural."""

    context: str | None = None
    text: str = ""
    plural: str = ""
    said: dict[int, str] = field(default_factory=dict)
    fuzzy: bool = False

    @property
    def key(self) -> str:
        return self.text if self.context is None else f"{self.context}{CONTEXT}{self.text}"

    def add(self, keyword: str, more: str) -> None:
        if keyword == "msgctxt":
            self.context = (self.context or "") + more
        elif keyword == "msgid":
            self.text += more
        elif keyword == "msgid_plural":
            self.plural += more
        else:
            form = int(keyword[len("msgstr[") : -1]) if "[" in keyword else 0
            self.said[form] = self.said.get(form, "") + more


def parsed(path: Path) -> list[Entry]:
    """The entries of a .po file in their order, its header first. Obsolete ones are no entries."""
    found: list[Entry] = []
    keyword, fuzzy, current = "", False, Entry()
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if line.startswith("#,"):
            fuzzy = "fuzzy" in line
        if not line.strip() or line.startswith("#"):
            continue
        match = re.fullmatch(r'(?:(msgctxt|msgid|msgid_plural|msgstr(?:\[\d\])?) )?(".*")', line)
        assert match is not None, f"{path}:{number} is not understood"
        # The first keyword after a translation begins the next entry.
        if match[1] in ("msgctxt", "msgid") and (keyword.startswith("msgstr") or not found):
            current, fuzzy = Entry(fuzzy=fuzzy), False
            found.append(current)
        keyword = match[1] or keyword
        current.add(keyword, ast.literal_eval(match[2]))
    return found


def folder(language: str) -> Path:
    return ROOT / "locale" / language / "LC_MESSAGES"


def entries(language: str) -> list[Entry]:
    return [entry for entry in parsed(folder(language) / "django.po") if entry.text]


def marked(call: ast.Call) -> tuple[str, str] | None:
    """The key and the plural that a call marks for translation; None for other calls and for variables."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    name = "gettext" if name == "_" else name.removesuffix("_lazy").removesuffix("_noop")
    if name not in ARGUMENTS:
        return None
    given = [arg.value if isinstance(arg, ast.Constant) else None for arg in call.args]
    context, text, plural = (None if at is None else given[at] for at in ARGUMENTS[name])
    if not isinstance(text, str):
        return None
    return (f"{context}{CONTEXT}{text}" if context else text), str(plural or "")


def calls_of_template(text: str, name: str) -> Iterator[ast.Call]:
    """What `makemessages` finds in a template: Django writes its tags as calls, amid what is no Python."""
    source = templatize(text, origin=name)
    for found in re.finditer(r"\b(?:_|n?p?gettext)\(", source):
        depth, words = 0, []
        for token in tokenize.generate_tokens(io.StringIO(source[found.start() :]).readline):
            words.append(token.string)
            depth += {"(": 1, ")": -1}.get(token.string, 0)
            if token.string == ")" and not depth:
                break
        call = ast.parse("".join(words), mode="eval").body
        assert isinstance(call, ast.Call)
        yield call


def texts() -> dict[str, tuple[str, Path]]:
    """Every text marked for translation in the project's code and templates: its plural and where it is."""
    places = [Path(app.path) for app in apps.get_app_configs() if Path(app.path).parent == ROOT]
    found: dict[str, tuple[str, Path]] = {}
    for place in (*places, ROOT / "campushub", ROOT / "templates"):
        for path in sorted([*place.rglob("*.py"), *place.rglob("*.html"), *place.rglob("*.txt")]):
            source = path.read_text(encoding="utf-8")
            if path.suffix == ".py":
                calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
            else:
                calls = calls_of_template(source, path.name)
            for key, plural in filter(None, map(marked, calls)):
                found.setdefault(key, (plural, path.relative_to(ROOT)))
    return found


@pytest.fixture(scope="module")
def used() -> dict[str, tuple[str, Path]]:
    return texts()


def test_there_are_languages_to_look_at() -> None:
    assert set(LANGUAGES) == {"hi", "te"}
    assert all(len(entries(language)) > 700 for language in LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated_in_all_its_forms_and_none_is_a_guess(language: str) -> None:
    for entry in entries(language):
        assert sorted(entry.said) == ([0, 1] if entry.plural else [0]), entry.key
        assert all(form.strip() for form in entry.said.values()), entry.key
        assert not entry.fuzzy, entry.key


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_are_filled_with_what_the_text_is_filled_with(language: str) -> None:
    for entry in entries(language):
        # One form may spell out what the other counts: “One field …”, “%(n)s fields …”.
        expected = [entry.text, entry.plural] if entry.plural else [entry.text]
        wanted = [sorted(PLACEHOLDER.findall(text)) for text in expected]
        for form, said in entry.said.items():
            assert sorted(PLACEHOLDER.findall(said)) == wanted[form], (entry.key, said)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_catalogue_is_what_the_source_says(language: str) -> None:
    with (folder(language) / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    said = {
        (entry.key, form if entry.plural else None): text
        for entry in entries(language)
        for form, text in entry.said.items()
    }
    # gettext has no other way to ask for all of a catalogue. A key of a plural is (text, form).
    catalogue = compiled._catalog  # type: ignore[attr-defined] # private, so its stubs leave it out; the only way to all entries
    held = {(key if isinstance(key, tuple) else (key, None)): text for key, text in catalogue.items() if key}
    assert held == said, "run: bin/manage compilemessages -l hi -l te"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_of_the_code_and_the_templates_is_in_the_catalogue_and_no_other(
    language: str, used: dict[str, tuple[str, Path]]
) -> None:
    held = {entry.key: entry.plural for entry in entries(language)}
    assert {key: used[key] for key in used.keys() - held.keys()} == {}, "CONTRIBUTING.md tells how to add"
    assert held.keys() - used.keys() == set(), "nothing says these any more"
    for key, (plural, path) in used.items():
        # The same text may stand elsewhere without a plural; then the catalogue's entry has one.
        assert plural in ("", held[key]), (key, path)


def test_texts_are_found_in_code_in_tags_and_in_blocks(used: dict[str, tuple[str, Path]]) -> None:
    """The check above would be green, too, if it found nothing."""
    template = (
        '{% translate "Plain" %}{% translate "Now" context "state" %}{{ _("Said") }}'
        "{% blocktranslate trimmed count n=n %}\n One {{ a }}\n{% plural %}\n {{ n }} \n{% endblocktranslate %}"
    )
    assert [marked(call) for call in calls_of_template(template, "t.html")] == [
        ("Plain", ""),
        (f"state{CONTEXT}Now", ""),
        ("Said", ""),
        ("One %(a)s", "%(n)s"),
    ]
    assert used["You may not do that."] == ("", Path("core/errors.py"))


@pytest.mark.parametrize(("language", "said"), [("hi", "आपको इसका अधिकार नहीं है।"), ("te", "మీరు దీన్ని చేయలేరు.")])
def test_a_refusal_is_said_in_the_language_of_the_person(language: str, said: str) -> None:
    with translation.override(language):
        assert translation.gettext("You may not do that.") == said
