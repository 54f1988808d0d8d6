"""The security methods of netsh, as lists in one value.

    mmsecmethods = mm { blank mm }        mm   = conf "-" hash "-" group
    conf = DES | 3DES                     hash = MD5 | SHA1        group = 1 | 2 | 3
    qmsecmethods = neg { blank neg }      neg  = (esp | ah | ah+esp) [ ":" number "k/" number "s" ]
    esp = ESP[conf or None,hash or None]  ah   = AH[hash]

Group 1 is the group of 768 bits, 2 that of 1024, 3 that of 2048. Without lifetimes, or where one is
0, an hour and 100,000 kB hold. What netsh has no word for is called as in policy files:
`aes256-sha2-256-group19`, `ESP[aes256,sha2-256]`.

Source: Windows' help of `netsh ipsec`.
Each `parse` raises WordError.
"""

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from mainmode.crypto.algorithms import CIPHERS, HASHES, Cipher, Hash
from mainmode.model import Lifetime
from mainmode.policy.mistakes import WordError, nearest
from mainmode.policy.model import DEFAULT_QUICK_MODE_LIFETIME, MainModeOffer, QuickModeOffer
from mainmode.policy.netsh.kinds import NETSH_GROUPS, Kind, whole_number
from mainmode.policy.words import LIFETIME_MAX, parse_main_mode_offer

T = TypeVar("T")

_NUMBERS = {group: number for number, group in NETSH_GROUPS.items()}
_MAIN = re.compile(r"([a-z0-9]+)-([a-z0-9]+)-([0-9]+)", re.IGNORECASE)
_MAIN_FORM = "cipher-hash-group, such as 3DES-SHA1-2"
_QUICK = re.compile(
    r"(?:AH\[(?P<ah>[^\]]*)\])?(?P<plus>\+)?(?:ESP\[(?P<cipher>[^,\]]*),(?P<integrity>[^\]]*)\])?"
    r"(?::(?P<kilobytes>[0-9]+)k/(?P<seconds>[0-9]+)s)?",
    re.IGNORECASE,
)
_QUICK_FORM = (
    "ESP[3DES,SHA1], AH[SHA1] or AH[SHA1]+ESP[3DES,SHA1], then a lifetime as :100000k/3600s"
)
_BLANKS_INSIDE = re.compile(r"\s+(?=[^\[\]]*\])")
"""Blanks between brackets: ESP[3DES, SHA1]."""


# --- main mode --------------------------------------------------------------------------------


def _main_mode_offer(text: str) -> MainModeOffer:
    match = _MAIN.fullmatch(text)
    if match is None:
        return _our_main_mode_offer(text)
    cipher, hash_, group = match.groups()
    if group not in NETSH_GROUPS:
        raise WordError(f"{text!r}: there is no group {group}", "write 1, 2 or 3 (2048 bits)")
    ciphers = {name: each for name, each in CIPHERS.items() if each.ike is not None}
    return MainModeOffer(
        _algorithm(text, "cipher", cipher, ciphers),
        _algorithm(text, "hash", hash_, HASHES),
        NETSH_GROUPS[group],
    )


def _our_main_mode_offer(text: str) -> MainModeOffer:
    try:
        return parse_main_mode_offer(text.lower())
    except WordError as error:
        fix = error.fix if "mean" in error.fix else f"write {_MAIN_FORM}"
        raise WordError(f"{text!r} is no main mode method", fix) from None


def _main_mode_word(offer: MainModeOffer) -> str:
    number = _NUMBERS.get(offer.group)
    if number is None or "-" in offer.hash.name:
        return offer.name
    return f"{offer.cipher.name}-{offer.hash.name}-{number}".upper()


# --- quick mode -------------------------------------------------------------------------------


def _quick_mode_offer(text: str) -> QuickModeOffer:
    match = _QUICK.fullmatch(text)
    if match is None or not _is_whole(match):
        raise WordError(f"{text!r} is no quick mode method", f"write {_QUICK_FORM}")
    ah, cipher, integrity = match["ah"], match["cipher"], match["integrity"]
    esp_cipher = None if cipher is None else _algorithm(text, "cipher", cipher, _QUICK_CIPHERS)
    esp_integrity = None if cipher is None else _algorithm(text, "hash", integrity, _INTEGRITIES)
    if cipher is not None and esp_cipher == CIPHERS["null"] and esp_integrity is None:
        fix = "name an algorithm, as in ESP[None,SHA1]"
        raise WordError(f"{text!r} neither encrypts nor authenticates", fix)
    return QuickModeOffer(
        esp_cipher,
        esp_integrity,
        None if ah is None else _algorithm(text, "hash", ah, HASHES),
        _lifetime(text, match["seconds"], match["kilobytes"]),
    )


def _is_whole(match: re.Match[str]) -> bool:
    """AH, ESP, or both with a plus between."""
    both = match["ah"] is not None and match["cipher"] is not None
    either = match["ah"] is not None or match["cipher"] is not None
    return either and both == (match["plus"] is not None)


_QUICK_CIPHERS = {**CIPHERS, "none": CIPHERS["null"]}
_INTEGRITIES: dict[str, Hash | None] = {**HASHES, "none": None}


def _lifetime(text: str, seconds: str | None, kilobytes: str | None) -> Lifetime:
    default = DEFAULT_QUICK_MODE_LIFETIME
    in_s, in_kib = (whole_number(each or "0", LIFETIME_MAX) for each in (seconds, kilobytes))
    if in_s is None or in_kib is None:
        raise WordError(f"{text[:40]!r} lasts too long", f"write at most {LIFETIME_MAX} s and kB")
    return Lifetime(in_s or default.seconds, in_kib or default.kilobytes)


def _quick_mode_word(offer: QuickModeOffer) -> str:
    parts = []
    if offer.ah is not None:
        parts.append(f"AH[{_upper(offer.ah)}]")
    if offer.esp_cipher is not None:
        cipher = "None" if offer.esp_cipher == CIPHERS["null"] else _upper(offer.esp_cipher)
        integrity = "None" if offer.esp_integrity is None else _upper(offer.esp_integrity)
        parts.append(f"ESP[{cipher},{integrity}]")
    return f"{'+'.join(parts)}:{offer.lifetime.kilobytes}k/{offer.lifetime.seconds}s"


# --- both -------------------------------------------------------------------------------------


def _upper(algorithm: Cipher | Hash) -> str:
    return algorithm.name.upper()


def _algorithm(text: str, what: str, word: str, registry: Mapping[str, T]) -> T:
    if word.lower() not in registry:
        raise WordError(f"{text!r}: {word!r} is no {what}", nearest(word, registry))
    return registry[word.lower()]


def _methods(parse: Callable[[str], T], form: str) -> Callable[[str], tuple[T, ...]]:
    def parse_all(text: str) -> tuple[T, ...]:
        words = _BLANKS_INSIDE.sub("", text).split()
        if not words:
            raise WordError("it names no method", f"write {form}")
        offers = tuple(parse(word) for word in words)
        if len(set(offers)) < len(offers):
            raise WordError(f"{text!r} names a method twice", "remove one of the two")
        return offers

    return parse_all


MAIN_MODE_METHODS = Kind(
    "<cipher-hash-group ...>",
    _methods(_main_mode_offer, _MAIN_FORM),
    lambda offers: " ".join(map(_main_mode_word, offers)),
)
QUICK_MODE_METHODS = Kind(
    "<method[:kilobytes k/seconds s] ...>",
    _methods(_quick_mode_offer, _QUICK_FORM),
    lambda offers: " ".join(map(_quick_mode_word, offers)),
)
