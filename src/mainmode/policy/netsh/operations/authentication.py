"""The authentication methods that a command gives, in its order."""

from dataclasses import replace

from mainmode.policy.mistakes import WordError
from mainmode.policy.model import CREDENTIAL_PREFIX, Action, Authentication, Method, Rule
from mainmode.policy.netsh import parameters as p
from mainmode.policy.netsh.commands import Command, Given
from mainmode.policy.netsh.work import Work

KERBEROS_ALONE = (Authentication(Method.KERBEROS),)
"""What Windows takes where nothing is given."""


def authentication_of(command: Command, work: Work, hint: str) -> tuple[Authentication, ...] | None:
    """None when the command says nothing of it; `kerberos=no` alone is a way to say: no method.

    hint: what a preshared key is for, to name its file.
    Raises: WordError, PersonError.
    """
    if not command.has(*p.AUTHENTICATION):
        return None
    methods: list[Authentication] = []
    for given in command.given:
        if given.parameter in p.METHODS:
            methods += _method(given, work, hint)
        elif given.parameter in (p.LOCAL_ID, p.PEER_ID):
            if not methods:
                fix = "write it after psk=, rootca= or kerberos=yes"
                raise WordError(f"{given.parameter.tag} belongs to the method before it", fix)
            field = "local_identity" if given.parameter is p.LOCAL_ID else "peer_identity"
            methods[-1] = replace(methods[-1], **{field: given.value})
    return tuple(methods)


def _method(given: Given, work: Work, hint: str) -> list[Authentication]:
    """Nothing for `kerberos=no`."""
    value = given.value
    if given.parameter is p.KERBEROS:
        return [Authentication(Method.KERBEROS)] if value else []
    if given.parameter is p.PRESHARED_KEY:
        name = work.outside.keep_secret(value.encode(), hint)
        return [Authentication(Method.PRESHARED_KEY, name)]
    if given.parameter is p.SECRET_FILE:
        if value.startswith(CREDENTIAL_PREFIX) and (value == CREDENTIAL_PREFIX or "/" in value):
            raise WordError(f"{value!r} names no credential", "write credential:NAME")
        return [Authentication(Method.PRESHARED_KEY, value)]
    return [
        Authentication(
            Method.CERTIFICATE,
            root_ca=value.name,
            exclude_ca_name=value.exclude_name,
            account_mapping=value.account_mapping,
        )
    ]


def completed(rule: Rule, methods: tuple[Authentication, ...] | None) -> Rule:
    """A rule that negotiates without a way to authenticate uses Kerberos.

    methods: what the command says of it. Raises: WordError, if that there is none.
    """
    if rule.filter_action.action is not Action.NEGOTIATE:
        return rule
    require_method(methods)
    return rule if rule.authentication else replace(rule, authentication=KERBEROS_ALONE)


def require_method(methods: tuple[Authentication, ...] | None) -> None:
    """Of what negotiates. Raises: WordError, if the command says that there is none."""
    if methods == ():
        raise WordError(
            "what negotiates needs a way to authenticate", "add psk=, rootca= or kerberos=yes"
        )
