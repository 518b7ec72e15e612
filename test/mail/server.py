"""A mail server for tests: aiosmtpd, and Python's reader of e-mails.

It prints a line of JSON for each message that it has taken. What it answers is in
a file, which is read again at each command: {"MAIL FROM": "451 later",
"ann@example.com": "550 nobody"}; the answer "hang" never comes, and "drop" ends
the connection without one.
"""

import argparse
import asyncio
import email
import email.policy
import json
import os
import ssl

from aiosmtpd.smtp import SMTP, AuthResult

options = argparse.ArgumentParser()
options.add_argument("--port", type=int, required=True)
options.add_argument("--answers", required=True)
options.add_argument("--certificate")
options.add_argument("--key")
options.add_argument("--tls", choices=["none", "starttls", "implicit"], default="none")
options.add_argument("--auth", choices=["PLAIN", "LOGIN"])
options = options.parse_args()


async def answer(server, step):
    with open(options.answers) as file:
        text = json.load(file).get(step)
    if text == "hang":
        await asyncio.sleep(3600)
    if text == "drop":
        server.transport.close()
    return text


class Handler:
    async def handle_MAIL(self, server, session, envelope, address, _):
        refusal = await answer(server, "MAIL FROM")
        if refusal:
            return refusal
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, _):
        refusal = await answer(server, address)
        if refusal:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        refusal = await answer(server, "DATA")
        if refusal:
            return refusal
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        print(json.dumps({
            "helo": session.host_name, "tls": session.ssl is not None or options.tls == "implicit",
            "user": session.auth_data and session.auth_data.login.decode(),
            "from": envelope.mail_from, "to": envelope.rcpt_tos,
            "header": {name: str(value) for name, value in message.items()},
            "text": message.get_content().replace("\r\n", "\n"), "defects": [str(d) for d in message.defects],
        }), flush=True)
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    good = data.login == b"auth@example.com" and data.password == os.environ["PASSWORD"].encode()
    return AuthResult(success=good, handled=False, auth_data=data)


def new():
    extra = {}
    if options.tls == "starttls":
        extra.update(tls_context=context(), require_starttls=True)
    if options.auth:
        others = [m for m in ("PLAIN", "LOGIN") if m != options.auth]
        extra.update(authenticator=authenticate, auth_required=True, auth_require_tls=options.tls == "starttls", auth_exclude_mechanism=others)
    return SMTP(Handler(), hostname="mail.example.com", **extra)


def context():
    c = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    c.load_cert_chain(options.certificate, options.key)
    return c


async def main():
    tls = context() if options.tls == "implicit" else None
    server = await asyncio.get_running_loop().create_server(new, "127.0.0.1", options.port, ssl=tls)
    async with server:
        await server.serve_forever()


asyncio.run(main())
