"""HTTP with TLS: a renewed certificate is taken up while the server runs, and a broken one is not."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import ssl
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID
from tests.served import free_port

from onmaru.adapters import mllp
from onmaru.app import certificates
from onmaru.app.beside import answering
from onmaru.app.certificates import Renewing
from onmaru.app.refusal import Refusal
from onmaru.app.settings import Chosen
from onmaru.web.server import Certificate, renew, server

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def issue(folder: Path, name: str) -> Certificate:
    """Write a self-signed pair for 127.0.0.1, in place of the one that is there."""
    key = Ed25519PrivateKey.generate()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW)
        .not_valid_after(NOW + datetime.timedelta(days=3650))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, None)
    )
    pair = Certificate(folder / "chain.pem", folder / "key.pem")
    pair.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    pair.chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return pair


def found(chain: str, key: str) -> dict[str, Chosen]:
    return {"tls_certificate": Chosen(chain, "file"), "tls_key": Chosen(key, "file")}


class Hello:
    """The least application there is."""

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        protocol.response_bytes(200, [("content-length", "5")], b"hello")


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


async def shown(port: int) -> str:
    """The name on the certificate that a new connection sees."""
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting())
    told = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return str(x509.load_der_x509_certificate(told).subject.rfc4514_string())


async def asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    writer.write(b"GET / HTTP/1.1\r\nhost: here\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    return await reader.readexactly(5)


def test_a_renewed_certificate_is_shown_to_new_connections_and_a_broken_one_is_not(tmp_path: Path) -> None:
    async def lived() -> list[str]:
        pair = issue(tmp_path, "first")
        port = free_port()
        listening = server(Hello(), "127.0.0.1", port, pair)
        listening.respawn_interval = 0.05
        task = asyncio.create_task(listening.serve())
        await answering(task, "127.0.0.1", port)
        seen = [await shown(port)]
        renewing = Renewing(pair, lambda: renew(listening, pair), every=0.05)
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting())
        assert await asked(reader, writer) == b"hello"
        key = pair.key.read_bytes()
        issue(tmp_path, "second")
        good = pair.key.read_bytes()
        pair.key.write_bytes(key)  # half of a renewal
        await asyncio.sleep(0.3)
        seen.append(await shown(port))
        pair.key.write_bytes(good)
        async with asyncio.timeout(10):
            while (last := await shown(port)) != "CN=second":
                await asyncio.sleep(0.05)
        seen.append(last)
        writer.close()
        await renewing.close()
        listening.stop()
        async with asyncio.timeout(10):
            await task
        return seen

    assert asyncio.run(lived()) == ["CN=first", "CN=first", "CN=second"]


def test_a_listener_for_messages_shows_a_renewed_certificate_and_no_half_of_one(tmp_path: Path) -> None:
    async def lived() -> list[str]:
        pair = issue(tmp_path, "first")
        context = mllp.tls_context(str(pair.chain), str(pair.key))
        listener = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
        port = listener.sockets[0].getsockname()[1]
        key = pair.key.read_bytes()
        issue(tmp_path, "second")
        good = pair.key.read_bytes()
        pair.key.write_bytes(key)
        with pytest.raises(ssl.SSLError):
            certificates.shown_anew(context, pair)
        seen = [await shown(port)]
        pair.key.write_bytes(good)
        certificates.shown_anew(context, pair)
        seen.append(await shown(port))
        listener.close()
        return seen

    assert asyncio.run(lived()) == ["CN=first", "CN=second"]


def test_half_a_pair_or_one_that_does_not_fit_is_refused_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, other = issue(tmp_path / "a", "a"), issue(tmp_path / "b", "b")
    assert certificates.certificate(found("", "")) is None
    assert certificates.certificate(found(str(one.chain), str(one.key))) == one
    for chain, key in ((str(one.chain), ""), (str(one.chain), str(other.key)), (str(one.chain), "/nowhere/key.pem")):
        with pytest.raises(Refusal, match="tls_"):
            certificates.certificate(found(chain, key))
