"""The default response rule: what it gives to peers that ask, and what it leaves alone."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from mainmode.crypto.algorithms import CIPHERS
from mainmode.failures import Reason, Refused
from mainmode.model import Direction, Mode
from mainmode.policy.model import (
    Action,
    Authentication,
    DefaultResponse,
    FilterAction,
    MainModeSettings,
    Method,
    Policy,
    Rule,
)
from mainmode.policy.response import NAME, response_rule
from mainmode.policy.selection import Selection
from mainmode.policy.words import parse_quick_mode_offer
from tests.policy.policies import (
    BLOCK,
    HERE,
    KEY,
    NEGOTIATE,
    OTHER,
    PEER,
    PERMIT,
    flow,
    rule,
    selector,
    tcp,
    traffic,
)

RESPONSE_KEY = Authentication(Method.PRESHARED_KEY, "response.psk")
OFFERS = (parse_quick_mode_offer("ah:sha1"), parse_quick_mode_offer("esp:3des-sha1"))
RESPONSE = DefaultResponse(True, OFFERS, authentication=(RESPONSE_KEY,))
HOSTS = selector("192.0.2.1", "192.0.2.2")


def responding(*rules: Rule) -> Selection:
    return Selection(Policy("test", rules, default_response=RESPONSE), [HERE])


def test_it_is_a_rule_with_its_own_authentication_and_offers() -> None:
    made = response_rule(Policy("test", default_response=RESPONSE))
    assert made is not None
    assert (made.name, made.authentication) == (NAME, (RESPONSE_KEY,))
    assert (made.filter_action.action, made.filter_action.offers) == (Action.NEGOTIATE, OFFERS)
    assert response_rule(Policy("test", default_response=replace(RESPONSE, active=False))) is None


def test_anybody_may_ask_and_nobody_is_asked() -> None:
    terms = responding().toward(HERE, PEER)
    assert terms is not None
    assert (terms.authentications, terms.rules, terms.ours) == ((RESPONSE_KEY,), (), ())
    assert responding().connection(HERE, PEER) is None
    assert responding().decide(tcp()).action is Action.PERMIT
    assert responding().main_mode(HERE, PEER) == MainModeSettings()


def test_rules_toward_a_peer_come_first() -> None:
    own = rule("own", NEGOTIATE, traffic("me", "192.0.2.2", "tcp", 0, 80))
    terms = responding(own).toward(HERE, PEER)
    assert terms is not None
    assert terms.authentications == (KEY, RESPONSE_KEY)
    assert (terms.rules, terms.ours) == ((own,), (KEY,))


@pytest.mark.parametrize("action", [BLOCK, PERMIT], ids=lambda each: each.name)
def test_where_a_filter_decides_for_all_traffic_with_a_peer_there_is_nothing_to_ask(
    action: FilterAction,
) -> None:
    decided = rule("decided", action, traffic("me", "192.0.2.2"))
    assert responding(decided).toward(HERE, PEER) is None
    assert responding(decided).toward(HERE, OTHER) is not None
    some = rule("some", PERMIT, traffic("me", "192.0.2.2", "icmp"))
    assert responding(some).toward(HERE, PEER) is not None


def test_groups_and_this_computer_itself_do_not_ask() -> None:
    assert responding().toward(HERE, ip_address("224.0.0.5")) is None
    assert responding().toward(HERE, HERE) is None


def test_it_grants_traffic_between_the_two_hosts() -> None:
    for wanted in (HOSTS, selector("192.0.2.1", "192.0.2.2", "tcp", 80, 0)):
        granted = responding().authorise(wanted, HERE, PEER, RESPONSE_KEY, Mode.TRANSPORT)
        assert (granted.selector, granted.peer) == (wanted, PEER)
        assert granted.filter_action.offers == OFFERS
        assert "the default response rule" in granted.because[-1]


def test_it_grants_nothing_else() -> None:
    def refused(*arguments: object, rules: tuple[Rule, ...] = ()) -> Reason:
        with pytest.raises(Refused) as caught:
            responding(*rules).authorise(*arguments)  # type: ignore[arg-type]
        return caught.value.failure.reason

    assert refused(HOSTS, HERE, PEER, KEY, Mode.TRANSPORT) is Reason.NOT_AUTHORISED
    assert refused(HOSTS, HERE, PEER, RESPONSE_KEY, Mode.TUNNEL) is Reason.NOT_AUTHORISED
    net = selector("192.0.2.0/24", "192.0.2.2")
    assert refused(net, HERE, PEER, RESPONSE_KEY, Mode.TRANSPORT) is Reason.NOT_AUTHORISED
    shut = rule("shut", BLOCK, traffic("me", "192.0.2.0/24"))
    whole = (HOSTS, HERE, PEER, RESPONSE_KEY, Mode.TRANSPORT)
    assert refused(*whole, rules=(shut,)) is Reason.NOT_AUTHORISED
    own = rule("own", NEGOTIATE, traffic("me", "192.0.2.2"))
    assert refused(*whole, rules=(own,)) is Reason.NOT_AUTHORISED, "a rule decides, with its key"


# --- its filters --------------------------------------------------------------------------------


def test_traffic_of_a_pair_has_a_filter_as_long_as_it_is_said() -> None:
    before = responding()
    during = before.answering([HOSTS])
    for direction in Direction:
        decision = during.decide(tcp(), direction)
        assert (decision.action, decision.selector) == (Action.NEGOTIATE, HOSTS)
        assert decision.peer == PEER
        assert not decision.filter_action.accept_unsecured
    assert during.decide(flow("192.0.2.1", "192.0.2.3", "tcp", 1, 2)).action is Action.PERMIT
    assert before.decide(tcp()).action is Action.PERMIT, "a selection never changes"
    assert during.answering([]).decide(tcp()).action is Action.PERMIT


def test_every_other_filter_stands_above_them() -> None:
    web = rule("web", PERMIT, traffic("me", "any", "tcp", 0, 80))
    during = responding(web).answering([HOSTS])
    assert during.decide(tcp(1_024, 80)).action is Action.PERMIT
    assert during.decide(tcp(1_024, 81)).action is Action.NEGOTIATE


def test_of_two_the_more_specific_decides() -> None:
    port = selector("192.0.2.1", "192.0.2.2", "tcp", 80, 0)
    for order in ([HOSTS, port], [port, HOSTS]):
        assert responding().answering(order).decide(tcp(80, 1_024)).selector == port


def test_which_pairs_stand_under_it() -> None:
    assert responding().is_response(HOSTS)
    assert not responding().is_response(selector("10.0.0.0/8", "192.0.2.2"))
    own = rule("own", NEGOTIATE, traffic("me", "192.0.2.2"))
    assert not responding(own).is_response(HOSTS)
    shut = rule("web", BLOCK, traffic("me", "192.0.2.2", "tcp", 0, 80))
    assert responding(shut).is_response(HOSTS)
    assert not Selection(Policy("test"), [HERE]).is_response(HOSTS)


def test_without_the_rule_there_are_no_such_filters() -> None:
    plain = Selection(Policy("test"), [HERE])
    assert plain.answering([HOSTS]) is plain


def test_a_computer_without_strong_encryption_answers_with_des() -> None:
    policy = Policy("test", default_response=RESPONSE, weak_host=True)
    response = Selection(policy, [HERE]).response
    assert response is not None
    assert [each.esp_cipher for each in response.filter_action.offers] == [None, CIPHERS["des"]]
