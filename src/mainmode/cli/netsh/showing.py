"""What `show` prints: from the store, or from the running service."""

from collections.abc import Callable, Mapping

import click

from mainmode.cli import show as monitor
from mainmode.cli.client import Client
from mainmode.cli.netsh import dynamic_pages, static_pages
from mainmode.cli.netsh.pages import is_table
from mainmode.cli.table import blocks, table
from mainmode.policy.document import in_force
from mainmode.policy.filters import CompiledFilter, compile_filters
from mainmode.policy.model import Action
from mainmode.policy.netsh import dynamic
from mainmode.policy.netsh.commands import Command, Form
from mainmode.policy.netsh.work import DYNAMIC, LOCAL, PERSISTENT, Work
from mainmode.service.addresses import own_addresses

_STORE_PAGES = {**static_pages.PAGES, **dynamic_pages.PAGES}
_DIRECTIONS = {(True, True): "both", (True, False): "outbound", (False, True): "inbound"}


class Show:
    """Prints pages. `control`: the service's control socket; None: where it usually is."""

    def __init__(self, control: str | None) -> None:
        self._control = control

    def __call__(self, command: Command, work: Work) -> None:
        """Raises: PersonError, Failed when the service is needed and does not answer."""
        page = _STORE_PAGES.get(command.form)
        if page is not None:
            click.echo("\n".join(page(command, work)).rstrip())
            return
        pages: Mapping[Form, Callable[[Command, Work], None]] = {
            dynamic.SHOW_MM_FILTER: self._filters,
            dynamic.SHOW_QM_FILTER: self._filters,
            dynamic.SHOW_MM_SAS: self._main_mode_sas,
            dynamic.SHOW_QM_SAS: self._quick_mode_sas,
            dynamic.SHOW_STATS: self._statistics,
        }
        pages[command.form](command, work)

    def _filters(self, command: Command, work: Work) -> None:
        """The filters of what is assigned, in deciding order, with this computer's addresses."""
        local, persistent = work.documents[LOCAL], work.documents[PERSISTENT]
        assigned = [each.assigned_policy for each in (local, persistent)]
        policies = [each for each in assigned if each is not None]
        policy = in_force((*policies, *work.documents[DYNAMIC].policies))
        found = compile_filters(policy, own_addresses().local)
        if command.form is dynamic.SHOW_MM_FILTER:
            found = tuple(each for each in found if each.action is Action.NEGOTIATE)
        columns: Mapping[str, Callable[[CompiledFilter], str]] = {
            "Rule": lambda each: each.rule.name,
            "Filter": lambda each: str(each.selector),
            "Direction": lambda each: _DIRECTIONS[each.outbound, each.inbound],
            "Action": lambda each: each.action.value,
            "Mode": lambda each: each.mode.value,
        }
        click.echo(_formed(command)(columns, found) if found else "no filter is in force")

    def _main_mode_sas(self, command: Command, work: Work) -> None:
        found = Client(self._control).get("/v1/mmsas")["mmsas"]
        click.echo(_formed(command)(monitor.MAIN_MODE, found) if found else "no main mode SA")

    def _quick_mode_sas(self, command: Command, work: Work) -> None:
        found = Client(self._control).get("/v1/qmsas")["qmsas"]
        click.echo(_formed(command)(monitor.QUICK_MODE, found) if found else "no quick mode SA")

    def _statistics(self, command: Command, work: Work) -> None:
        monitor.say_statistics(Client(self._control).get("/v1/stats"))


def _formed(command: Command) -> Callable[..., str]:
    return table if is_table(command) else blocks
