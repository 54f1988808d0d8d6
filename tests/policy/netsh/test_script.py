"""Batch files and scripts of netsh: which lines are commands, which are left out and why."""

import pytest

from mainmode.policy.netsh.lexer import tokens_of
from mainmode.policy.netsh.script import BrokenLine, Script, read_script


def commands(script: Script) -> list[str]:
    """Mode and words of each."""
    found = []
    for each in script.commands:
        assert not isinstance(each, BrokenLine)
        found.append(" ".join([each.mode, *(str(token) for token in tokens_of(each.words))]))
    return found


def left_out(text: str) -> dict[int, str]:
    return {each.line: each.reason for each in read_script(text).left_out}


REAL = """\
@echo off && setlocal
REM A policy for web servers ^
:: second kind of comment
cls & title Policy
set NAME=web server
set "LIST=%NAME% traffic"

echo Making the policy...
netsh ipsec static ^
  add policy name="%NAME%" >nul 2>&1
@%windir%\\system32\\netsh.exe ipsec static add filterlist "%LIST%" || echo it failed
NETSH.EXE IPSEC STATIC ADD FILTER "%LIST%" any me >> log.txt & netsh ipsec static sh al
"C:\\Windows\\System32\\netsh.exe" ipsec dynamic set config ikelogging 1 && pause
netsh -c "ipsec static" add policy 100%%
echo. & pause
"""


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_a_batch_file(ending: str) -> None:
    script = read_script(REAL.replace("\n", ending))
    assert commands(script) == [
        "static add policy name=web server",
        "static add filterlist web server traffic",
        "static ADD FILTER web server traffic any me",
        "static sh al",
        "dynamic set config ikelogging 1",
        "static add policy 100%",
    ]
    assert script.left_out == ()
    assert [each.line for each in script.commands] == [9, 11, 12, 12, 13, 14]


def test_a_script_of_netsh() -> None:
    script = read_script(
        """\
# dump
pushd ipsec static
add policy name="100%sure" description="a ^ & b"
set policy name="100%sure" assign=yes
..
dynamic
set config ikelogging 0
popd
ipsec static add policy z
ip st
delete all
netsh ipsec static show all
exit
add policy never
"""
    )
    assert commands(script) == [
        "static add policy name=100%sure description=a ^ & b",
        "static set policy name=100%sure assign=yes",
        "dynamic set config ikelogging 0",
        "static add policy z",
        "static delete all",
        "static show all",
    ]
    assert [(each.line, each.reason) for each in script.left_out] == [
        (14, "the script ends in line 13")
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("net stop policyagent", "it is not netsh ipsec"),
        ("netsh firewall reset", "it is not netsh ipsec"),
        ("netsh ipsec static", "it waits for commands to be typed"),
        ("netsh -f other.txt", "netsh -f is not followed from a script"),
        ("netsh -r server ipsec static delete all", "netsh -r is not followed from a script"),
        ("netsh ipsec static add policy %1", "%1 is an argument of the script"),
        ("netsh ipsec static add policy %~n0", "%~n0 is an argument of the script"),
        ("netsh ipsec static add policy %COMPUTERNAME%", "%COMPUTERNAME% is not set in the script"),
        ("set /a N=1+1", "N is computed or asked for"),
        ("set /p N=Name?", "N is computed or asked for"),
        ("set", "it sets nothing"),
        ("if exist x netsh ipsec static delete all", "it is under a condition"),
        ("for %%i in (1 2) do netsh ipsec static add policy %%i", "it is a loop"),
        ("(netsh ipsec static delete all)", "it is a block"),
        ("netsh ipsec static show all | find x", "it is part of a pipe"),
        ("goto nowhere", "it jumps back, or nowhere"),
        ("call :part", "it is not netsh ipsec"),
    ],
)
def test_what_is_left_out(text: str, reason: str) -> None:
    script = read_script(f"\n{text}\n")
    assert script.commands == ()
    assert (script.left_out[0].line, script.left_out[0].reason) == (2, reason)


def test_what_runs_only_after_a_failure() -> None:
    text = "netsh ipsec static delete all || netsh ipsec static add policy x"
    script = read_script(text)
    assert commands(script) == ["static delete all"]
    assert script.left_out[0].reason == "it runs only after a failure"


def test_a_variable_that_is_computed_spoils_the_lines_that_use_it() -> None:
    found = left_out(
        "set A=%DATE%\nset B=%A%x\nnetsh ipsec static add policy %B%\n"
        "set C=abc\nnetsh ipsec static add policy %C:~0,1%\n"
    )
    assert found == {
        1: "%DATE% is not set in the script",
        2: "%A% is computed",
        3: "%B% is computed",
        5: "%C:~0,1% is computed",
    }


def test_delayed_variables_are_computed() -> None:
    text = "setlocal EnableDelayedExpansion\nset A=x\nnetsh ipsec static add policy !A!\n"
    assert left_out(text) == {3: "!A! is computed when the line runs"}
    assert commands(read_script(text.split("\n", 1)[1])) == ["static add policy !A!"]


def test_a_block_under_a_condition_is_left_out_whole() -> None:
    text = (
        "if a==b (\n netsh ipsec static delete all\n) else (\n echo )\n)\nnetsh ipsec static dump"
    )
    script = read_script(text.replace("echo )", "echo no"))
    assert commands(script) == ["static dump"]
    assert {each.line: each.reason for each in script.left_out}[2] == "it is in the block of line 1"


def test_jumps_forward_are_followed() -> None:
    text = "goto main\n:part\nnetsh ipsec static delete all\ngoto :eof\n:main\ncall :part\n"
    script = read_script(f"{text}netsh ipsec static dump\nexit /b\nnetsh ipsec static delete all")
    assert commands(script) == ["static dump"]
    assert {each.line: each.reason for each in script.left_out} == {
        3: "the script jumps over it",
        4: "the script jumps over it",
        6: "it is not netsh ipsec",
        9: "the script ends in line 8",
    }


@pytest.mark.parametrize("jump", ["goto END", "goto:end", "@GoTo :End", "goto : end"])
def test_labels_have_no_case(jump: str) -> None:
    script = read_script(f"{jump}\nnetsh ipsec static delete all\n:End\nnetsh ipsec static dump")
    assert commands(script) == ["static dump"]


@pytest.mark.parametrize("end", ["goto:eof", "GOTO :EOF", "exit/b", "exit /b 0", "@exit"])
def test_what_stands_behind_the_end_is_left_out(end: str) -> None:
    assert left_out(f"{end}\nnetsh ipsec static delete all") == {2: "the script ends in line 1"}


def test_carets_and_operators_in_quotes_are_letters() -> None:
    text = 'netsh ipsec static add policy "a & b ^ > c" d^&e\n'
    assert commands(read_script(text)) == ["static add policy a & b ^ > c d&e"]


def test_a_digit_touching_a_redirection_is_its_handle() -> None:
    text = 'netsh ipsec static add policy x1>nul 2>"my log.txt"\n'
    assert commands(read_script(text)) == ["static add policy x1"]


def test_folders_pushed_are_no_contexts() -> None:
    text = "pushd C:\\scripts\nset N=x\nnetsh ipsec static add policy %N%\npopd\n"
    assert commands(read_script(text)) == ["static add policy x"]


def test_a_missing_quote_is_told_where_the_command_stands() -> None:
    (broken,) = read_script('\nnetsh ipsec static add policy "x\n').commands
    assert isinstance(broken, BrokenLine)
    assert broken.line == 2


def test_keys_stay_out_of_the_list() -> None:
    for line in ("netsh ipsec static add rule %X% psk=geheim", 'netsh x psk = "geheim geheim"'):
        (out,) = read_script(line).left_out
        assert "geheim" not in out.text
