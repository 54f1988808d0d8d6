"""Writes the hand-made messages of `tests/vectors/messages/`.

Every octet is laid down here from the RFCs' figures, without a line of mainmode, so that the
codec is measured against something it did not make itself.
Run: python -m tests.vectors.build_messages
"""

import hashlib
from pathlib import Path

FOLDER = Path(__file__).parent / "messages"

CKY_I = bytes.fromhex("c0ffee0102030405")
CKY_R = bytes.fromhex("5ec0de0a0b0c0d0e")
NO_COOKIE = bytes(8)

SA, KE, ID, CERT, CERTREQ, HASH, SIG, NONCE, N, D, VID, ATTR = 1, *range(4, 15)
NAT_D, NAT_OA, GSS, NAT_D_DRAFT, NAT_OA_DRAFT, FRAG = 20, 21, 129, 130, 131, 132
MAIN, INFORMATIONAL, TRANSACTION, QUICK = 2, 5, 6, 32

Payload = tuple[int, bytes]


def filler(label: str, octets: int) -> bytes:
    """Octets that look random and are always the same."""
    return hashlib.shake_256(label.encode()).digest(octets)


def be(value: int, octets: int) -> bytes:
    return value.to_bytes(octets, "big")


def chain(*payloads: Payload, reserved: int = 0) -> bytes:
    following = [kind for kind, _ in payloads[1:]] + [0]
    return b"".join(
        bytes((after, reserved)) + be(len(body) + 4, 2) + body
        for (_, body), after in zip(payloads, following, strict=True)
    )


def message(
    exchange: int,
    *payloads: Payload,
    cky_r: bytes = CKY_R,
    message_id: int = 0,
    flags: int = 0,
    padding: bytes = b"",
    reserved: int = 0,
) -> bytes:
    body = chain(*payloads, reserved=reserved) + padding
    return header(payloads[0][0], exchange, body, cky_r, flags, message_id)


def header(
    first: int, exchange: int, body: bytes, cky_r: bytes, flags: int, message_id: int
) -> bytes:
    fixed = bytes((first, 0x10, exchange, flags)) + be(message_id, 4) + be(28 + len(body), 4)
    return CKY_I + cky_r + fixed + body


def tv(kind: int, value: int) -> bytes:
    return be(0x8000 | kind, 2) + be(value, 2)


def tlv(kind: int, value: bytes) -> bytes:
    return be(kind, 2) + be(len(value), 2) + value


def sa(*proposals: bytes, situation: int = 1, doi: int = 1) -> Payload:
    """The proposals come with next payload 2; the last one's is set to 0 here."""
    last = b"\0" + proposals[-1][1:] if proposals else b""
    return SA, be(doi, 4) + be(situation, 4) + b"".join(proposals[:-1]) + last


def proposal(number: int, protocol: int, spi: bytes, *transforms: bytes) -> bytes:
    final = b"\0" + transforms[-1][1:]
    body = spi + b"".join(transforms[:-1]) + final
    head = bytes((number, protocol, len(spi), len(transforms)))
    return bytes((2, 0)) + be(8 + len(body), 2) + head + body


def transform(number: int, kind: int, *attributes: bytes, reserved2: int = 0) -> bytes:
    body = b"".join(attributes)
    return bytes((3, 0)) + be(8 + len(body), 2) + bytes((number, kind)) + be(reserved2, 2) + body


def windows_main_mode(number: int, cipher: int, hashing: int, group: int, method: int = 1) -> bytes:
    lifetime = tlv(12, be(28800, 4))
    return transform(
        number, 1, tv(1, cipher), tv(2, hashing), tv(4, group), tv(3, method), tv(11, 1), lifetime
    )


def strongswan_main_mode(number: int, cipher: int, bits: int, hashing: int, group: int) -> bytes:
    key_length = tv(14, bits) if bits else b""
    return transform(
        number,
        1,
        tv(1, cipher),
        key_length,
        tv(2, hashing),
        tv(4, group),
        tv(3, 1),
        tv(11, 1),
        tv(12, 10800),
    )


def windows_esp(number: int, cipher: int, integrity: int, mode: int = 2) -> bytes:
    seconds = tv(1, 1) + tlv(2, be(3600, 4))
    kilobytes = tv(1, 2) + tlv(2, be(100_000, 4))
    return transform(number, cipher, seconds, kilobytes, tv(4, mode), tv(5, integrity))


def vid(text: str, more: str = "") -> Payload:
    return VID, hashlib.md5(text.encode()).digest() + bytes.fromhex(more)


def notify(kind: int, data: bytes = b"", protocol: int = 1, spi: bytes = b"") -> Payload:
    return N, be(1, 4) + bytes((protocol, len(spi))) + be(kind, 2) + spi + data


def delete(protocol: int, *spis: bytes, doi: int = 1) -> Payload:
    return D, be(doi, 4) + bytes((protocol, len(spis[0]))) + be(len(spis), 2) + b"".join(spis)


def identity(kind: int, data: bytes, protocol: int = 0, port: int = 0) -> Payload:
    return ID, bytes((kind, protocol)) + be(port, 2) + data


WINDOWS_OFFER = proposal(
    1,
    1,
    b"",
    windows_main_mode(1, 5, 2, 2),
    windows_main_mode(2, 5, 1, 2),
    windows_main_mode(3, 1, 2, 1),
    windows_main_mode(4, 1, 1, 1),
)
STRONGSWAN_OFFER = proposal(
    1,
    1,
    b"",
    strongswan_main_mode(1, 7, 128, 4, 14),
    strongswan_main_mode(2, 5, 0, 2, 14),
    strongswan_main_mode(3, 5, 0, 2, 2),
)
WINDOWS_VIDS = (
    vid("MS NT5 ISAKMPOAKLEY", "00000004"),
    vid("FRAGMENTATION"),
    vid("draft-ietf-ipsec-nat-t-ike-02\n"),
    vid("Vid-Initial-Contact"),
)
XAUTH: Payload = VID, bytes.fromhex("09002689dfd6b712")
DPD: Payload = VID, bytes.fromhex("afcad71368a1f1c96b8696fc77570100")
STRONGSWAN_VIDS = (
    XAUTH,
    DPD,
    vid("FRAGMENTATION", "80000000"),
    vid("RFC 3947"),
    vid("draft-ietf-ipsec-nat-t-ike-02\n"),
)
HOST_A, HOST_B = bytes((192, 0, 2, 1)), bytes((192, 0, 2, 2))
COUNTRY_AND_NAME = bytes.fromhex(
    "3020"  # a sequence of two sets: C=CH, CN=alpha.example
    "310b3009060355040613024348"
    "3111300f060355040313"
    "08616c7068612e6578"
)
MESSAGE_ID = 0x1D2C3B4A
SPI_A, SPI_B = bytes.fromhex("a1b2c3d4"), bytes.fromhex("0badcafe")
HASH_SHA1: Payload = HASH, filler("hash", 20)
NONCE_I: Payload = NONCE, filler("ni", 32)
NONCE_R: Payload = NONCE, filler("nr", 20)
IDS = identity(1, HOST_A), identity(1, HOST_B)


def nat_d(kind: int, address: bytes, port: int = 500) -> Payload:
    return kind, hashlib.sha1(CKY_I + CKY_R + address + be(port, 2)).digest()


def padded(payloads: bytes) -> bytes:
    """To whole blocks of 8 octets with zeros, one octet at least."""
    return payloads + bytes(8 - len(payloads) % 8)


def gss_offer(name: str) -> bytes:
    wide = tlv(16384, name.encode("utf-16-le"))
    attributes = tv(1, 5), tv(2, 2), tv(4, 2), tv(3, 65001), tv(11, 1), tlv(12, be(28800, 4))
    return proposal(1, 1, b"", transform(1, 1, *attributes, wide))


def clear_main_mode() -> dict[str, tuple[str, bytes]]:
    """Messages 1 to 4 of main mode: name to (what it is, datagram)."""
    ke_i, ke_r = filler("g^xi", 128), filler("g^xr", 128)
    chosen = proposal(1, 1, b"", windows_main_mode(1, 5, 2, 2))
    gss_name = "briansw@IPSEC.MICROSOFT.COM"
    return {
        "mm1-windows2003": (
            "main mode message 1 as Windows Server 2003 offers: 4 transforms, lifetimes as TLV",
            message(MAIN, sa(WINDOWS_OFFER), *WINDOWS_VIDS, cky_r=NO_COOKIE),
        ),
        "mm2-windows2003": (
            "main mode message 2: the first transform chosen, vendor IDs",
            message(MAIN, sa(chosen), *WINDOWS_VIDS[:3]),
        ),
        "mm1-strongswan": (
            "main mode message 1 as strongSwan offers: 3 transforms, lifetimes as TV, 5 VIDs",
            message(MAIN, sa(STRONGSWAN_OFFER), *STRONGSWAN_VIDS, cky_r=NO_COOKIE),
        ),
        "mm1-odd": (
            "main mode message 1 with reserved octets set, proposal numbers 0 and 7, "
            "an ISAKMP SPI of 16 octets, an unknown attribute and payload 15",
            message(
                MAIN,
                sa(
                    proposal(0, 1, CKY_I + CKY_R, windows_main_mode(0, 5, 2, 2)),
                    proposal(
                        7, 1, b"", transform(9, 1, tv(1, 5), tlv(32001, b"odd"), reserved2=0xBEEF)
                    ),
                ),
                (15, filler("bad draft", 20)),
                cky_r=NO_COOKIE,
                reserved=0xA5,
                flags=0x88,
            ),
        ),
        "mm1-situation": (
            "main mode message 1 with a situation nobody speaks",
            message(MAIN, sa(situation=0xFFFFFFFF), XAUTH, cky_r=NO_COOKIE),
        ),
        "mm1-doi": (
            "main mode message 1 with a DOI nobody speaks",
            message(MAIN, sa(WINDOWS_OFFER, doi=2), cky_r=NO_COOKIE),
        ),
        "mm1-kerberos": (
            "main mode message 1 with Kerberos: the GSS identity is a TLV attribute in UTF-16",
            message(MAIN, sa(gss_offer(gss_name)), vid("GSSAPI"), cky_r=NO_COOKIE),
        ),
        "mm1-old-cisco": (
            "main mode message 1 followed by 16 zero octets that the length does not count",
            message(MAIN, sa(chosen), cky_r=NO_COOKIE) + bytes(16),
        ),
        "mm3-nat": (
            "main mode message 3, group 2, NAT-D of RFC 3947",
            message(MAIN, (KE, ke_i), NONCE_I, nat_d(NAT_D, HOST_B), nat_d(NAT_D, HOST_A)),
        ),
        "mm4-nat-draft": (
            "main mode message 4, group 2, NAT-D of the drafts, padded to 4 octets",
            message(
                MAIN,
                (KE, ke_r),
                (NONCE, filler("nr", 21)),
                nat_d(NAT_D_DRAFT, HOST_A),
                nat_d(NAT_D_DRAFT, HOST_B),
                padding=bytes(3),
            ),
        ),
        "mm3-kerberos": (
            "main mode message 3 with a GSS token behind its vendor octet",
            message(MAIN, (KE, ke_i), NONCE_I, (GSS, b"\0" + filler("ap-req", 300))),
        ),
    }


def sealed_and_others() -> dict[str, tuple[str, bytes]]:
    """Encrypted messages as they travel, and clear messages of other exchanges."""
    offered = sa(proposal(1, 1, b"", windows_main_mode(1, 5, 2, 14)))[1][8:]
    return {
        "mm5-sealed": (
            "main mode message 5, encrypted",
            header(ID, MAIN, filler("mm5", 64), CKY_R, 1, 0),
        ),
        "qm1-sealed": (
            "quick mode message 1, encrypted",
            header(HASH, QUICK, filler("qm1", 176), CKY_R, 1, MESSAGE_ID),
        ),
        "qm2-commit-sealed": (
            "quick mode message 2, encrypted, Commit bit",
            header(HASH, QUICK, filler("qm2", 168), CKY_R, 3, MESSAGE_ID),
        ),
        "info-no-proposal-chosen": (
            "NO-PROPOSAL-CHOSEN in clear, with the transform that would have been accepted",
            message(INFORMATIONAL, notify(14, offered), message_id=MESSAGE_ID),
        ),
        "info-dos-cookie": (
            "Microsoft's NOTIFY_DOS_COOKIE",
            message(INFORMATIONAL, notify(40004, CKY_R), cky_r=NO_COOKIE, message_id=MESSAGE_ID),
        ),
        "fragment": (
            "a fragment: number 2 of message 1, the last one",
            message(MAIN, (FRAG, be(1, 2) + bytes((2, 1)) + filler("fragment", 64))),
        ),
    }


def decrypted() -> dict[str, tuple[str, int, bytes]]:
    """Plaintexts, padding included: name to (what it is, first payload, octets)."""
    esp = proposal(1, 3, SPI_A, windows_esp(1, 3, 2), windows_esp(2, 3, 1), windows_esp(3, 2, 1))
    ah = proposal(1, 2, SPI_A, windows_esp(1, 3, 2))
    with_pfs = transform(1, 12, tv(6, 128), tv(5, 2), tv(4, 1), tv(1, 1), tv(2, 3600), tv(3, 14))
    ipcomp = proposal(1, 4, bytes((0x3E, 0x9D)), transform(1, 2, tv(4, 1)))
    lifetime = tv(1, 1) + tlv(2, be(900, 4))
    nat_oa = bytes((1, 0, 0, 0))
    subnets = (
        identity(4, bytes((10, 1, 0, 0, 255, 255, 0, 0))),
        identity(7, bytes((10, 2, 0, 5, 10, 2, 0, 9)), 6, 80),
    )
    six = bytes.fromhex("20010db8000000000000000000000001")
    mask = b"\xff" * 8 + bytes(8)
    cookies = CKY_I + CKY_R

    def entry(what: str, *payloads: Payload) -> tuple[str, int, bytes]:
        return what, payloads[0][0], padded(chain(*payloads))

    return {
        "mm5-psk": entry(
            "main mode message 5, preshared key, INITIAL-CONTACT",
            identity(1, HOST_A, 17, 500),
            HASH_SHA1,
            notify(24578, spi=cookies),
        ),
        "mm6-psk": entry(
            "main mode message 6, preshared key", identity(2, b"beta.example"), HASH_SHA1
        ),
        "mm5-certificate": entry(
            "main mode message 5, certificate",
            identity(9, COUNTRY_AND_NAME),
            (CERT, b"\x04" + filler("certificate", 90)),
            (CERTREQ, b"\x04" + COUNTRY_AND_NAME),
            (CERTREQ, b"\x04"),
            (SIG, filler("signature", 128)),
        ),
        "qm1-windows2003": entry(
            "quick mode message 1 as Windows offers: ESP, 3 transforms, two lifetimes each",
            HASH_SHA1,
            sa(esp),
            NONCE_I,
            *IDS,
        ),
        "qm1-ah-esp": entry(
            "quick mode message 1: AH and ESP under one proposal number, then ESP alone",
            HASH_SHA1,
            sa(ah, esp, proposal(2, 3, SPI_A, windows_esp(1, 3, 2))),
            NONCE_I,
            *IDS,
        ),
        "qm1-pfs": entry(
            "quick mode message 1 as strongSwan offers: PFS, AES, IPCOMP beside ESP, a range",
            HASH_SHA1,
            sa(proposal(1, 3, SPI_A, with_pfs), ipcomp),
            NONCE_I,
            (KE, filler("g^xi 14", 256)),
            *subnets,
        ),
        "qm1-nat": entry(
            "quick mode message 1 behind a NAT: UDP transport, NAT-OA of RFC 3947 and of drafts",
            HASH_SHA1,
            sa(proposal(1, 3, SPI_A, windows_esp(1, 3, 2, mode=4))),
            NONCE_I,
            identity(2, b"inside.example", 17, 1701),
            identity(1, HOST_B, 17, 1701),
            (NAT_OA, nat_oa + HOST_A),
            (NAT_OA_DRAFT, bytes((5, 0, 0, 0)) + six),
        ),
        "qm1-ipv6": entry(
            "quick mode message 1 for IPv6: a host and a subnet",
            HASH_SHA1,
            sa(esp),
            NONCE_I,
            identity(5, six),
            identity(6, six[:8] + bytes(8) + mask),
        ),
        "qm2-windows2003": entry(
            "quick mode message 2: one transform chosen, RESPONDER-LIFETIME",
            HASH_SHA1,
            sa(proposal(1, 3, SPI_B, windows_esp(1, 3, 2))),
            NONCE_R,
            *IDS,
            notify(24576, lifetime, protocol=3, spi=SPI_B),
        ),
        "qm3": entry("quick mode message 3", HASH_SHA1),
        "qm4-connected": entry(
            "quick mode message 4: CONNECTED", HASH_SHA1, notify(16384, protocol=3, spi=SPI_B)
        ),
        "info-delete": entry(
            "delete of two ESP SPIs and of the ISAKMP SA",
            HASH_SHA1,
            delete(3, SPI_A, SPI_B),
            delete(1, cookies, doi=0),
        ),
        "info-dpd": entry("R-U-THERE", HASH_SHA1, notify(36136, be(1, 4), spi=cookies)),
        "info-notify-status": entry(
            "Microsoft's NOTIFY_STATUS in quick mode: an SPI size of 8 that holds ID and status",
            HASH_SHA1,
            notify(40003, spi=be(MESSAGE_ID, 4) + be(13806, 4)),
        ),
        "transaction": entry(
            "mode config request for an address",
            HASH_SHA1,
            (ATTR, bytes((1, 0)) + be(0x4D43, 2) + tlv(1, b"") + tlv(2, b"") + tv(13, 0)),
        ),
    }


def files() -> dict[str, str]:
    """File name to text: a comment line, then 32 octets a line."""

    def text(comment: str, octets: bytes) -> str:
        lines = [octets[at : at + 32].hex() for at in range(0, len(octets), 32)]
        return "\n".join([f"# {comment}", *lines, ""])

    made = {}
    for name, (what, octets) in (clear_main_mode() | sealed_and_others()).items():
        made[f"{name}.hex"] = text(f"{what} (build_messages.py)", octets)
    for name, (what, first, octets) in decrypted().items():
        made[f"{name}.payloads.hex"] = text(
            f"first payload {first}: {what} (build_messages.py)", octets
        )
    return made


if __name__ == "__main__":
    for name, content in files().items():
        (FOLDER / name).write_text(content)
