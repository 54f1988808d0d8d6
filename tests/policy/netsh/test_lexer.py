"""Words and tags of one command."""

import pytest

from mainmode.policy.mistakes import WordError
from mainmode.policy.netsh.lexer import quote, tokens_of, words_of_arguments, words_of_line


def tokens(line: str) -> list[tuple[str, str]]:
    return [(token.tag, token.value) for token in tokens_of(words_of_line(line))]


@pytest.mark.parametrize(
    "line",
    ['name="a b"', 'name = "a b"', 'name ="a b"', 'name= "a b"', '"name"="a b"', 'na"me=a b"'],
)
def test_blanks_and_quotes_around_an_equals_sign(line: str) -> None:
    expected = ("", "name=a b") if line.startswith("na") and line.endswith('e=a b"') else None
    assert tokens(line) == [expected or ("name", "a b")]


def test_words_and_tags() -> None:
    assert tokens('add policy "my policy" mmpfs = no assign=y') == [
        *(("", "add"), ("", "policy"), ("", "my policy")),
        *(("mmpfs", "no"), ("assign", "y")),
    ]


def test_an_equals_sign_in_a_value() -> None:
    assert tokens('rootca="CN=Root, O=X"') == [("rootca", "CN=Root, O=X")]
    assert tokens("psk=a=b==") == [("psk", "a=b==")]
    assert tokens('"CN=Root"') == [("", "CN=Root")]


def test_an_empty_value() -> None:
    assert tokens('description="" name=x') == [("description", ""), ("name", "x")]
    assert tokens("description= name=x") == [("description", ""), ("name", "x")]
    assert tokens("description= name = x") == [("description", ""), ("name", "x")]
    assert tokens("name=") == [("name", "")]


def test_backslashes_count_before_quotes_alone() -> None:
    assert tokens(r"file=C:\a\b") == [("file", r"C:\a\b")]
    assert tokens(r'name="a \"b\" \\"') == [("name", 'a "b" \\')]


def test_what_a_shell_has_taken_apart() -> None:
    words = words_of_arguments(["add", "policy", "name=my policy", "assign", "=", "yes"])
    assert [str(token) for token in tokens_of(words)] == [
        *("add", "policy", "name=my policy", "assign=yes")
    ]


@pytest.mark.parametrize("line", ["= x", "a = = x", 'name="x'])
def test_broken_lines(line: str) -> None:
    with pytest.raises(WordError):
        tokens(line)


def test_quotes_only_where_they_are_needed() -> None:
    assert [quote(each) for each in ("web", "my web", "", 'a"b', "a\\")] == [
        *("web", '"my web"', '""', r'"a\"b"', "a\\")
    ]
