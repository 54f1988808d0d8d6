"""Filter lists and their filters."""

from dataclasses import replace

from mainmode.errors import PersonError
from mainmode.policy.document import Document
from mainmode.policy.edit import put_filter_list, remove_filter_list
from mainmode.policy.mistakes import WordError
from mainmode.policy.model import Filter, FilterList, Place, PlaceKind
from mainmode.policy.netsh import parameters as p
from mainmode.policy.netsh.commands import Command
from mainmode.policy.netsh.naming import all_or_named, filter_list_of, find
from mainmode.policy.netsh.places import with_mask
from mainmode.policy.netsh.work import NothingThere, Work
from mainmode.policy.words import SERVER_KINDS, WITH_PORTS


def add_filter_list(command: Command, work: Work) -> None:
    new = FilterList(command.require(p.NAME), (), command.get(p.DESCRIPTION, ""))
    work.document = put_filter_list(work.document, new)


def set_filter_list(command: Command, work: Work) -> None:
    was = filter_list_of(work.document, command)
    name = command.get(p.NEW_NAME, was.name)
    description = command.get(p.DESCRIPTION, was.description)
    new = replace(was, name=name, description=description)
    work.document = put_filter_list(work.document, new, was=was.name)


def delete_filter_list(command: Command, work: Work) -> None:
    document = work.document
    for each in all_or_named(document.filter_lists, command, "filter list"):
        document = remove_filter_list(document, each.name)
    work.document = document


def add_filter(command: Command, work: Work) -> None:
    """To the end of its list, which is made when it is not there."""
    new = filter_of(command)
    was = _list_named(work.document, command.require(p.FILTER_LIST))
    if was is None:
        fresh = FilterList(command.require(p.FILTER_LIST), (new,))
        work.document = put_filter_list(work.document, fresh)
        return
    known = _known(work, was)
    if _bare(new) in known:
        raise PersonError(
            f"filter list {was.name!r} has this filter already", fix="leave out one of the two"
        )
    longer = replace(was, filters=(*was.filters, new))
    _require_peers(work.document, longer)
    work.document = put_filter_list(work.document, longer, was=was.name)
    known.add(_bare(new))
    work.known = longer, known


def _known(work: Work, filter_list: FilterList) -> set[Filter]:
    """Its filters, but for their descriptions: at hand where a list grows filter by filter."""
    if work.known[0] is filter_list:
        return work.known[1]
    return {_bare(each) for each in filter_list.filters}


def _bare(each: Filter) -> Filter:
    return replace(each, description="")


def delete_filter(command: Command, work: Work) -> None:
    """Every filter of the list that is as given."""
    was = find(work.document.filter_lists, command.require(p.FILTER_LIST), "filter list")
    kept = tuple(each for each in was.filters if not _is_as_given(each, command))
    if kept == was.filters:
        fix = f"see `show filterlist {was.name} level=verbose`"
        raise NothingThere(f"filter list {was.name!r} has no such filter", fix=fix)
    work.document = put_filter_list(work.document, replace(was, filters=kept), was=was.name)


def _list_named(document: Document, name: str) -> FilterList | None:
    try:
        return find(document.filter_lists, name, "filter list")
    except NothingThere:
        return None


def filter_of(command: Command) -> Filter:
    """The filter that a command gives. Raises: WordError."""
    source = with_mask(command.require(p.SOURCE), command.get(p.SOURCE_MASK), "srcmask")
    destination = with_mask(
        command.require(p.DESTINATION), command.get(p.DESTINATION_MASK), "dstmask"
    )
    _require_fitting(source, destination)
    new = Filter(
        source,
        destination,
        command.get(p.PROTOCOL_, 0),
        command.get(p.SOURCE_PORT, 0),
        command.get(p.DESTINATION_PORT, 0),
        command.get(p.MIRRORED, True),
        command.get(p.DESCRIPTION, ""),
    )
    if (new.source_port or new.destination_port) and new.protocol not in WITH_PORTS:
        raise WordError("a port needs a protocol with ports", "add protocol=tcp or protocol=udp")
    return new


def _require_fitting(source: Place, destination: Place) -> None:
    for one, other in ((source, destination), (destination, source)):
        if one.kind in SERVER_KINDS and other.kind is not PlaceKind.ME:
            raise WordError(f"{one} stands for servers of this computer", "make the other side me")
    ranges = source.addresses, destination.addresses
    if ranges[0] and ranges[1] and ranges[0].version != ranges[1].version:
        raise WordError("one side is IPv4, the other IPv6", "write two filters, one for each")


def _is_as_given(each: Filter, command: Command) -> bool:
    wanted = (
        (p.PROTOCOL_, each.protocol),
        (p.MIRRORED, each.mirrored),
        (p.SOURCE_PORT, each.source_port),
        (p.DESTINATION_PORT, each.destination_port),
    )
    return (
        all(command.get(parameter, value) == value for parameter, value in wanted)
        and _is_place(each.source, command.require(p.SOURCE), command.get(p.SOURCE_MASK))
        and _is_place(
            each.destination, command.require(p.DESTINATION), command.get(p.DESTINATION_MASK)
        )
    )


def _is_place(there: Place, wanted: Place, mask: int | None) -> bool:
    """An address without a mask is that of every subnet that begins with it."""
    by_itself = wanted.addresses is not None and wanted.addresses.is_host and mask is None
    if by_itself and there.addresses is not None and wanted.addresses is not None:
        return there.addresses.first == wanted.addresses.first
    return not by_itself and there == with_mask(wanted, mask, "mask")


def _require_peers(document: Document, changed: FilterList) -> None:
    """A rule for Windows 2000 peers names each by its address."""
    for _, rule in document.rules_with_list(changed.name):
        if rule.windows_2000_peer:
            require_named_peers(rule.name, changed)


def require_named_peers(rule: str, filter_list: FilterList) -> None:
    """Raises: PersonError."""
    if not filter_list.names_peers:
        fix = "name each peer by its address, or leave out windows2000peer"
        raise PersonError(f"rule {rule!r}: a filter names no peers by address", fix=fix)
