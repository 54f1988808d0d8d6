"""What scripts are saved as."""

import pytest

from mainmode.errors import PersonError
from mainmode.policy.netsh.decoding import decode_script

GERMAN = (
    "REM Regeln f\u00fcr B\u00fcros\r\n"
    'netsh ipsec static add policy name="Pr\u00fcfung gro\u00df"\r\n'
)
RUSSIAN = (
    "REM \u041f\u0440\u0430\u0432\u0438\u043b\u0430 \u0431\u0435\u0437\u043e\u043f\u0430\u0441"
    "\u043d\u043e\u0441\u0442\u0438 \u0434\u043b\u044f \u0432\u0441\u0435\u0445 "
    "\u043a\u043e\u043c\u043f\u044c\u044e\u0442\u0435\u0440\u043e\u0432 "
    "\u0441\u0435\u0442\u0438\r\n"
    'add policy name="\u041f\u043e\u043b\u0438\u0442\u0438\u043a\u0430" '
    'description="\u0417\u0430\u043f\u0440\u0435\u0449\u0430\u0435\u0442 \u0434\u043e\u0441\u0442'
    '\u0443\u043f \u043a \u0441\u0435\u0440\u0432\u0435\u0440\u0443"\r\n'
)
JAPANESE = 'add policy name="\u30bb\u30ad\u30e5\u30ea\u30c6\u30a3 \u30dd\u30ea\u30b7\u30fc"\r\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_unicode_says_what_it_is(encoding: str) -> None:
    decoded = decode_script(GERMAN.encode(encoding))
    assert decoded.text == GERMAN
    assert not decoded.guessed


def test_utf_16_without_its_mark() -> None:
    for encoding in ("utf-16-le", "utf-16-be"):
        decoded = decode_script(GERMAN.encode(encoding))
        assert (decoded.text, decoded.encoding, decoded.guessed) == (GERMAN, encoding, True)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [(GERMAN, "cp1252"), (GERMAN, "cp850"), (RUSSIAN, "cp1251"), (RUSSIAN, "cp866")],
)
def test_a_legacy_code_page_is_guessed(text: str, encoding: str) -> None:
    decoded = decode_script(text.encode(encoding))
    assert decoded.text == text
    assert decoded.guessed


def test_an_encoding_that_a_person_names_is_taken() -> None:
    decoded = decode_script(JAPANESE.encode("cp932"), "shift_jis")
    assert decoded.text == JAPANESE
    assert not decoded.guessed
    assert decode_script(GERMAN.encode("utf-16"), "utf-16").text == GERMAN


def test_plain_ascii_is_no_guess() -> None:
    assert not decode_script(b"netsh ipsec static delete all\r\n").guessed
    assert decode_script(b"").text == ""


@pytest.mark.parametrize("encoding", ["utf-9", "hex", "rot13"])
def test_no_such_encoding(encoding: str) -> None:
    with pytest.raises(PersonError, match="is no encoding") as mistake:
        decode_script(b"x", encoding)
    assert "cp1252" in mistake.value.fix


def test_not_what_a_person_says() -> None:
    with pytest.raises(PersonError) as mistake:
        decode_script(GERMAN.encode("cp1252"), "utf-8", "script.bat")
    assert (mistake.value.file, mistake.value.line) == ("script.bat", 1)
    assert "--encoding" in mistake.value.fix
