"""A certificate authority for one test: RSA keys, certificates that live for an hour."""

import datetime
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

RSA_BITS = 2048
LIFETIME = datetime.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Holder:
    """A certificate and its private key, in PEM; `subject` is the distinguished name."""

    subject: str
    certificate: bytes
    key: bytes


class Authority:
    """Signs certificates. Its own is in `certificate` (PEM)."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(65537, RSA_BITS)
        self._name = _name("authority")
        self.certificate = _pem(_unsigned(self._name, self._name, self._key, ca=True), self._key)

    def issue(self, common_name: str, dns_names: tuple[str, ...] = ()) -> Holder:
        key = rsa.generate_private_key(65537, RSA_BITS)
        subject = _name(common_name)
        builder = _unsigned(subject, self._name, key, ca=False)
        if dns_names:
            alternatives = x509.SubjectAlternativeName([x509.DNSName(each) for each in dns_names])
            builder = builder.add_extension(alternatives, critical=False)
        secret = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        return Holder(f"O=mainmode, CN={common_name}", _pem(builder, self._key), secret)


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "mainmode"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _unsigned(
    subject: x509.Name, issuer: x509.Name, key: rsa.RSAPrivateKey, *, ca: bool
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - LIFETIME)
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )


def _pem(builder: x509.CertificateBuilder, key: rsa.RSAPrivateKey) -> bytes:
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
