"""Every command, as Windows' help has it: by tags, by position, shortened; and what is wrong."""

from typing import Any

import pytest

from mainmode.policy.mistakes import WordError
from mainmode.policy.netsh.commands import Command, Form, Parameter
from mainmode.policy.netsh.lexer import quote, words_of_line
from mainmode.policy.netsh.parsing import FORMS, HelpWanted, parse_command
from mainmode.policy.netsh.usage import usage

ALL_FORMS = [form for forms in FORMS.values() for form in forms]
SAMPLES = {
    "guid": "{62f49e10-6c37-11d1-864c-14a300000000}",
    "id": "1",
    "mmpfs": "yes",
    "qmpermm": "2",
    "mmlifetime": "480",
    "activatedefaultrule": "no",
    "pollinginterval": "180",
    "assign": "no",
    "mmsecmethods": "3DES-SHA1-3 DES-MD5-1 aes256-sha2-256-group19",
    "srcaddr": "10.0.0.0",
    "dstaddr": "me",
    "protocol": "tcp",
    "mirrored": "no",
    "srcmask": "255.0.0.0",
    "dstmask": "32",
    "srcport": "0",
    "dstport": "80",
    "qmpfs": "yes",
    "inpass": "no",
    "soft": "yes",
    "action": "negotiate",
    "qmsecmethods": "AH[MD5]:204800k/300s ESP[DES,SHA1]:30000k/480s AH[SHA1]+ESP[None,MD5]",
    "tunnel": "192.0.2.1",
    "tunneldstaddress": "gate.example.com",
    "conntype": "lan",
    "activate": "no",
    "kerberos": "yes",
    "rootca": r"CN=Root, O=\'Example\' certmap:yes excludecaname:no",
    "level": "verbose",
    "format": "table",
    "wide": "yes",
    "resolvedns": "no",
    "type": "tunnel",
    "location": "persistent",
    "mode": "enable",
    "softsaexpirationtime": "60",
    "pfsgroup": "grp3",
    "actioninbound": "block",
    "actionoutbound": "permit",
    "property": "ipsecexempt",
    "value": "3",
    "localid": "fqdn:a.example",
    "peerid": "address:192.0.2.9",
    "qmpfsgroup": "group19",
    "profile": "windows2003",
    "weakhost": "no",
    "windows2000peer": "yes",
    "explainrefusals": "yes",
    "retryintervals": "0.5s 1s",
    "deadpeer": "30s",
    "fallbackafter": "3s",
    "fallbackonmismatch": "yes",
    "softlifetime": "60",
    "mmtimeout": "600",
    "incluster": "no",
}


def understood(line: str, mode: str = "static") -> Command:
    return parse_command(mode, words_of_line(line))


def values(command: Command) -> dict[str, Any]:
    return {each.parameter.tag: each.value for each in command.given}


def sample(parameter: Parameter[Any]) -> str:
    return SAMPLES.get(parameter.tag, f"some {parameter.tag}")


def of_windows(form: Form) -> list[Parameter[Any]]:
    """The first of each position."""
    return [slot[0] for slot in form.slots if not slot[0].ours]


def ids(form: Form) -> str:
    return form.name


@pytest.mark.parametrize("form", ALL_FORMS, ids=ids)
def test_by_tags_and_written_back(form: Form) -> None:
    one_each = [each for slot in form.slots for each in slot[:1]]
    words = [f"{each.tag}={quote(sample(each))}" for each in one_each]
    line = " ".join([form.verb, form.object, *words])
    command = understood(line, form.mode)
    assert command.form is form
    assert set(values(command)) == {each.tag for each in one_each}
    line = form.write({each.parameter: each.value for each in command.given})
    assert values(understood(line, form.mode)) == values(command)


@pytest.mark.parametrize("form", ALL_FORMS, ids=ids)
def test_by_position(form: Form) -> None:
    parameters = of_windows(form)
    tagged = " ".join(f"{each.tag}={quote(sample(each))}" for each in parameters)
    plain = " ".join(f'"{sample(each)}"' for each in parameters)
    head = f"{form.verb} {form.object} "
    by_position = understood(head + plain, form.mode)
    assert values(by_position) == values(understood(head + tagged, form.mode))


@pytest.mark.parametrize("form", ALL_FORMS, ids=ids)
def test_shortened_and_in_capitals(form: Form) -> None:
    parameters = of_windows(form)
    tags = [each.tag for each in form.parameters if not each.bare and not each.ours]

    def short(tag: str) -> str:
        return next(
            tag[:end]
            for end in range(1, len(tag) + 1)
            if end == len(tag) or sum(each.startswith(tag[:end]) for each in tags) == 1
        )

    words = [f"{short(each.tag).upper()}={quote(sample(each))}" for each in parameters]
    line = " ".join([form.verb.upper(), form.object.upper(), *words])
    full = " ".join(f"{each.tag}={quote(sample(each))}" for each in parameters)
    expected = understood(f"{form.verb} {form.object} {full}", form.mode)
    assert values(understood(line, form.mode)) == values(expected)


@pytest.mark.parametrize("form", ALL_FORMS, ids=ids)
def test_help_of_every_command(form: Form) -> None:
    line = f"{form.verb} {form.object} /?"
    with pytest.raises(HelpWanted) as wanted:
        understood(line, form.mode)
    text = usage(wanted.value.forms)
    assert f"netsh ipsec {form.name}" in text
    assert all(each.tag in text for each in form.parameters)


def test_help_on_the_way() -> None:
    for line in ("", "?", "add", "add ?", "help"):
        with pytest.raises(HelpWanted) as wanted:
            understood(line)
        assert len(usage(wanted.value.forms).splitlines()) == len(wanted.value.forms) > 1


def test_help_can_be_a_name() -> None:
    assert values(understood("add policy help")) == {"name": "help"}


def test_all_and_default_are_words_by_themselves() -> None:
    assert values(understood("delete rule ALL base")) == {"all": True, "policy": "base"}
    assert values(understood("show rule default policy=base")) == {
        "default": True,
        "policy": "base",
    }
    assert values(understood("delete policy name=all")) == {"name": "all"}


def test_authentication_methods_keep_their_order() -> None:
    line = "add rule r p l a rootca=CN=A kerberos=y psk=k rootca=CN=B"
    assert [each.parameter.tag for each in understood(line).given[4:]] == [
        *("rootca", "kerberos", "psk", "rootca")
    ]


def test_a_position_goes_to_what_no_tag_has_filled() -> None:
    assert values(understood("add policy name=p text")) == {"name": "p", "description": "text"}
    assert values(understood("add policy mmpfs=n p")) == {"mmpfs": False, "name": "p"}
    command = understood("set config ipsecexempt value=3", "dynamic")
    assert values(command) == {"property": "ipsecexempt", "value": "3"}


def test_a_short_tag_is_not_what_another_one_says_in_full() -> None:
    command = understood("add rule name=3 policy=p filter=list filteraction=Block")
    assert values(command) == {
        "name": "3",
        "policy": "p",
        "filterlist": "list",
        "filteraction": "Block",
    }


@pytest.mark.parametrize(
    ("line", "problem", "fix"),
    [
        ("ad_d policy x", "'ad_d' is no verb of ipsec static", "did you mean 'add'?"),
        ("add polcy x", "'polcy' is no object of add", "did you mean 'policy'?"),
        ("add f x", "'f' can be filter, filteraction, filterlist", "write more of it"),
        ("d all", "'d' can be delete, dump", "write more of it"),
        ("add policy nme=x", "static add policy has no nme=", "did you mean 'name'?"),
        ("add policy x mm=1", "mm= can be mmpfs, mmlifetime, mmsecmethods", "write more of it"),
        ("add policy", "static add policy needs name=", "add name=<name>; see"),
        ("set policy", "static set policy needs name= or guid=", "add name=<name>; see"),
        ("add policy a b c", "mmpfs: 'c' is no yes or no", "write one of: yes, no"),
        ("add filterlist a b c", "'c' is one word too many", "see `netsh ipsec static add"),
        ("add policy a name=b name=d", "name given more than once", "give one"),
        ("set policy a guid=x", "guid: 'x' is no GUID", "write it as `show` does"),
        ('add policy name=""', "name: the name is empty", "write a name in quotes"),
        ("add policy a mmlif=x", "mmlifetime: 'x' is no time", "write a number of minutes"),
        ("add policy a qmper=-1", "qmpermm: '-1' is no count", "write a whole number"),
        ("add policy a weak=yes", "static add policy has no weak=", "did you mean 'weakhost'?"),
        ("show policy a lev=x", "level: 'x' is no level", "write one of: verbose, normal"),
    ],
)
def test_mistakes_name_the_word_and_the_fix(line: str, problem: str, fix: str) -> None:
    with pytest.raises(WordError) as mistake:
        understood(line)
    assert mistake.value.problem == problem
    assert mistake.value.fix.startswith(fix)
