"""Gives mails to the operator's relay by SMTP (RFC 5321) at the address that was judged; TLS unless it is this machine."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import urlsplit

from onmaru.fhir.outcome import Invalid, invalid
from onmaru.kernel.outbound import Mail, Rules, relaying

STEP = 5.0
Resolve = Callable[[str, int], Sequence[str]]


class _Judged(smtplib.SMTP):
    """A connection to one address; `name` is what TLS asks for. `tls`: from the first byte."""

    def __init__(self, address: str, name: str, tls: ssl.SSLContext | None) -> None:
        self._address = address
        self._tls = tls
        super().__init__(timeout=STEP, local_hostname="onmaru")
        self._host = name

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        line = socket.create_connection((self._address, port), timeout)
        return line if self._tls is None else self._tls.wrap_socket(line, server_hostname=self._host)

    def cut(self) -> None:
        """From another thread: whatever it waits for has taken too long."""
        if self.sock is not None:
            try:
                self.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return


def sent(rules: Rules, sender: str, resolve: Resolve, tenant: str, mail: Mail, seconds: float = 30.0) -> None:
    """Return once the relay has taken the mail; `Invalid` 403 where it may not go, 502 when the relay does not take it."""
    to = rules.recipient(tenant, mail.to)
    relay = urlsplit(rules.relay)
    name, port = relay.hostname or "", relay.port or 0
    place = f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
    try:
        address = relaying(rules, place, resolve(name, port))
        context = ssl.create_default_context()
        line = _Judged(address, name, context if relay.scheme == "smtps" else None)
        watch = threading.Timer(seconds, line.cut)
        watch.daemon = True
        watch.start()
        try:
            line.connect(name, port)
            if relay.scheme == "smtp" and place != rules.local:
                line.starttls(context=context)
            line.send_message(_message(mail, sender, to), sender, [to])
            line.quit()
        finally:
            watch.cancel()
            line.close()
    except Invalid:
        raise
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise invalid("transient", f"the mail relay did not take it: {type(error).__name__}", status=502) from error


def _message(mail: Mail, sender: str, to: str) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, to, mail.subject
    made["Date"], made["Message-ID"] = formatdate(), make_msgid(domain=sender.rpartition("@")[2])
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(mail.text)
    if mail.attached is not None:
        kind, data = mail.attached
        main, _, sub = kind.partition("/")
        made.add_attachment(data, main, sub, filename="notification.json")
    return made
