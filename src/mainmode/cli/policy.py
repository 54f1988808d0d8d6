"""`mainmode policy`: policy files and the policy store."""

import click

from mainmode.cli import policy_diff, policy_explain, policy_files, policy_store


@click.group()
def policy() -> None:
    """Work on policy files and the policy store."""


for command in (
    policy_files.check,
    policy_files.template,
    policy_files.schema,
    policy_explain.explain,
    policy_diff.diff,
    policy_store.show,
    policy_store.assign,
    policy_store.unassign,
    policy_store.confirm,
    policy_store.export,
    policy_store.import_,
):
    policy.add_command(command)
