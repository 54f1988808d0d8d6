"""Policy files as they are written: laid out afresh, and changed in place."""

from dataclasses import replace
from pathlib import Path

from mainmode.policy.document import Document
from mainmode.policy.edit import (
    assign,
    put_filter_list,
    put_policy,
    put_rule,
    put_settings,
    remove_filter_list,
    remove_rule,
)
from mainmode.policy.model import FilterList, MainModeSettings, Policy
from mainmode.policy.reading import read_document
from mainmode.policy.settings import Settings
from mainmode.policy.writing import written
from tests.policy.policies import NEGOTIATE, PERMIT, rule, traffic

TEXT = """\
# The computers of the example.
assigned = "first" # since Monday

[[policy]]
name = "first"

# Everything with the partner.
[[policy.rule]]
name = "partner" # an old friend
filter_list = "partner"
filter_action = 'require'
authentication = [{ method = "preshared_key", secret_file = "peer.psk" }] # exchanged by mail

# Pings go in clear.
[[policy.rule]]
name = "ping"
filter_list = "ping"
filter_action = "permit"

# Nobody uses this one.
[[policy]]
name = "second"

# Lists.
[filter_list.partner]
filters = [
    # The old network
    { source = "me", destination = "192.0.2.0/28" },
    { source = "me", destination = "198.51.100.0/24", protocol = "TCP", source_port = 443 }, # s
]

# Echo and the rest of ICMP.
[filter_list.ping]
filters = [{ source = "me", destination = "any", protocol = "icmp" }]

[filter_action.require] # the default methods
action = "negotiate"
[filter_action.permit]
action = "permit"
"""


def read(text: str) -> Document:
    return read_document(text.encode(), Path("policy.toml")).document


def rewritten(old: str, *new: str) -> str:
    """The text with one part exchanged."""
    assert TEXT.count(old) == 1
    return TEXT.replace(old, "".join(new))


def test_a_new_document_is_laid_out_for_people() -> None:
    document = Document(
        (Policy("p", (rule("web", NEGOTIATE, traffic("me", "any", "tcp", 0, 80)),)),),
        (rule("web", NEGOTIATE, traffic("me", "any", "tcp", 0, 80)).filter_list,),
        (NEGOTIATE,),
        "p",
    )
    assert written(document) == (
        'assigned = "p"\n'
        "\n"
        "[[policy]]\n"
        'name = "p"\n'
        "\n"
        "[[policy.rule]]\n"
        'name = "web"\n'
        'filter_list = "web"\n'
        'filter_action = "require"\n'
        "authentication = [\n"
        '    { method = "preshared_key", secret_file = "peer.psk" },\n'
        "]\n"
        "\n"
        "[filter_list.web]\n"
        "filters = [\n"
        '    { source = "me", destination = "any", protocol = "tcp", destination_port = 80 },\n'
        "]\n"
        "\n"
        "[filter_action.require]\n"
        'action = "negotiate"\n'
        'offers = ["esp:3des-sha1"]\n'
    )


def test_nothing_changed_is_nothing_written() -> None:
    assert written(read(TEXT), TEXT) == TEXT


def test_assigning_changes_one_word() -> None:
    after = written(assign(read(TEXT), "second"), TEXT)
    assert after == rewritten('"first" # since', '"second" # since')


def test_a_rule_goes_with_its_comment_and_the_others_keep_theirs() -> None:
    after = written(remove_rule(read(TEXT), "first", "ping"), TEXT)
    ping = TEXT[TEXT.index("# Pings go") : TEXT.index("# Nobody uses")]
    assert after == rewritten(ping)


def test_a_rule_comes_after_the_others() -> None:
    document = read(TEXT)
    [ping] = [each for each in document.filter_lists if each.name == "ping"]
    more = replace(rule("more", PERMIT, authentication=()), filter_list=ping)
    after = written(put_rule(document, "first", more), TEXT)
    new = '[[policy.rule]]\nname = "more"\nfilter_list = "ping"\nfilter_action = "permit"\n\n'
    assert after == rewritten("# Nobody uses", new, "# Nobody uses")


def test_a_changed_rule_keeps_what_the_change_does_not_concern() -> None:
    document = read(TEXT)
    partner = document.policies[0].rules[0]
    renamed = replace(partner, name="friends")
    after = written(put_rule(document, "first", renamed, was="partner"), TEXT)
    assert after == rewritten('"partner" # an old', '"friends" # an old')


def test_a_filter_more_and_a_filter_less() -> None:
    document = read(TEXT)
    [partner, _] = document.filter_lists
    more = replace(partner, filters=(*partner.filters, traffic("me", "203.0.113.9")))
    after = written(put_filter_list(document, more, was="partner"), TEXT)
    web = "443 }, # s\n"
    assert after == rewritten(web, web, '    { source = "me", destination = "203.0.113.9" },\n')
    less = replace(partner, filters=partner.filters[:1])
    after = written(put_filter_list(document, less, was="partner"), TEXT)
    assert "# The old network" in after
    assert "443" not in after


def test_a_list_goes_with_its_comment() -> None:
    document = remove_filter_list(remove_rule(read(TEXT), "first", "ping"), "ping")
    after = written(document, TEXT)
    assert "# Lists." in after
    assert "# Echo" not in after
    assert read(after) == document


def test_settings_of_main_mode_for_one_rule() -> None:
    document = read(TEXT)
    partner = document.policies[0].rules[0]
    own = replace(partner, main_mode=MainModeSettings(lifetime_s=3_600))
    after = written(put_rule(document, "first", own, was="partner"), TEXT)
    new = '[policy.rule.main_mode]\nlifetime = "1h"\n\n'
    assert after == rewritten("# Pings go", new, "# Pings go")


def test_what_is_new_at_the_top() -> None:
    document = put_settings(put_policy(read(TEXT), Policy("third")), Settings(exempt=0))
    document = put_filter_list(document, FilterList("empty", ()))
    after = written(document, TEXT)
    assert read(after) == document
    comments = [line for line in TEXT.splitlines() if line.lstrip().startswith("#")]
    assert [line for line in after.splitlines() if line.lstrip().startswith("#")] == comments
    assert '\n\n[[policy]]\nname = "third"\n\n' in after
    assert after.endswith("\n\n[settings]\nexempt = 0\n")


ONE = """\
# My policy.
[policy]
name = "mine"

[filter_action.permit]
action = "permit"
"""


def test_a_policy_by_itself_stays_one() -> None:
    document = read(ONE)
    [mine] = document.policies
    after = written(put_policy(document, replace(mine, description="x"), was="mine"), ONE)
    assert after == ONE.replace('"mine"\n', '"mine"\ndescription = "x"\n')


def test_with_a_second_policy_it_takes_the_form_of_several() -> None:
    document = put_policy(read(ONE), Policy("other"))
    after = written(document, ONE)
    assert read(after) == document
    assert after.startswith('assigned = "mine"\n\n[[policy]]\n')


SCATTERED = """\
[filter_list.a]
filters = [] # none yet
[filter_action.permit]
action = "permit"
# The second list.
[filter_list.b]
filters = []
[[policy]]
name = "p"
[filter_action.block]
action = "block"
[[policy]]
name = "q"
"""


def test_tables_may_stand_in_any_order() -> None:
    document = read(SCATTERED)
    fuller = put_filter_list(document, FilterList("a", (traffic("me", "any"),)), was="a")
    fuller = put_rule(fuller, "q", replace(rule("r", PERMIT), filter_list=fuller.filter_lists[1]))
    after = written(assign(fuller, "q"), SCATTERED)
    assert read(after) == assign(fuller, "q")
    assert "# none yet" in after
    assert "# The second list.\n" in after


def test_a_broken_file_is_replaced() -> None:
    assert read(written(read(ONE), "no = [toml")) == read(ONE)
