"""What commands do to documents."""

import pytest

from mainmode.policy.model import (
    ANY,
    DEFAULT_MAIN_MODE_OFFERS,
    DEFAULT_QUICK_MODE_OFFERS,
    ME,
    Action,
    Authentication,
    ConnectionType,
    Filter,
    Identity,
    Method,
    Profile,
)
from mainmode.policy.netsh.naming import guid_of
from mainmode.policy.settings import BootMode
from mainmode.policy.words import parse_address, parse_boot_exemption, parse_group, parse_place
from tests.policy.netsh.runs import Run, done, run, static

KERBEROS = (Authentication(Method.KERBEROS),)
PARTS = (
    "add policy base activatedefaultrule=no",
    "add filterlist web",
    "add filter web any me protocol=tcp dstport=80",
    "add filteraction secure",
    "add filteraction open action=permit",
)


def mistake(*lines: str) -> str:
    """The mistake of the last of these lines."""
    finished = run(static(*lines))
    assert finished.outcome.mistake is not None
    assert finished.outcome.mistake.line == len(lines) + 1
    assert finished.outcome.mistake.fix
    return finished.outcome.mistake.problem


def after(*lines: str) -> Run:
    return done(static(*lines))


# --- policies ---------------------------------------------------------------------------------


def test_a_policy_as_windows_makes_it() -> None:
    (policy,) = after("add policy p").local.policies
    assert policy.main_mode.offers == DEFAULT_MAIN_MODE_OFFERS
    assert policy.main_mode.lifetime_s == 28_800
    assert policy.polling_interval_s == 10_800
    assert policy.default_response.active
    assert policy.default_response.authentication == KERBEROS


def test_every_setting_of_a_policy() -> None:
    line = (
        'add policy p "for branches" yes 5 60 no 90 yes DES-MD5-1 profile=windows2003 weakhost=yes '
        'retryintervals="0.5s 2s" deadpeer=30s fallbackafter=2s fallbackonmismatch=y softlifetime=9'
    )
    document = after(line).local
    (policy,) = document.policies
    settings = policy.main_mode
    assert document.assigned == "p"
    assert (policy.description, policy.polling_interval_s) == ("for branches", 5_400)
    assert (policy.profile, policy.weak_host) == (Profile.WINDOWS_2003, True)
    assert not policy.default_response.active
    assert (settings.master_pfs, settings.quick_modes_max, settings.lifetime_s) == (True, 5, 3_600)
    assert [each.name for each in settings.offers] == ["des-md5-group1"]
    assert (settings.retry_intervals_s, settings.dead_peer_s) == ((0.5, 2.0), 30.0)
    assert (settings.fallback_after_s, settings.fallback_on_mismatch) == (2.0, True)
    assert settings.soft_lifetime_s == 9


def test_setting_a_policy_leaves_what_is_not_given() -> None:
    document = after(
        *PARTS,
        "add rule r base web open",
        "set policy base assign=y mmpfs=y",
        "set policy BASE newname=other mmlifetime=0 description=x",
    ).local
    (policy,) = document.policies
    assert (policy.name, policy.description, document.assigned) == ("other", "x", "other")
    assert (policy.main_mode.master_pfs, policy.main_mode.lifetime_s) == (True, 28_800)
    assert [rule.name for rule in policy.rules] == ["r"]


def test_one_policy_is_assigned_at_a_time() -> None:
    lines = ["add policy a assign=y", "add policy b assign=y"]
    assert after(*lines).local.assigned == "b"
    assert after(*lines, "set policy a assign=n").local.assigned == "b"
    assert after(*lines, "set policy b assign=n").local.assigned == ""


def test_parts_are_found_by_guid() -> None:
    start = after(*PARTS).local
    guids = [guid_of(each[0]) for each in (start.policies, start.filter_lists)]
    guids.append(guid_of(start.filter_actions[0]))
    document = done(
        static(
            f"set policy guid={{{guids[0]}}} description=1",
            f"set filterlist guid={guids[1]} description=2",
            f"set filteraction guid={guids[2]} description=3",
        ),
        start,
    ).local
    assert document.policies[0].description == "1"
    assert document.filter_lists[0].description == "2"
    assert document.filter_actions[0].description == "3"


def test_the_default_response_rule() -> None:
    line = (
        "set defaultrule base qmpfs=y activate=y qmsecmethods=AH[MD5] qmpfsgroup=group19 "
        "psk=geheim rootca=CN=Root"
    )
    finished = after(*PARTS, line)
    response = finished.local.policies[0].default_response
    assert response.active
    assert [each.name for each in response.offers] == ["ah:md5"]
    assert (response.session_pfs, response.session_pfs_group) == (True, parse_group("group19"))
    assert [each.method for each in response.authentication] == [
        *(Method.PRESHARED_KEY, Method.CERTIFICATE)
    ]
    assert finished.keys.kept == {"base default response.psk": b"geheim"}


def test_an_active_default_response_rule_can_authenticate() -> None:
    document = after(*PARTS, "set policy base activatedefaultrule=yes").local
    assert document.policies[0].default_response.authentication == KERBEROS


# --- filter lists and filters -----------------------------------------------------------------


def test_a_filter_is_mirrored_and_of_any_protocol() -> None:
    (filter_list,) = after("add filter l me any").local.filter_lists
    assert filter_list.name == "l"
    assert filter_list.filters == (Filter(ME, ANY),)


def test_every_field_of_a_filter() -> None:
    (filter_list,) = after(
        'add filter l 10.0.0.9 me "web" udp no 255.0.0.0 32 1 2'
    ).local.filter_lists
    place = parse_place("10.0.0.0/8")
    assert filter_list.filters == (Filter(place, ME, 17, 1, 2, mirrored=False, description="web"),)


def test_deleting_filters_takes_every_one_that_is_as_given() -> None:
    lines = [
        "add filter l 10.0.0.0 me srcmask=8 protocol=tcp dstport=1",
        "add filter l 10.0.0.0 me srcmask=16 mirrored=no",
        "add filter l 10.0.0.0 any srcmask=8",
        "add filter l dns me",
    ]

    def left(line: str) -> list[int]:
        """Which of them remain."""
        before = after(*lines).local.filter_lists[0].filters
        return [before.index(each) for each in after(*lines, line).local.filter_lists[0].filters]

    assert left("delete filter l 10.0.0.0 me") == [2, 3]
    assert left("delete filter l 10.0.0.0 me srcmask=8") == [1, 2, 3]
    assert left("delete filter l 10.0.0.0 me protocol=tcp") == [1, 2, 3]
    assert left("delete filter l 10.0.0.0 me mirrored=no") == [0, 2, 3]
    assert left("delete filter l 10.0.0.0 me dstport=1 srcmask=8") == [1, 2, 3]
    assert left("delete filter l dns me") == [0, 1, 2]
    assert after(*lines, "delete filter l me dns").outcome.notes


def test_rules_follow_their_filter_lists_and_actions() -> None:
    document = after(
        *PARTS,
        "add rule r base web secure",
        "set filterlist web newname=www",
        "add filter www me any",
        "set filteraction secure newname=safe soft=y",
    ).local
    (rule,) = document.policies[0].rules
    assert (rule.filter_list.name, len(rule.filter_list.filters)) == ("www", 2)
    assert (rule.filter_action.name, rule.filter_action.allow_fallback) == ("safe", True)


# --- filter actions ---------------------------------------------------------------------------


def test_a_filter_action_negotiates_unless_it_says_otherwise() -> None:
    plain, block = after(
        "add filteraction a", "add filteraction b action=block"
    ).local.filter_actions
    assert (plain.action, plain.offers) == (Action.NEGOTIATE, DEFAULT_QUICK_MODE_OFFERS)
    assert (block.action, block.offers) == (Action.BLOCK, ())


def test_every_field_of_a_filter_action() -> None:
    (action,) = after(
        "add filteraction a text yes yes yes negotiate AH[SHA1]:1k/2s qmpfsgroup=group5"
    ).local.filter_actions
    assert (action.description, action.session_pfs, action.accept_unsecured) == ("text", True, True)
    assert (action.allow_fallback, action.session_pfs_group) == (True, parse_group("group5"))
    assert [each.name for each in action.offers] == ["ah:sha1"]


def test_a_group_goes_with_its_pfs() -> None:
    first = "add filteraction a qmpfs=y qmpfsgroup=group5"
    (action,) = after(first, "set filteraction a qmpfs=n").local.filter_actions
    assert (action.session_pfs, action.session_pfs_group) == (False, None)
    (action,) = after(first, "set filteraction a qmpfsgroup=grpmm").local.filter_actions
    assert (action.session_pfs, action.session_pfs_group) == (True, None)


def test_rules_that_begin_to_negotiate_get_a_way_to_authenticate() -> None:
    lines = [*PARTS, "add rule r base web open"]
    assert after(*lines).local.policies[0].rules[0].authentication == ()
    (rule,) = after(*lines, "set filteraction open action=neg").local.policies[0].rules
    assert rule.authentication == KERBEROS
    assert rule.filter_action.offers == DEFAULT_QUICK_MODE_OFFERS


# --- rules ------------------------------------------------------------------------------------


def test_every_field_of_a_rule() -> None:
    finished = after(
        *PARTS,
        'add rule r base web secure 192.0.2.1 lan no text yes geheim "CN=Root" '
        "pskfile=credential:b localid=fqdn:a.example peerid=address:192.0.2.9 explainrefusals=yes "
        "mmsecmethods=DES-MD5-1 deadpeer=5s",
    )
    (rule,) = finished.local.policies[0].rules
    assert (rule.tunnel_endpoint, rule.connection_type) == (
        *(parse_address("192.0.2.1"), ConnectionType.LAN),
    )
    assert (rule.active, rule.description, rule.explain_refusals) == (False, "text", True)
    assert rule.authentication == (
        *KERBEROS,
        Authentication(Method.PRESHARED_KEY, "base r.psk"),
        Authentication(Method.CERTIFICATE, root_ca="CN=Root"),
        Authentication(
            Method.PRESHARED_KEY,
            "credential:b",
            local_identity=Identity("fqdn", "a.example"),
            peer_identity=Identity("address", "192.0.2.9"),
        ),
    )
    assert rule.main_mode is not None
    assert [each.name for each in rule.main_mode.offers] == ["des-md5-group1"]
    assert rule.main_mode.dead_peer_s == 5.0
    assert finished.keys.kept == {"base r.psk": b"geheim"}


def test_setting_a_rule() -> None:
    lines = [*PARTS, "add rule r base web secure psk=geheim tunnel=gate.example"]
    (rule,) = after(*lines, "set rule id=1 base newname=q activate=n").local.policies[0].rules
    assert (rule.name, rule.active, rule.tunnel_name) == ("q", False, "gate.example")
    assert [each.method for each in rule.authentication] == [Method.PRESHARED_KEY]
    (rule,) = after(*lines, 'set rule r base tunnel="" kerb=y').local.policies[0].rules
    assert (rule.tunnel_name, rule.is_tunnel, rule.authentication) == ("", False, KERBEROS)
    (rule,) = after(*lines, "set rule r base filteraction=open").local.policies[0].rules
    assert rule.filter_action.name == "open"


def test_deleting() -> None:
    lines = [*PARTS, "add rule r base web secure", "add rule s base web open"]
    document = after(*lines, "del rule r base").local
    assert [rule.name for rule in document.policies[0].rules] == ["s"]
    document = after(*lines, "del rule id=2 base", "del filteraction open").local
    assert [each.name for each in document.filter_actions] == ["secure"]
    document = after(*lines, "del rule all base", "del filterlist all", "del filtera all").local
    assert (document.policies[0].rules, document.filter_lists, document.filter_actions) == (
        *((), (), ()),
    )
    document = after(*lines, "set policy base assign=y", "del policy all").local
    assert (document.policies, document.assigned, len(document.filter_lists)) == ((), "", 1)
    assert after(*lines, "del policy base").local.policies == ()
    assert after(*lines, "delete all").local.filter_lists == ()


# --- what is wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("add policy base", "there is already a policy 'base'"),
        ("set policy bse assign=y", "there is no policy 'bse'"),
        ("set policy base gponame=x", "there is no domain here"),
        ("add filterlist web", "there is already a filter list 'web'"),
        ("add filter web any me protocol=tcp dstport=80 description=again", "has this filter"),
        ("add filter web any me dstport=80", "a port needs a protocol with ports"),
        ("add filter web any dns", "dns stands for servers of this computer"),
        ("add filter web 192.0.2.1 2001:db8::1", "one side is IPv4, the other IPv6"),
        ("add filter web me 10.0.0.0 dstmask=33", "a mask of 33 bits is too long"),
        ("add filteraction secure", "there is already a filter action 'secure'"),
        ("add filteraction x qmpfsgroup=group2", "qmpfsgroup has no effect without qmpfs"),
        ("add rule r bas web open", "there is no policy 'bas'"),
        ("add rule r base wbe open", "there is no filter list 'wbe'"),
        ("add rule r base web opne", "there is no filter action 'opne'"),
        ("add rule r base web secure kerberos=no", "needs a way to authenticate"),
        ("add rule r base web secure localid=address", "belongs to the method before it"),
        ("add rule r base web secure pskfile=credential:", "names no credential"),
        ("add rule r base web open windows2000peer=y", "a filter names no peers by address"),
        ("set rule r base", "there is no rule in policy 'base' 'r'"),
        ("set rule id=1 base", "policy 'base' has no rule number 1"),
        ("set defaultrule base activate=y kerberos=n", "needs a way to authenticate"),
        ("set store domain", "there is no domain here"),
    ],
)
def test_mistakes(line: str, problem: str) -> None:
    assert problem in mistake(*PARTS, line)


def test_what_is_in_use_stays() -> None:
    lines = [*PARTS, "add rule r base web secure"]
    assert "in use" in mistake(*lines, "delete filterlist web")
    assert "in use" in mistake(*lines, "delete filteraction all")


def test_peers_of_windows_2000_stay_named() -> None:
    lines = ["add policy p", "add filter l me 192.0.2.1", "add filteraction a action=permit"]
    lines.append("add rule r p l a windows2000peer=yes")
    assert "names no peers by address" in mistake(*lines, "add filter l me any")


def test_a_name_that_differs_only_in_case_has_to_be_exact() -> None:
    lines = ["add policy Base", "add policy base"]
    assert "can be 'Base' and 'base'" in mistake(*lines, "set policy BASE assign=y")
    assert after(*lines, "set policy base assign=y").local.assigned == "base"


# --- whole documents --------------------------------------------------------------------------


def test_set_store_leads_to_persistent_policy() -> None:
    finished = after("add policy a", "set store persistent", "add policy b assign=y")
    assert [each.name for each in finished.local.policies] == ["a"]
    assert finished.persistent.assigned == "b"


def test_general_settings() -> None:
    lines = [
        *("ipsecdiagnostics 7", "ikelogging 1", "strongcrl value=2", "ipsecloginterval 60"),
        *("ipsecexempt value=0", "bootmode stateful"),
        'bootexemptions "tcp:0:3389:inbound udp:0:53:outbound"',
    ]
    text = "\n".join(f"netsh ipsec dynamic set config {line}" for line in lines)
    settings = done(text).local.settings
    assert (settings.diagnostics, settings.ike_logging, settings.strong_crl_check) == (7, True, 2)
    assert (settings.log_interval_s, settings.exempt) == (60, 0)
    assert settings.boot_mode is BootMode.STATEFUL
    assert settings.boot_exemptions == (
        parse_boot_exemption("tcp:0:3389:inbound"),
        parse_boot_exemption("udp:0:53:outbound"),
    )
    again = done("netsh ipsec dynamic set config bootexemptions none", done(text).local)
    assert again.local.settings.boot_exemptions == ()
    for line in ("ipsecexempt 4", "bootmode x", "ikelogging 2", "nothing 1"):
        assert run(f"netsh ipsec dynamic set config {line}").outcome.mistake is not None
