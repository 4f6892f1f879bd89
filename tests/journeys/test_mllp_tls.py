"""MLLP with TLS: a peer is known by its own certificate, which a stranger with a valid one does not have."""

from __future__ import annotations

import asyncio
import datetime
import hashlib
import ipaddress
import ssl
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.v2_hall import House

from onmaru.adapters.mllp import Limits, Peer, Refusal, Server, tls_context
from onmaru.adapters.receipt import Receipt, Source

MESSAGE = (
    b"\x0bMSH|^~\\&|EMR|HOSP|ONMARU|HOSP|20260301120000+0900||ADT^A04|1|P|2.5.1\rPID|1||7^^^HOSP^MR||Doe^Jo\r\x1c\r"
)


class Identity(NamedTuple):
    """A key, its certificate as PEM files, and the certificate's fingerprint."""

    certificate: Path
    key: Path
    fingerprint: str


class Authority:
    """Signs certificates for the server, for a peer and for a stranger."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hospital")])
        self.file = folder / "authority.pem"
        own = self._built(self._name, self._key, authority=True)
        self.file.write_bytes(own.public_bytes(serialization.Encoding.PEM))

    def identity(self, name: str) -> Identity:
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._built(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), key, authority=False)
        certificate, secret = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        plain = serialization.NoEncryption()
        secret.write_bytes(
            key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain),
        )
        fingerprint = hashlib.sha256(made.public_bytes(serialization.Encoding.DER)).hexdigest()
        return Identity(certificate, secret, fingerprint)

    def _built(self, name: x509.Name, key: ec.EllipticCurvePrivateKey, *, authority: bool) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(self._name).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(1))
        builder = builder.not_valid_after(now + datetime.timedelta(1)).add_extension(here, critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        return builder.sign(self._key, hashes.SHA256())


class Tls:
    """A server that asks for certificates, with one peer on its list."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder)
        self.server, self.lab, self.stranger = map(self.authority.identity, ("server", "lab", "stranger"))
        self.house = House(folder)
        self.refusals: list[Refusal] = []

    async def asked(self, who: Identity | None) -> bytes:
        """What is answered to a message from somebody with this certificate; "" for a connection that is cut off."""
        peers = [Peer("lab", "127.0.0.0/8", "main", certificate=self.lab.fingerprint.upper())]
        server = Server(peers, self._take, self._durable, self.refusals.append, Limits(idle=2, frame=1))
        tls = tls_context(str(self.server.certificate), str(self.server.key), str(self.authority.file))
        port = await server.start("127.0.0.1", 0, tls)
        context = ssl.create_default_context(cafile=str(self.authority.file))
        if who is not None:
            context.load_cert_chain(who.certificate, who.key)
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
            writer.write(MESSAGE)
            return await asyncio.wait_for(reader.read(4096), 3)
        except (ConnectionError, ssl.SSLError):
            return b""
        finally:
            await server.stop()

    async def _take(self, tenant: str, data: bytes, peer: Peer) -> Receipt:
        return self.house.door.take(self.house.hall, data, Source("mllp", peer.name))

    async def _durable(self, tenant: str, receipt: Receipt) -> None:
        await asyncio.sleep(0)


@pytest.fixture
def tls(tmp_path: Path) -> Tls:
    return Tls(tmp_path)


def test_a_peer_with_its_certificate_is_answered(tls: Tls) -> None:
    assert b"MSA|AA|1" in asyncio.run(tls.asked(tls.lab))
    assert tls.house.one("Patient")["name"][0]["family"] == "Doe"
    assert tls.refusals == []


def test_a_certificate_that_is_not_on_the_list_is_cut_off_and_put_on_file(tls: Tls) -> None:
    assert asyncio.run(tls.asked(tls.stranger)) == b""
    assert [one.reason for one in tls.refusals] == ["not on the list of peers"]
    assert tls.house.all("Patient") == []


def test_without_a_certificate_no_connection_is_made(tls: Tls) -> None:
    assert asyncio.run(tls.asked(None)) == b""
    assert tls.house.all("Patient") == []
