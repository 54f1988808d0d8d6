"""What is said of one packet: negotiation, clear traffic, what is left out."""

from dataclasses import replace

from mainmode.model import AddressRange, Direction, Flow, Selector
from mainmode.policy.explain import Explanation, explain
from mainmode.policy.explain.reasons import Verdict
from mainmode.policy.explain.text import explanation_text
from mainmode.policy.model import (
    Action,
    Authentication,
    DefaultResponse,
    FilterAction,
    MainModeSettings,
    Method,
    Policy,
    QuickModeOffer,
)
from mainmode.policy.selection import Selection
from mainmode.policy.surroundings import Surroundings
from mainmode.policy.words import parse_group, parse_quick_mode_offer
from tests.policy.policies import (
    BLOCK,
    HERE,
    HERE6,
    KEY,
    NEGOTIATE,
    PEER,
    PERMIT,
    flow,
    rule,
    selection,
    tcp,
    traffic,
)

EVERYTHING = rule("everything", NEGOTIATE, traffic("me", "any"))
REQUEST = replace(NEGOTIATE, accept_unsecured=True, allow_fallback=True)
CERTIFICATE = Authentication(Method.CERTIFICATE, root_ca="CN=CA")
OTHER_KEY = Authentication(Method.PRESHARED_KEY, "other.psk")
TUNNEL = rule("tunnel", NEGOTIATE, traffic("10.1.0.0/16", "10.2.0.0/16"), tunnel="192.0.2.2")


def offers(*words: str) -> tuple[QuickModeOffer, ...]:
    return tuple(map(parse_quick_mode_offer, words))


# --- negotiation --------------------------------------------------------------------------------


def test_what_goes_out_in_main_mode_and_quick_mode() -> None:
    action = replace(NEGOTIATE, offers=offers("esp:aes128-sha1 15m", "ah:sha1+esp:3des-sha1"))
    said = explain(selection(rule("web", action, traffic("me", "any", "tcp", 0, 80))), tcp())
    assert said.negotiation is not None
    assert (said.negotiation.peer, said.negotiation.local) == (PEER, HERE)
    assert said.negotiation.main_mode == ("3des-sha1-group14 psk 8h", "3des-sha1-group2 psk 8h")
    assert said.negotiation.quick_mode == ("esp:aes128-sha1 transport 15m 100MB",)
    assert str(said.negotiation.selector) == "192.0.2.1 <-> 192.0.2.2:80 tcp"
    assert said.negotiation.pfs == "none: keys come from main mode's"
    assert said.notes == (
        "offer ah:sha1+esp:3des-sha1: not enforced yet: AH joined with ESP is left out of what is "
        "offered and accepted",
    )


def test_main_mode_settings_are_those_toward_the_peer() -> None:
    own = replace(EVERYTHING, main_mode=MainModeSettings(lifetime_s=60, quick_modes_max=3))
    text = explanation_text(explain(selection(own), tcp()))
    assert "lifetime: 1m, 3 quick modes" in text
    pfs = replace(EVERYTHING, main_mode=MainModeSettings(master_pfs=True))
    text = explanation_text(explain(selection(pfs), tcp()))
    assert "lifetime: 8h, one quick mode (master key PFS)" in text


def test_perfect_forward_secrecy() -> None:
    def said(action: FilterAction) -> tuple[str, str]:
        negotiation = explain(selection(rule("r", action, traffic("me", "any"))), tcp()).negotiation
        assert negotiation is not None
        return negotiation.pfs, negotiation.quick_mode[0]

    own = replace(NEGOTIATE, session_pfs=True)
    assert said(own) == (
        "a new Diffie-Hellman exchange in the group of main mode",
        "esp:3des-sha1 transport 1h 100MB",
    )
    fixed = replace(own, session_pfs_group=parse_group("group14"))
    assert said(fixed) == (
        "a new Diffie-Hellman exchange in group14",
        "esp:3des-sha1 transport 1h 100MB group14",
    )


def test_authentication_in_the_order_of_the_rule() -> None:
    web = rule("web", NEGOTIATE, traffic("me", "any"), authentication=(CERTIFICATE, KEY, OTHER_KEY))
    said = explain(selection(web), tcp()).negotiation
    assert said is not None
    second = "main mode cannot tell two of a kind apart: the first counts"
    assert [(str(each), each.why_not) for each in said.authentication] == [
        ("certificate from 'CN=CA'", "certificates are not offered"),
        ("preshared key 'peer.psk'", ""),
        ("preshared key 'other.psk'", second),
    ]


def test_a_peer_that_begins_may_use_what_other_rules_list() -> None:
    other = rule("other", NEGOTIATE, traffic("me", "any", "udp"), authentication=(OTHER_KEY,))
    certificates = rule("third", NEGOTIATE, traffic("me", "any"), authentication=(CERTIFICATE,))
    said = explain(selection(other, certificates), tcp()).negotiation
    assert said is not None
    assert said.obstacles == ("the rule lists no method that is available here",)
    assert said.main_mode == ()
    assert [str(each) for each in said.accepted] == ["preshared key 'other.psk'"]


def test_a_tunnel_leaves_from_the_address_that_faces_the_gateway() -> None:
    packet = flow("10.1.0.5", "10.2.0.9", "tcp", 1024, 22)
    said = explain(selection(TUNNEL), packet, local_toward=lambda _peer: HERE).negotiation
    assert said is not None
    assert (said.local, said.obstacles) == (HERE, ())
    lost = explain(selection(TUNNEL), packet).negotiation
    assert lost is not None
    assert (lost.local, lost.obstacles) == (None, ("no route leads to 192.0.2.2",))


# --- without an SA ------------------------------------------------------------------------------


def clear_of(said: Explanation) -> tuple[str, ...]:
    return said.clear.sentences


def test_required_protection_in_both_directions() -> None:
    out, back = (explain(selection(EVERYTHING), tcp(), each) for each in _BOTH)
    none = "there is no fallback to clear traffic"
    assert clear_of(out) == ("it waits until there is an SA with 192.0.2.2", none)
    assert clear_of(back) == ("it is dropped", none)
    assert not out.clear.passes
    assert not back.clear.passes


_BOTH = (Direction.OUTBOUND, Direction.INBOUND)


def test_requested_protection_in_both_directions() -> None:
    main_mode = MainModeSettings(fallback_on_mismatch=True, soft_lifetime_s=600)
    policy = Policy("test", (rule("all", REQUEST, traffic("me", "any")),), main_mode)
    out, back = (explain(Selection(policy, [HERE]), tcp(), each) for each in _BOTH)
    soft = (
        "if the peer does not answer for 3s, it passes in clear under a soft SA; while it does, "
        "another attempt is made every 10m",
        "likewise when the peer says, unauthenticated, that policies do not agree",
    )
    assert clear_of(out) == (
        "it waits until there is an SA with 192.0.2.2",
        "what comes from there in clear is accepted (inbound pass-through)",
        *soft,
    )
    passed = "it is accepted (inbound pass-through), and protection is negotiated for the answer"
    assert clear_of(back) == (passed, *soft)
    assert (out.clear.passes, out.clear.fallback) == (False, True)
    assert (back.clear.passes, back.clear.fallback) == (True, True)


def test_tunnels_have_no_fallback() -> None:
    soft = replace(TUNNEL, filter_action=REQUEST)
    said = explain(selection(soft), flow("10.1.0.5", "10.2.0.9"))
    assert not said.clear.fallback
    assert clear_of(said)[-1] == (
        "there is no fallback to clear traffic: tunnels have none, whatever policy says"
    )


def test_the_inbound_half_of_a_tunnel() -> None:
    back = traffic("10.2.0.0/16", "10.1.0.0/16", mirrored=False)
    half = selection(rule("in", NEGOTIATE, back, tunnel="192.0.2.1"))
    said = explain(half, flow("10.1.0.5", "10.2.0.9"), Direction.INBOUND)
    assert said.negotiation is None
    assert "the rule only demands protection: another one makes the tunnel" in clear_of(said)


def test_what_is_permitted_or_blocked() -> None:
    shut = explain(selection(rule("shut", BLOCK, traffic("me", "any"))), tcp())
    assert clear_of(shut) == ("it is dropped, protected or not",)
    open_ = explain(selection(rule("open", PERMIT, traffic("me", "any"))), tcp())
    assert clear_of(open_) == ("it passes in clear",)
    assert open_.clear.passes


def test_the_default_response_rule_is_for_what_no_filter_decides() -> None:
    policy = Policy("test", default_response=DefaultResponse(active=True))
    said = explain(Selection(policy, [HERE]), tcp())
    assert said.clear.default_response
    assert "the default response rule answers" in clear_of(said)[-1]
    named = replace(policy, rules=(rule("open", PERMIT, traffic("me", "any")),))
    assert not explain(Selection(named, [HERE]), tcp()).clear.default_response


def test_forwarded_packets_are_said_to_be_blocked() -> None:
    anyone = selection(rule("anyone", NEGOTIATE, traffic("any", "any")))
    said = explain(anyone, flow("10.9.0.1", "192.0.2.2"))
    assert said.decision.action is Action.BLOCK
    assert "10.9.0.1 is not an address of this computer" in explanation_text(said)
    assert said.notes == (
        "10.9.0.1 is no address of this computer: such a packet passes through it",
    )


# --- what is not known, and not done yet --------------------------------------------------------


def test_what_gives_no_filter_here_is_said() -> None:
    some = selection(
        rule("off", BLOCK, traffic("me", "any"), active=False),
        rule("named", BLOCK, traffic("me", "web.example"), traffic("dns", "me"), tunnel=""),
        replace(TUNNEL, tunnel_endpoint=None, tunnel_name="gate.example"),
    )
    assert [str(each) for each in explain(some, tcp()).left_out] == [
        "rule 'off': it is not active",
        "rule 'named', filter from me to web.example: no address is known for web.example",
        "rule 'named', filter from dns to me: no address is known for dns",
        "rule 'tunnel': no address is known for its gateway gate.example",
    ]


def test_names_that_have_addresses_give_filters() -> None:
    named = Policy("test", (rule("named", BLOCK, traffic("me", "web.example")),))
    known = Surroundings({"web.example": (PEER,)})
    said = explain(Selection(named, [HERE], around=known), tcp())
    assert said.left_out == ()
    assert said.decision.action is Action.BLOCK


def test_what_the_default_response_rule_carries_now() -> None:
    asked = Selector(AddressRange.host(HERE), AddressRange.host(PEER))
    answering = Policy("test", default_response=DefaultResponse(True, authentication=(KEY,)))
    said = explain(Selection(answering, [HERE]).answering([asked]), tcp())
    assert said.decision.action is Action.NEGOTIATE
    [compared] = said.compared
    assert compared.verdict is Verdict.DECIDES


def test_ipv6_is_not_carried_yet() -> None:
    both = selection(EVERYTHING, here=(HERE, HERE6))
    assert explain(both, tcp()).notes == ()
    there: Flow = flow("2001:db8::1", "2001:db8::2", "tcp", 1, 2)
    assert "IPv6 packets that it matches are dropped" in explain(both, there).notes[0]
