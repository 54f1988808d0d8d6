"""The value of `rootca`: a certification authority's name and what follows it.

    "CN=Corporate Root, O=\\'Example\\' certmap:yes excludecaname:yes"

A quote inside the name is written \\'. Before such an apostrophe backslashes count as before a
quote: two stand for one (ours, so that every name can be written).

Source: Windows' help of `netsh ipsec`.
"""

import re
from dataclasses import dataclass

from mainmode.policy.mistakes import WordError
from mainmode.policy.netsh.kinds import Kind

_OPTION = re.compile(r"\s+(certmap|excludecaname):(\w*)$", re.IGNORECASE)
_QUOTE = re.compile(r"(\\+)'")


@dataclass(frozen=True, slots=True)
class Authority:
    name: str
    account_mapping: bool = False
    exclude_name: bool = False


def _parse(text: str) -> Authority:
    options: dict[str, bool] = {}
    rest = text
    while match := _OPTION.search(rest):
        option, value = match[1].lower(), match[2].lower()
        if not value or not ("yes".startswith(value) or "no".startswith(value)):
            raise WordError(f"{match[0].strip()!r} is neither yes nor no", f"write {option}:yes")
        options[option] = value.startswith("y")
        rest = rest[: match.start()]
    if not rest.strip():
        raise WordError("rootca names no authority", 'write rootca="CN=..."')
    name = _QUOTE.sub(_unescaped, rest)
    return Authority(name, options.get("certmap", False), options.get("excludecaname", False))


def _unescaped(match: re.Match[str]) -> str:
    slashes = len(match[1])
    return "\\" * (slashes // 2) + ('"' if slashes % 2 else "'")


def _write(authority: Authority) -> str:
    name = re.sub(r"(\\*)(['\"])", _escaped, authority.name)
    options = (("certmap", authority.account_mapping), ("excludecaname", authority.exclude_name))
    return name + "".join(f" {option}:yes" for option, value in options if value)


def _escaped(match: re.Match[str]) -> str:
    slashes, sign = match[1] * 2, match[2]
    if sign == '"':
        return f"{slashes}\\'"
    return f"{slashes}'"


AUTHORITY = Kind('"<name> certmap:(yes | no) excludecaname:(yes | no)"', _parse, _write)
