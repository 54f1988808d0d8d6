"""Policy files: what they say, and what is said about their mistakes."""

from pathlib import Path

import pytest

from mainmode.crypto.algorithms import GROUPS
from mainmode.errors import PolicyError
from mainmode.model import AddressRange, Lifetime
from mainmode.policy.load import load_policy, read_policy_file
from mainmode.policy.model import (
    DEFAULT_MAIN_MODE_OFFERS,
    DEFAULT_QUICK_MODE_OFFERS,
    ME,
    Action,
    ConnectionType,
    Identity,
    MainModeSettings,
    Method,
    Place,
    PlaceKind,
    Policy,
    Profile,
)

EXAMPLE = Path(__file__).parents[2] / "docs" / "policy-example.toml"

SMALL = """\
[policy]
name = "small"

[filter_list.all]
filters = [{ source = "me", destination = "any" }]

[filter_action.require]
action = "negotiate"

[[rule]]
name = "all"
filter_list = "all"
filter_action = "require"
authentication = [{ method = "preshared_key", secret_file = "peer.psk" }]
"""


def load(tmp_path: Path, text: str) -> Policy:
    file = tmp_path / "policy.toml"
    file.write_text(text)
    return load_policy(file)


def mistakes(tmp_path: Path, text: str) -> list[tuple[int, str, str]]:
    """Line, problem and fix of each."""
    with pytest.raises(PolicyError) as caught:
        load(tmp_path, text)
    assert {each.file for each in caught.value.mistakes} == {str(tmp_path / "policy.toml")}
    return [(each.line, each.problem, each.fix) for each in caught.value.mistakes]


def changed(old: str, new: str) -> str:
    """The small policy with one thing written otherwise."""
    assert old in SMALL
    return SMALL.replace(old, new)


# --- what is read -------------------------------------------------------------------------------


def test_what_is_left_out_has_the_defaults_of_the_model(tmp_path: Path) -> None:
    policy = load(tmp_path, SMALL)
    [rule] = policy.rules
    assert policy.main_mode == MainModeSettings()
    assert policy.main_mode.offers == DEFAULT_MAIN_MODE_OFFERS
    assert policy.profile is Profile.MODERN
    assert rule.filter_action.offers == DEFAULT_QUICK_MODE_OFFERS
    assert rule.active
    assert rule.tunnel_endpoint is None
    [only] = rule.filter_list.filters
    assert only.mirrored
    assert (only.protocol, only.source_port, only.destination_port) == (0, 0, 0)


def test_the_default_offers_are_triple_des_with_group_2048_then_group_2() -> None:
    names = [offer.name for offer in DEFAULT_MAIN_MODE_OFFERS]
    assert names == ["3des-sha1-group14", "3des-sha1-group2"]


def test_the_documented_example_says_everything() -> None:
    policy = load_policy(EXAMPLE)
    secure, web, pings, shut, tunnel = policy.rules
    assert secure.filter_action.session_pfs_group == GROUPS["group14"]
    assert [offer.name for offer in secure.filter_action.offers] == [
        "esp:3des-sha1",
        "esp:aes128-sha1",
        "ah:sha1",
    ]
    assert secure.filter_action.offers[2].lifetime == Lifetime(900, 100_000)
    [authentication] = secure.authentication
    assert authentication.method is Method.PRESHARED_KEY
    assert authentication.secret == "secrets/partner.psk"
    assert authentication.local_identity == Identity("fqdn", "here.example")
    assert authentication.peer_identity == Identity("fqdn", "there.example")
    assert secure.explain_refusals
    assert web.filter_list.filters[0].destination_port == 80
    assert [each.protocol for each in pings.filter_list.filters] == [1, 58]
    assert shut.filter_action.action is Action.BLOCK
    assert not shut.filter_list.filters[0].mirrored
    assert str(tunnel.tunnel_endpoint) == "203.0.113.2"
    assert not tunnel.active
    assert tunnel.authentication[0].secret == "credential:branch"


def test_the_example_names_every_key(tmp_path: Path) -> None:
    """A key that the loader knows and the example does not is missing in the documentation."""
    unknown = "nothing_like_it"
    found: set[str] = set()
    tables = ("[policy]", "[main_mode]", "[default_response]", "[[rule]]", "[settings]")
    for table in (*tables, "[filter_list.ping]", "[filter_action.block]"):
        text = EXAMPLE.read_text().replace(table, f"{table}\n{unknown} = 1", 1)
        with pytest.raises(PolicyError) as caught:
            load(tmp_path, text)
        [mistake] = caught.value.mistakes
        assert mistake.fix.startswith("write one of: ")
        found |= set(mistake.fix.removeprefix("write one of: ").split(", "))
    said = EXAMPLE.read_text()
    missing = {key for key in found if f"\n{key} = " not in said and f".{key}]" not in said}
    assert missing == set()


def test_a_protocol_may_be_a_number(tmp_path: Path) -> None:
    for written in ("47", '"47"'):
        text = changed('destination = "any"', f'destination = "any", protocol = {written}')
        assert load(tmp_path, text).rules[0].filter_list.filters[0].protocol == 47


def test_places_are_kept_as_written(tmp_path: Path) -> None:
    text = changed('destination = "any"', 'destination = "host.example"')
    [only] = load(tmp_path, text).rules[0].filter_list.filters
    assert only.source is ME
    assert only.destination == Place(PlaceKind.DNS_NAME, name="host.example")
    text = changed('destination = "any"', 'destination = "192.0.2.1-192.0.2.9"')
    [only] = load(tmp_path, text).rules[0].filter_list.filters
    assert only.destination.addresses == AddressRange.parse("192.0.2.1-192.0.2.9")


def test_certificates_and_kerberos_are_read(tmp_path: Path) -> None:
    text = changed(
        '{ method = "preshared_key", secret_file = "peer.psk" }',
        '{ method = "kerberos" }, { method = "certificate", root_ca = "CN=Root" }',
    )
    kerberos, certificate = load(tmp_path, text).rules[0].authentication
    assert kerberos.method is Method.KERBEROS
    assert (certificate.method, certificate.root_ca) == (Method.CERTIFICATE, "CN=Root")


def test_settings_of_main_mode(tmp_path: Path) -> None:
    text = SMALL + (
        "[main_mode]\noffers = ['des-md5-group1']\nlifetime = '1h'\nquick_modes_max = 5\n"
        "master_pfs = true\nretry_intervals = ['0.5s', '2s']\n"
    )
    settings = load(tmp_path, text).main_mode
    assert [offer.name for offer in settings.offers] == ["des-md5-group1"]
    assert (settings.lifetime_s, settings.quick_modes_max) == (3_600, 5)
    assert settings.master_pfs
    assert settings.retry_intervals_s == (0.5, 2.0)


def test_secrets_of_active_rules_are_named_once_in_order(tmp_path: Path) -> None:
    second = SMALL[SMALL.index("[[rule]]") :].replace('"all"', '"b"', 1)
    third = second.replace('"b"', '"c"').replace("peer.psk", "off.psk") + "active = false\n"
    policy = load(tmp_path, SMALL + second + third)
    assert policy.secret_names == ("peer.psk",)


def test_lines_lead_back_to_the_file(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(SMALL)
    lines = read_policy_file(file).lines
    assert lines.of(("rule", 0, "filter_action")) == 13


def test_connection_type_and_profile(tmp_path: Path) -> None:
    text = SMALL.replace('name = "small"', 'name = "small"\nprofile = "windows2003"')
    policy = load(tmp_path, text + 'connection_type = "lan"\n')
    assert policy.profile is Profile.WINDOWS_2003
    assert policy.rules[0].connection_type is ConnectionType.LAN


# --- what is wrong ------------------------------------------------------------------------------


def test_all_mistakes_come_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = SMALL.replace('"negotiate"', '"negotiat"').replace('"any"', '"anny"')
    text = text.replace('filter_list = "all"', 'filter_list = "al"') + "actve = true\n"
    assert mistakes(tmp_path, text) == [
        (
            5,
            "filter list 'all', filter 1: destination: 'anny' is no address",
            "did you mean 'any'?",
        ),
        (
            8,
            "filter action 'require': action: 'negotiat' is unknown",
            "did you mean 'negotiate'?",
        ),
        (12, "rule 'all': there is no filter list 'al'", "did you mean 'all'?"),
        (15, "rule 'all': unknown key 'actve'", "did you mean 'active'?"),
    ]


def test_a_mistake_is_shown_with_file_line_and_fix(tmp_path: Path) -> None:
    with pytest.raises(PolicyError) as caught:
        load(tmp_path, changed('"negotiate"', '"negotiat"'))
    assert str(caught.value) == (
        f"{tmp_path / 'policy.toml'}:8: filter action 'require': action: 'negotiat' is unknown\n"
        "  fix: did you mean 'negotiate'?"
    )


PORT = 'destination = "any", destination_port = 80'


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        ("[policy]", "[polcy]", 1, "unknown key 'polcy'"),
        ('name = "small"', 'name = " "', 2, "name is empty"),
        ('name = "small"', "name = 5", 2, "name is 5"),
        ('destination = "any"', PORT, 5, "a port needs a protocol with ports"),
        ('destination = "any"', f'{PORT}, protocol = "icmp"', 5, "a port needs a protocol"),
        ('destination = "any"', 'destination = "any", source_port = 65536', 5, "source_port is 65"),
        ('destination = "any"', 'destination = "any", mirrored = 1', 5, "mirrored is 1"),
        ('destination = "any"', 'destinatin = "any"', 5, "destination is missing"),
        ('source = "me"', 'source = "any", destination = "dns"', 5, "this is not TOML: Dupl"),
        ('"me", destination = "any"', '"any", destination = "dns"', 5, "dns stands for servers"),
        (
            '"me", destination = "any"',
            '"192.0.2.1", destination = "2001:db8::1"',
            5,
            "one side is IPv4, the other IPv6",
        ),
        ('filters = [{ source = "me", destination = "any" }]', "", 4, "it has no filters"),
        ('[{ source = "me", destination = "any" }]', '["me"]', 5, "'me' is not a table"),
        ('[{ source = "me", destination = "any" }]', '"all"', 5, "filters is 'all'"),
        ('action = "negotiate"', 'offers = ["esp:3des-sha1"]', 7, "action is missing"),
        ('action = "negotiate"', 'action = "negotiate"\noffers = []', 9, "offers names none"),
        (
            'action = "negotiate"',
            'action = "negotiate"\noffers = ["ah:md5",\n "ah:md5"]',
            9,
            "an offer is named twice",
        ),
        (
            'action = "negotiate"',
            'action = "negotiate"\noffers = ["ah:md5",\n "esp:null"]',
            10,
            "neither encrypts nor authenticates",
        ),
        (
            'action = "negotiate"',
            'action = "negotiate"\nsession_pfs_group = "group2"',
            9,
            "session_pfs_group alone has no effect",
        ),
        (
            "[filter_action.require]",
            "[filter_action]\nother = 1\n[filter_action.require]",
            8,
            "other is not a filter action",
        ),
        ('name = "all"', "", 10, "name is missing"),
        ('filter_list = "all"', "", 10, "filter_list is missing"),
        ('filter_list = "all"', 'filter_list = ""', 12, "filter_list is empty"),
        ('filter_action = "require"', 'filter_action = " "', 13, "filter_action is empty"),
        ("authentication = [", "# [", 10, "negotiates without any way to authenticate"),
        (', secret_file = "peer.psk"', "", 14, "must name one place"),
        (', secret_file = "peer.psk"', ', secret_file = "a", credential = "b"', 14, "one place"),
        (', secret_file = "peer.psk"', ', credential = "a/b"', 14, "a credential has a name"),
        (', secret_file = "peer.psk"', ', secret_file = "credential:a"', 14, "cannot begin so"),
        ('"preshared_key", ', '"kerberos", ', 14, "secret_file belongs to preshared keys"),
        ('"preshared_key", secret_file = "peer.psk"', '"certificate"', 14, "root_ca is missing"),
        ('"peer.psk"', '"peer.psk", root_ca = "CN=x"', 14, "root_ca belongs to certificates"),
        ('"peer.psk"', '"peer.psk", peer_identity = "fdqn:x"', 14, "'fdqn' is no kind"),
        ('method = "preshared_key", ', "", 14, "method is missing"),
        ('name = "all"', 'name = "all"\ntunnel_endpoint = "0.0.0.0"', 12, "no computer's address"),
        ('name = "all"', 'name = "all"\nexplain_refusals = "yes"', 12, "explain_refusals is 'yes'"),
    ],
)
def test_each_mistake_names_its_line(
    tmp_path: Path, old: str, new: str, line: int, problem: str
) -> None:
    found = mistakes(tmp_path, changed(old, new))
    assert any(problem in text and at == line for at, text, _ in found), found


def test_every_mistake_has_a_fix(tmp_path: Path) -> None:
    text = SMALL.replace('"negotiate"', "5").replace('"any"', '"x"') + "y = 1\nactive = 2\n"
    for _, problem, fix in mistakes(tmp_path, text):
        assert fix, problem


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('filter_list = "all"', 'filter_list = ""'),
        ('filter_action = "require"', 'filter_action = "  "'),
        ('action = "negotiate"', 'action = ""'),
        ('name = "small"', "name = 5"),
    ],
)
def test_what_must_be_there_and_is_wrong_is_one_mistake(tmp_path: Path, old: str, new: str) -> None:
    assert len(mistakes(tmp_path, changed(old, new))) == 1


def test_a_wrong_protocol_does_not_bring_a_second_mistake_about_its_port(tmp_path: Path) -> None:
    found = mistakes(tmp_path, changed('destination = "any"', f'{PORT}, protocol = "tpc"'))
    assert [problem.partition(": ")[2] for _, problem, _ in found] == [
        "protocol: 'tpc' is no protocol"
    ]


def test_two_rules_of_one_name(tmp_path: Path) -> None:
    again = SMALL[SMALL.index("[[rule]]") :]
    assert mistakes(tmp_path, SMALL + again) == [
        (16, "rule 'all': the name 'all' is taken", "give it another name")
    ]


@pytest.mark.parametrize(
    ("offers", "problem"),
    [
        ("[]", "offers names none"),
        ("[5]", "5 is not text"),
        (str([f"3des-sha1-group{n}" for n in (2, 5, 14, 15)] * 22), "88 offers are too many"),
    ],
)
def test_main_mode_offers_that_cannot_be_sent(tmp_path: Path, offers: str, problem: str) -> None:
    found = mistakes(tmp_path, f"{SMALL}[main_mode]\noffers = {offers}\n")
    assert any(problem in text for _, text, _ in found)


def test_intervals_that_would_never_wait(tmp_path: Path) -> None:
    for intervals in ("[]", '["0s"]', '["1"]'):
        assert mistakes(tmp_path, f"{SMALL}[main_mode]\nretry_intervals = {intervals}\n")


# --- files that are no policies -------------------------------------------------------------------


def test_broken_toml_names_the_line(tmp_path: Path) -> None:
    [(line, problem, _)] = mistakes(tmp_path, changed('"small"', '"small'))
    assert line == 2
    assert problem.startswith("this is not TOML: ")


def test_an_unfinished_file_names_its_last_line(tmp_path: Path) -> None:
    [(line, _, _)] = mistakes(tmp_path, '[policy]\nname = """x\n')
    assert line == 3


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="cannot be read: No such file"):
        load_policy(tmp_path / "none.toml")


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_bytes(b"[policy]\nname = '\xff'\n")
    with pytest.raises(PolicyError) as caught:
        load_policy(file)
    [mistake] = caught.value.mistakes
    assert (mistake.line, mistake.problem) == (2, "the policy is not UTF-8 text")


def test_an_editors_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(SMALL, encoding="utf-8-sig")
    assert load_policy(file) == load(tmp_path, SMALL)


def test_one_table_where_an_array_of_tables_belongs(tmp_path: Path) -> None:
    [(_, problem, fix)] = mistakes(tmp_path, '[policy]\nname = "x"\n[rule]\nname = "y"\n')
    assert problem.startswith("the policy file: rule is {")
    assert fix == "write its head as [[rule]]"


def test_a_file_nested_without_end(tmp_path: Path) -> None:
    [(_, problem, _)] = mistakes(tmp_path, "a = " + "[" * 100_000)
    assert "nested too deeply" in problem
