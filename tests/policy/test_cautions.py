"""Warnings about settings that meet."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from mainmode.crypto.algorithms import CIPHERS, HASHES
from mainmode.model import Flow, Lifetime
from mainmode.numbers import IpProtocol
from mainmode.policy.cautions import cautions
from mainmode.policy.model import Identity, MainModeSettings, Policy, QuickModeOffer, Rule
from tests.policy.policies import BLOCK, KEY, NEGOTIATE, PERMIT, rule, traffic

PARTNER = rule("partner", NEGOTIATE, traffic("me", "192.0.2.2"))
SOFT = replace(NEGOTIATE, name="request", allow_fallback=True)


def texts(
    *rules: Rule, main_mode: MainModeSettings | None = None, management: Flow | None = None
) -> list[str]:
    policy = Policy("test", rules or (PARTNER,), main_mode or MainModeSettings())
    return [each.text for each in cautions(policy, management)]


def lived(seconds: int) -> Rule:
    """With quick mode SAs that live so long."""
    offer = QuickModeOffer(CIPHERS["3des"], HASHES["sha1"], lifetime=Lifetime(seconds, 100_000))
    return replace(PARTNER, filter_action=replace(NEGOTIATE, offers=(offer,)))


def test_the_defaults_deserve_none() -> None:
    assert texts() == []


# --- main mode ------------------------------------------------------------------------------------


def test_any_number_of_quick_modes_off_a_long_main_mode() -> None:
    [text] = texts(main_mode=MainModeSettings(lifetime_s=86_400))
    assert text.startswith("[main_mode]: any number of quick modes off one main mode of 1d")
    assert not texts(main_mode=MainModeSettings(lifetime_s=86_400, quick_modes_max=50))


def test_what_master_pfs_costs() -> None:
    [text] = texts(main_mode=MainModeSettings(master_pfs=True, lifetime_s=86_400))
    assert "each quick mode costs a main mode" in text
    [text] = texts(replace(PARTNER, main_mode=MainModeSettings(master_pfs=True)))
    assert text.startswith("rule 'partner', [main_mode]: master_pfs")


@pytest.mark.parametrize(
    ("seconds", "said"), [(28_801, "much longer than main mode (8h)"), (200, "very many off one")]
)
def test_lifetimes_that_do_not_go_together(seconds: int, said: str) -> None:
    [text] = texts(lived(seconds))
    assert text.startswith("filter action 'require', offer esp:3des-sha1: a quick mode SA")
    assert said in text


def test_of_several_policies_each_warns_where_it_stands_and_of_actions_beside_it() -> None:
    policy = Policy("test", (lived(28_801),), MainModeSettings(master_pfs=True))
    own, shared = cautions(policy, place=("policy", 1))
    assert own.path == ("policy", 1, "main_mode", "master_pfs")
    assert shared.path == ("filter_action", "require", "offers", 0)


@pytest.mark.parametrize("seconds", [300, 3_600, 28_800])
def test_lifetimes_that_do(seconds: int) -> None:
    assert texts(lived(seconds)) == []


def test_a_rule_counts_with_its_own_main_mode() -> None:
    brief = replace(lived(3_600), main_mode=MainModeSettings(lifetime_s=600))
    assert any("much longer than main mode (10m)" in text for text in texts(brief))


# --- preshared keys -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("destination", "many"),
    [
        ("192.0.2.0/28", "16 computers"),
        ("2001:db8::/64", "any number of computers"),
        ("any", "everybody"),
    ],
)
def test_a_key_that_many_share(destination: str, many: str) -> None:
    [text] = texts(rule("all", NEGOTIATE, traffic("me", destination)))
    assert text == (
        f"rule 'all': {many} may share the preshared key 'peer.psk', and each can pose as any other"
    )


def test_a_key_in_several_rules_counts_once_for_each_peer() -> None:
    web = rule("web", NEGOTIATE, traffic("me", "192.0.2.2", "tcp", 0, 80))
    other = rule("other", NEGOTIATE, traffic("me", "192.0.2.3"))
    assert texts(PARTNER, web) == []
    [text] = texts(PARTNER, web, other)
    assert text.startswith("rule 'partner': 2 computers may share the preshared key 'peer.psk'")
    assert texts(PARTNER, replace(other, active=False)) == []


def test_a_key_that_one_identity_alone_may_use() -> None:
    named = replace(KEY, peer_identity=Identity("fqdn", "host.example"))
    one = rule("all", NEGOTIATE, traffic("me", "192.0.2.0/28"), authentication=(named,))
    assert texts(one) == []


def test_the_key_of_one_gateway_is_not_shared() -> None:
    tunnel = rule("t", NEGOTIATE, traffic("10.1.0.0/16", "10.2.0.0/16"), tunnel="192.0.2.9")
    assert texts(tunnel) == []


# --- which filter decides -------------------------------------------------------------------------


def test_a_rule_whose_filters_another_rule_has() -> None:
    second = rule("second", NEGOTIATE, traffic("192.0.2.2", "me"))
    [text] = texts(PARTNER, second)
    assert text.startswith("rule 'second': it never decides")
    blocked = rule("blocked", BLOCK, traffic("me", "192.0.2.2"))
    assert any(text.startswith("rule 'partner': it never") for text in texts(PARTNER, blocked))


def test_a_rule_that_another_takes_only_a_part_from() -> None:
    web = rule("web", PERMIT, traffic("me", "192.0.2.2", "tcp", 0, 80))
    one_way = rule("one way", BLOCK, traffic("me", "192.0.2.2", mirrored=False))
    assert texts(PARTNER, web) == []
    assert texts(PARTNER, one_way) == []


def test_rules_without_packets() -> None:
    [text] = texts(rule("empty", PERMIT))
    assert "filter list 'empty' is empty" in text
    [text] = texts(rule("own", PERMIT, traffic("me", "me")))
    assert "do not lead from this computer to another" in text
    [text] = texts(rule("group", NEGOTIATE, traffic("me", "224.0.0.5")))
    assert "negotiates multicast" in text
    assert texts(rule("names", PERMIT, traffic("me", "dns"))) == []
    assert texts(rule("off", PERMIT, active=False)) == []


# --- fallback -------------------------------------------------------------------------------------


def test_a_fallback_inside_a_requirement() -> None:
    subnet = rule("subnet", NEGOTIATE, traffic("me", "192.0.2.2"), authentication=())
    web = rule("web", SOFT, traffic("me", "192.0.2.2", "tcp", 0, 80))
    [text] = texts(subnet, web)
    assert text == (
        "rule 'web': it may fall back to clear where rule 'subnet' would require protection"
    )
    assert texts(web) == []


def test_a_fallback_that_anybody_can_bring_about() -> None:
    soft = rule("soft", SOFT, traffic("me", "192.0.2.2"))
    [text] = texts(soft, main_mode=MainModeSettings(fallback_on_mismatch=True))
    assert "whoever can answer in a peer's place" in text
    assert not texts(main_mode=MainModeSettings(fallback_on_mismatch=True))


def test_a_fallback_for_a_tunnel() -> None:
    tunnel = rule("t", SOFT, traffic("10.1.0.0/16", "10.2.0.0/16"), tunnel="192.0.2.9")
    [text] = texts(tunnel)
    assert "may pass in clear when the gateway does not answer" in text


# --- the person's own connection ------------------------------------------------------------------

SSH = Flow(ip_address("192.0.2.1"), ip_address("192.0.2.7"), IpProtocol.TCP, 22, 51_000)


def test_what_would_end_ones_own_connection() -> None:
    blocking = rule("block", BLOCK, traffic("any", "me", "tcp", 0, 22))
    [text] = texts(PARTNER, blocking, management=SSH)
    assert text == (
        "rule 'block': your own connection from 192.0.2.7 ends; "
        "try it with assign --confirm-within 5m"
    )


def test_what_makes_ones_own_connection_depend_on_negotiation() -> None:
    securing = rule("secure", NEGOTIATE, traffic("me", "192.0.2.7"))
    [text] = texts(securing, management=SSH)
    assert "goes on only if 192.0.2.7 negotiates" in text


def test_what_leaves_it_alone() -> None:
    ssh = rule("ssh", PERMIT, traffic("192.0.2.7", "me", "tcp", 0, 22))
    securing = rule("secure", NEGOTIATE, traffic("me", "192.0.2.7"))
    assert texts(securing, ssh, management=SSH) == []
    assert texts(rule("soft", SOFT, traffic("me", "192.0.2.7")), management=SSH) == []
