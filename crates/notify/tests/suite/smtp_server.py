"""An SMTP server (aiosmtpd) that prints its port and then each mail as a line of JSON."""

import json
import ssl
import sys
import threading

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

security, certificate, key, answer = sys.argv[1:5]


class Handler:
    async def handle_DATA(self, server, session, envelope):
        if answer != "-":
            return answer
        line = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "content": envelope.content.decode(),
            "tls": session.ssl is not None,
            "user": getattr(session.auth_data, "login", b"").decode(),
        }
        print(json.dumps(line), flush=True)
        return "250 2.0.0 kept"


def authenticate(server, session, envelope, mechanism, data):
    fits = isinstance(data, LoginPassword) and data == LoginPassword(b"me", b"pass word")
    return AuthResult(success=fits, handled=False, auth_data=data)


class Plain(Controller):
    def factory(self):
        return SMTP(self.handler, auth_require_tls=False)


class StartTls(Controller):
    def factory(self):
        return SMTP(
            self.handler,
            tls_context=context,
            require_starttls=True,
            auth_required=True,
            authenticator=authenticate,
        )


class Tls(Controller):
    def factory(self):
        return SMTP(self.handler, auth_require_tls=False, authenticator=authenticate)


context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
if certificate != "-":
    context.load_cert_chain(certificate, key)
kinds = {"none": Plain, "starttls": StartTls, "tls": Tls}
extra = {"ssl_context": context} if security == "tls" else {}
# aiosmtpd connects to itself to see that it is up, so it needs its port beforehand.
import socket

with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
controller = kinds[security](Handler(), hostname="127.0.0.1", port=port, **extra)
controller.start()
print(port, flush=True)
# Ends when whoever started it closes standard input.
sys.stdin.read()
controller.stop()
