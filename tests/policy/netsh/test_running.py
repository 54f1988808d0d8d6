"""A script as a whole: how far it counts, what it says, what it writes."""

import pytest

from mainmode.policy.builtin import TEMPLATES, template
from mainmode.policy.netsh.static import STATIC
from mainmode.policy.netsh.writer import dynamic_script, settings_script, static_script
from tests.policy.netsh.runs import done, run, static

ADD = ["add policy a", "add policy b", "add policy a", "add policy c"]


def test_a_script_counts_up_to_its_mistake() -> None:
    finished = run(static(*ADD))
    assert [each.name for each in finished.local.policies] == ["a", "b"]
    assert finished.outcome.done == 2
    assert not finished.outcome.together
    assert str(finished.outcome.mistake).startswith(
        "script:4: there is already a policy 'a'\n  fix:"
    )


def test_a_batch_counts_whole_or_not_at_all() -> None:
    finished = run(static(ADD[0], "set batch mode=enable", "add policy b", "add policy a"))
    assert [each.name for each in finished.local.policies] == ["a"]
    assert finished.outcome.together
    assert (finished.outcome.done, finished.outcome.since) == (2, 3)


def test_a_batch_that_is_over_counts() -> None:
    finished = run(static("set batch enable", "add policy b", "set batch disable", *ADD))
    assert [each.name for each in finished.local.policies] == ["b", "a"]
    assert not finished.outcome.together


def test_a_batch_that_lasts_to_the_end_counts() -> None:
    assert len(done(static("set batch enable", "add policy b")).local.policies) == 1


def test_a_script_held_together_from_outside() -> None:
    finished = run(static(*ADD), together=True)
    assert finished.local.policies == ()
    assert finished.outcome.done == 0


def test_deleting_what_is_not_there_is_a_note() -> None:
    finished = done(
        static("delete policy x", "del filter l any me", "del rule r x", "add policy a")
    )
    assert [line for line, _ in finished.outcome.notes] == [2, 3, 4]
    assert finished.outcome.notes[0][1] == "there is no policy 'x': nothing to delete"


def test_an_unknown_word_has_its_line() -> None:
    finished = run("\nnetsh ipsec static ad polcy x\n")
    assert str(finished.outcome.mistake) == (
        "script:2: 'polcy' is no object of add\n  fix: did you mean 'policy'?"
    )


def test_a_missing_quote_has_its_line() -> None:
    finished = run('netsh ipsec static add policy x\nnetsh ipsec static add policy "y\n')
    assert str(finished.outcome.mistake).startswith("script:2: a quote is not closed")
    assert len(finished.local.policies) == 1


def test_help_in_a_script_is_shown() -> None:
    (text,) = done("netsh ipsec static add policy ?").said
    assert "netsh ipsec static add policy" in text


def test_show_is_left_to_the_command_line() -> None:
    assert [each.form.name for each in done("netsh ipsec static show all").shown] == [
        "static show all"
    ]


# --- what is written --------------------------------------------------------------------------


def test_a_dump_names_the_files_of_keys() -> None:
    lines = ["add policy p activatedefaultrule=no", "add filter l me any", "add filteraction a"]
    finished = done(static(*lines, "add rule r p l a psk=geheim", "dump"))
    assert finished.said == [
        "pushd ipsec static",
        "set store location=local",
        "add filterlist name=l",
        "add filter filterlist=l srcaddr=me dstaddr=any protocol=any mirrored=yes",
        'add filteraction name=a action=negotiate qmsecmethods="ESP[3DES,SHA1]:100000k/3600s"',
        'add policy name=p activatedefaultrule=no mmsecmethods="3DES-SHA1-3 3DES-SHA1-2"',
        'add rule name=r policy=p filterlist=l filteraction=a pskfile="p r.psk"',
        "popd",
    ]


def test_a_dump_has_the_keys_themselves_where_they_are_wanted() -> None:
    lines = ["add policy p", "add filter l me any", "add filteraction a"]
    finished = done(static(*lines, 'add rule r p l a psk="geh\\"eim"'))
    script = static_script(finished.local, secret=finished.keys.read_secret)
    again = done("\n".join(script))
    assert again.local == finished.local
    assert again.keys.kept == {"p r.psk": b'geh"eim'}


def test_a_key_that_no_line_can_have_is_named() -> None:
    lines = ["add policy p", "add filter l me any", "add filteraction a"]
    finished = done(static(*lines, "add rule r p l a psk=x"))
    for key in (b"\xff", b" "):
        finished.keys.kept["p r.psk"] = key
        script = static_script(finished.local, secret=finished.keys.read_secret)
        assert sum('pskfile="p r.psk"' in line for line in script) == 1


DYNAMIC = """\
pushd ipsec dynamic
add mmpolicy mm 3 60 120 DES-MD5-1
add mmpolicy other
add qmpolicy qm yes grp3 AH[MD5]
add qmpolicy plain
add rule me 10.0.0.0 mm qm tcp 0 80 no lan permit negotiate dstmask=8 psk=geheim
add rule any me other actioninbound=block actionoutbound=block
add rule me any mm plain tunneldstaddress=gate.example rootca=CN=R
set config property=ikelogging value=1
"""


def test_dynamic_rules_come_back_from_a_dump() -> None:
    finished = done(DYNAMIC)
    script = "\n".join(dynamic_script(finished.dynamic))
    assert done(script).dynamic == finished.dynamic
    with_keys = dynamic_script(finished.dynamic, finished.keys.read_secret)
    assert "psk=geheim" in "\n".join(with_keys)
    assert done("\n".join(with_keys)).dynamic == finished.dynamic
    assert settings_script(finished.local.settings)[1:-1] == [
        "set config property=ikelogging value=1"
    ]
    dumped = done(f"{DYNAMIC}dump").said
    assert dumped == [*settings_script(finished.local.settings), *script.splitlines()]


def test_no_dynamic_policy_dumps_nothing() -> None:
    assert dynamic_script(done("").dynamic) == []


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_templates_come_back_from_a_dump(name: str) -> None:
    document = template(name)
    assert done("\n".join(static_script(document))).local == document


def test_a_dump_of_windows_policies_is_for_windows() -> None:
    """No parameter in it is ours, and no algorithm."""
    text = "\n".join(static_script(template("windows2003")))
    ours = {each.tag for form in STATIC for each in form.parameters if each.ours}
    common = {each.tag for form in STATIC for each in form.parameters if not each.ours}
    assert [tag for tag in ours - common if f" {tag}=" in text] == []
    assert "-group" not in text
