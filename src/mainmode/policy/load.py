"""Policy files: TOML in the words of the model.

    [policy]                 name, description, profile, weak_host
    [main_mode]              offers, lifetime, timeout, quick_modes_max, master_pfs,
                             retry_intervals, dead_peer_detection, fallback_after,
                             fallback_on_mismatch, in_cluster
    [default_response]       active
    [filter_list.NAME]       description, filters: an array of
                             { source, destination, protocol, source_port, destination_port,
                               mirrored, description }
    [filter_action.NAME]     action, offers, accept_unsecured, allow_fallback, session_pfs,
                             session_pfs_group, description
    [[rule]]                 name, filter_list, filter_action, authentication, tunnel_endpoint,
                             connection_type, active, windows_2000_peer, explain_refusals,
                             description
                             authentication: an array of { method, secret_file or credential,
                             root_ca, local_identity, peer_identity }, preferred first

What is left out has the default of `policy.model`. `docs/policy-example.toml` shows all of it.

Does not: read secrets (`auth.credentials`) or warn (`check`).
"""

import codecs
import re
import tomllib
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from mainmode import limits
from mainmode.errors import PersonError, PolicyError
from mainmode.model import IpAddress
from mainmode.numbers import IpProtocol
from mainmode.policy.lines import lines_of
from mainmode.policy.mistakes import Lines, Mistakes, WordError, nearest
from mainmode.policy.model import (
    ANY,
    CREDENTIAL_PREFIX,
    DEFAULT_QUICK_MODE_OFFERS,
    Action,
    Authentication,
    ConnectionType,
    Filter,
    FilterAction,
    FilterList,
    Identity,
    MainModeSettings,
    Method,
    Place,
    PlaceKind,
    Policy,
    Profile,
    Rule,
)
from mainmode.policy.reader import Table
from mainmode.policy.units import parse_duration
from mainmode.policy.words import (
    SERVER_KINDS,
    parse_address,
    parse_group,
    parse_identity,
    parse_lifetime_s,
    parse_main_mode_offer,
    parse_place,
    parse_protocol,
    parse_quick_mode_offer,
)

E = TypeVar("E", bound=Enum)
T = TypeVar("T")

MAIN_MODE_OFFERS_MAX = limits.TRANSFORMS_MAX // len(Method)
"""Each offer becomes a transform for each method, and their numbers have one octet."""
QUICK_MODE_OFFERS_MAX = 255
"""Each offer is a proposal, and their numbers have one octet."""
_PORT_MAX = 0xFFFF
_WITH_PORTS = (IpProtocol.TCP, IpProtocol.UDP)


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """A policy and where its parts stand in the file."""

    file: Path
    policy: Policy
    lines: Lines

    def where_named(self, name: str, mistake: PersonError) -> PersonError:
        """A mistake about a preshared key, told where an active rule names that key."""
        key = "credential" if name.startswith(CREDENTIAL_PREFIX) else "secret_file"
        line = next(
            self.lines.of(("rule", number, "authentication", index, key))
            for number, rule in enumerate(self.policy.rules)
            for index, authentication in enumerate(rule.authentication)
            if rule.active and authentication.secret == name
        )
        problem = f"{mistake.file}: {mistake.problem}" if mistake.file else mistake.problem
        return PersonError(problem, fix=mistake.fix, file=str(self.file), line=line)


def load_policy(file: Path) -> Policy:
    """Raises: PolicyError, with every mistake of the file."""
    return read_policy_file(file).policy


def read_policy_file(file: Path) -> PolicyFile:
    """Raises: PolicyError, with every mistake of the file."""
    source, values = _parse(file)
    lines = lines_of(source)
    mistakes = Mistakes(file, lines)
    policy = _Loader(mistakes).policy(Table(values, (), "the policy file", mistakes))
    if mistakes.found:
        raise PolicyError(mistakes.in_order())
    return PolicyFile(file, policy, lines)


def _parse(file: Path) -> tuple[bytes, dict[str, Any]]:
    def wrong(problem: str, fix: str, line: int = 0) -> PolicyError:
        return PolicyError([PersonError(problem, fix=fix, file=str(file), line=line)])

    try:
        source = file.read_bytes().removeprefix(codecs.BOM_UTF8)
    except OSError as error:
        raise wrong(f"the policy cannot be read: {error.strerror}", "name a policy file") from None
    try:
        return source, tomllib.loads(source.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        raise wrong("the policy is not UTF-8 text", "save the file as UTF-8", line) from None
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        line = int(found[1]) if found else source.count(b"\n") + 1
        raise wrong(f"this is not TOML: {error}", "see https://toml.io", line) from None
    except RecursionError:
        raise wrong("tables or arrays are nested too deeply", "a policy has few levels") from None


class _Loader:
    """Builds the policy; the filter lists and actions come first, rules refer to them."""

    def __init__(self, mistakes: Mistakes) -> None:
        self._mistakes = mistakes
        self._filter_lists: dict[str, FilterList] = {}
        self._filter_actions: dict[str, FilterAction] = {}

    def policy(self, top: Table) -> Policy:
        about = top.table("policy")
        name = about.required_text("name", '"my policy"')
        description = about.text("description")
        profile = _choice(about, "profile", Profile, Profile.MODERN)
        weak_host = about.flag("weak_host", False)
        about.finish()
        main_mode = self._main_mode(top.table("main_mode"))
        response = top.table("default_response")
        default_response = response.flag("active", False)
        response.finish()
        for list_name, table in top.named_tables("filter_list", "filter list"):
            self._filter_lists[list_name] = self._filter_list(list_name, table)
        for action_name, table in top.named_tables("filter_action", "filter action"):
            self._filter_actions[action_name] = self._filter_action(action_name, table)
        rules = self._rules(top.tables("rule"))
        top.finish()
        return Policy(name, rules, main_mode, profile, default_response, description, weak_host)

    # --- main mode ------------------------------------------------------------------------

    def _main_mode(self, table: Table) -> MainModeSettings:
        default = MainModeSettings()
        settings = MainModeSettings(
            offers=_offers(
                table,
                table.parsed_list("offers", parse_main_mode_offer, default.offers),
                MAIN_MODE_OFFERS_MAX,
                '"3des-sha1-group14"',
            ),
            lifetime_s=table.parsed("lifetime", parse_lifetime_s, default.lifetime_s),
            timeout_s=table.parsed("timeout", parse_lifetime_s, default.timeout_s),
            quick_modes_max=table.whole("quick_modes_max", default.quick_modes_max, 0xFFFF_FFFF),
            master_pfs=table.flag("master_pfs", default.master_pfs),
            retry_intervals_s=table.parsed_list(
                "retry_intervals", _interval, default.retry_intervals_s
            ),
            dead_peer_s=table.parsed("dead_peer_detection", _interval, default.dead_peer_s),
            fallback_after_s=table.parsed("fallback_after", _interval, default.fallback_after_s),
            fallback_on_mismatch=table.flag("fallback_on_mismatch", default.fallback_on_mismatch),
            in_cluster=table.flag("in_cluster", default.in_cluster),
        )
        if table.is_empty("retry_intervals"):
            table.mistake("retry_intervals names none", 'write ["1s", "2s"]', "retry_intervals")
        table.finish()
        return settings

    # --- filters --------------------------------------------------------------------------

    def _filter_list(self, name: str, table: Table) -> FilterList:
        filters = tuple(self._filter(each) for each in table.tables("filters"))
        if table.is_empty("filters") or not table.has("filters"):
            fix = 'add filters = [{ source = "me", destination = "any" }]'
            table.mistake("it has no filters", fix, "filters")
        filter_list = FilterList(name, filters, table.text("description"))
        table.finish()
        return filter_list

    def _filter(self, table: Table) -> Filter:
        for key in ("source", "destination"):
            table.required_text(key, '"me"')
        protocol = table.parsed_number("protocol", parse_protocol, None)
        built = Filter(
            source=table.parsed("source", parse_place, ANY),
            destination=table.parsed("destination", parse_place, ANY),
            protocol=protocol or 0,
            source_port=table.whole("source_port", 0, _PORT_MAX),
            destination_port=table.whole("destination_port", 0, _PORT_MAX),
            mirrored=table.flag("mirrored", True),
            description=table.text("description"),
        )
        readable = protocol is not None or not table.has("protocol")
        has_port = built.source_port or built.destination_port
        if has_port and readable and built.protocol not in _WITH_PORTS:
            key = "source_port" if built.source_port else "destination_port"
            table.mistake("a port needs a protocol with ports", 'add protocol = "tcp"', key)
        self._check_places(table, built.source, built.destination)
        table.finish()
        return built

    def _check_places(self, table: Table, source: Place, destination: Place) -> None:
        for one, other, key in (
            (source, destination, "source"),
            (destination, source, "destination"),
        ):
            if one.kind in SERVER_KINDS and other.kind is not PlaceKind.ME:
                fix = f'write {"destination" if key == "source" else "source"} = "me"'
                table.mistake(f"{one} stands for servers of this computer", fix, key)
        ranges = (source.addresses, destination.addresses)
        if ranges[0] and ranges[1] and ranges[0].version != ranges[1].version:
            fix = "write two filters, one for each"
            table.mistake("one side is IPv4, the other IPv6", fix, "destination")

    def _filter_action(self, name: str, table: Table) -> FilterAction:
        action = _choice(table, "action", Action, None)
        if action is None and not table.has("action"):
            table.mistake("action is missing", 'add action = "negotiate", "permit" or "block"')
        default = DEFAULT_QUICK_MODE_OFFERS if action is Action.NEGOTIATE else ()
        offers = table.parsed_list("offers", parse_quick_mode_offer, default)
        group = table.parsed("session_pfs_group", parse_group, None)
        built = FilterAction(
            name=name,
            action=action or Action.BLOCK,
            offers=_offers(table, offers, QUICK_MODE_OFFERS_MAX, '"esp:3des-sha1"'),
            accept_unsecured=table.flag("accept_unsecured", False),
            allow_fallback=table.flag("allow_fallback", False),
            session_pfs=table.flag("session_pfs", False),
            session_pfs_group=group,
            description=table.text("description"),
        )
        if group is not None and not built.session_pfs:
            fix = "add session_pfs = true"
            table.mistake("session_pfs_group alone has no effect", fix, "session_pfs_group")
        table.finish()
        return built

    # --- rules ----------------------------------------------------------------------------

    def _rules(self, tables: list[Table]) -> tuple[Rule, ...]:
        rules = [self._rule(table) for table in tables]
        names: set[str] = set()
        for table, rule in zip(tables, rules, strict=True):
            if rule.name in names:
                table.mistake(f"the name {rule.name!r} is taken", "give it another name", "name")
            names.add(rule.name)
        return tuple(rules)

    def _rule(self, table: Table) -> Rule:
        name = table.required_text("name", '"my rule"')
        if name:
            table.what = f"rule {name!r}"
        no_list, no_action = FilterList("", ()), FilterAction("", Action.BLOCK)
        built = Rule(
            name=name,
            filter_list=self._named(table, "filter_list", self._filter_lists) or no_list,
            filter_action=self._named(table, "filter_action", self._filter_actions) or no_action,
            authentication=tuple(
                self._authentication(each) for each in table.tables("authentication")
            ),
            tunnel_endpoint=table.parsed("tunnel_endpoint", _endpoint, None),
            connection_type=_choice(table, "connection_type", ConnectionType, ConnectionType.ALL),
            active=table.flag("active", True),
            windows_2000_peer=table.flag("windows_2000_peer", False),
            explain_refusals=table.flag("explain_refusals", False),
            description=table.text("description"),
        )
        if built.windows_2000_peer and not _names_peers(built.filter_list):
            fix = "name each peer by its address, or remove windows_2000_peer"
            table.mistake("a filter names no peers by address", fix, "windows_2000_peer")
        if built.filter_action.action is Action.NEGOTIATE and not built.authentication:
            fix = 'add authentication = [{ method = "preshared_key", secret_file = "FILE" }]'
            table.mistake("it negotiates without any way to authenticate", fix)
        table.finish()
        return built

    def _named(self, table: Table, key: str, known: dict[str, T]) -> T | None:
        """What a rule refers to by name."""
        name = table.required_text(key, '"NAME"')
        if name and name not in known:
            fix = nearest(name, known) if known else f"add [{key}.{name}]"
            table.mistake(f"there is no {key.replace('_', ' ')} {name!r}", fix, key)
        return known.get(name)

    def _authentication(self, table: Table) -> Authentication:
        method = _choice(table, "method", Method, None)
        if method is None and not table.has("method"):
            table.mistake("method is missing", 'add method = "preshared_key"')
        built = Authentication(
            method=method or Method.PRESHARED_KEY,
            secret=_secret(table, method),
            root_ca=table.text("root_ca"),
            local_identity=table.parsed("local_identity", parse_identity, Identity()),
            peer_identity=table.parsed("peer_identity", parse_identity, None),
        )
        if method is Method.CERTIFICATE:
            table.required_text("root_ca", '"CN=My CA"')
        elif built.root_ca:
            table.mistake("root_ca belongs to certificates", "remove it", "root_ca")
        table.finish()
        return built


def _names_peers(filter_list: FilterList) -> bool:
    """Whether each filter is between this computer and addresses of others."""
    kinds = ({each.source.kind, each.destination.kind} for each in filter_list.filters)
    return all(each == {PlaceKind.ME, PlaceKind.ADDRESSES} for each in kinds)


def _secret(table: Table, method: Method | None) -> str:
    """The name of the preshared key, wherever it is kept."""
    file, credential = table.text("secret_file"), table.text("credential")
    given = [key for key in ("secret_file", "credential") if table.has(key)]
    if method is not Method.PRESHARED_KEY:
        if method is not None:
            for key in given:
                table.mistake(f"{key} belongs to preshared keys", "remove it", key)
        return ""
    if len(given) != 1 or not (file or credential):
        fix = 'write either secret_file = "FILE" or credential = "NAME"'
        table.mistake("it must name one place where the key is kept", fix)
    if "/" in credential:
        table.mistake("a credential has a name, not a path", "use secret_file", "credential")
    if file.startswith(CREDENTIAL_PREFIX):
        table.mistake("a file's name cannot begin so", "use credential", "secret_file")
    return file or f"{CREDENTIAL_PREFIX}{credential}"


def _choice(table: Table, key: str, kind: type[E], default: T) -> E | T:
    """One of the words of an enumeration."""

    def parse(text: str) -> E:
        try:
            return kind(text)
        except ValueError:
            words = [str(each.value) for each in kind]
            raise WordError(f"{text!r} is unknown", nearest(text, words)) from None

    return table.parsed(key, parse, default)


def _offers(table: Table, offers: tuple[T, ...], most: int, example: str) -> tuple[T, ...]:
    if table.is_empty("offers"):
        table.mistake("offers names none", f"write offers = [{example}], or leave it out", "offers")
    if len(offers) > most:
        table.mistake(f"{len(offers)} offers are too many", f"name at most {most}", "offers")
    if len(set(offers)) < len(offers):
        table.mistake("an offer is named twice", "remove one of the two", "offers")
    return offers


def _interval(text: str) -> float:
    seconds = parse_duration(text)
    if not seconds:
        raise WordError("an interval of 0 would never wait", 'write "1s" or more')
    return seconds


def _endpoint(text: str) -> IpAddress | None:
    address = parse_address(text)
    if address.is_unspecified or address.is_multicast:
        raise WordError(f"{text} is no computer's address", "name the gateway's address")
    return address
