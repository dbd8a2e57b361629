"""Signs in by a client certificate (SASL EXTERNAL), by smtplib, imaplib and poplib, and sends and reads that way."""

import imaplib
import os
import poplib
import smtplib
import ssl

HOST = "localhost"
ANN, BOB = "ann@example.org", "bob@example.org"
SUBJECT = "Sent with a certificate"


def trust(name=None):
    context = ssl.create_default_context(cafile=os.environ["CA"])
    if name:
        base = os.path.join(os.environ["CERTIFICATES"], name)
        context.load_cert_chain(base + ".crt", base + ".key")
    return context


def port(name):
    return int(os.environ[name])


def send():
    with smtplib.SMTP_SSL(HOST, port("SUBMISSIONS"), context=trust("ann")) as smtp:
        smtp.ehlo()
        assert "EXTERNAL" in smtp.esmtp_features["auth"], smtp.esmtp_features
        smtp.auth("EXTERNAL", lambda challenge=None: "")
        smtp.sendmail(ANN, [ANN], f"From: {ANN}\r\nTo: {ANN}\r\nSubject: {SUBJECT}\r\n\r\nHello\r\n")
        try:
            smtp.sendmail(BOB, [ANN], f"From: {BOB}\r\nTo: {ANN}\r\nSubject: forged\r\n\r\nHello\r\n")
            raise AssertionError("a certificate of ann's sent as bob")
        except smtplib.SMTPSenderRefused:
            pass


def read_by_imap():
    with imaplib.IMAP4_SSL(HOST, port("IMAPS"), ssl_context=trust("ann")) as imap:
        assert "AUTH=EXTERNAL" in imap.capabilities, imap.capabilities
        imap.authenticate("EXTERNAL", lambda challenge: ANN.encode())
        imap.select("INBOX")
        status, found = imap.search(None, "SUBJECT", f'"{SUBJECT}"')
        assert status == "OK" and found == [b"1"], found


def read_by_pop3():
    pop = poplib.POP3_SSL(HOST, port("POP3S"), context=trust("ann"))
    assert "EXTERNAL" in pop.capa()["SASL"], pop.capa()
    pop._shortcmd("AUTH EXTERNAL =")
    assert pop.stat()[0] == 1
    pop.quit()


def nobody_else():
    for name, identity in [("ann", BOB), ("both", ""), (None, ANN)]:
        with imaplib.IMAP4_SSL(HOST, port("IMAPS"), ssl_context=trust(name)) as imap:
            try:
                imap.authenticate("EXTERNAL", lambda challenge: identity.encode())
                raise AssertionError(f"{name} got in as {identity!r}")
            except imaplib.IMAP4.error:
                pass
    with imaplib.IMAP4_SSL(HOST, port("IMAPS"), ssl_context=trust("both")) as imap:
        imap.authenticate("EXTERNAL", lambda challenge: BOB.encode())
    for name in ["stranger", "ended"]:
        try:
            imaplib.IMAP4_SSL(HOST, port("IMAPS"), ssl_context=trust(name)).noop()
            raise AssertionError(f"{name} shook hands")
        except (ssl.SSLError, ConnectionError, imaplib.IMAP4.abort):
            pass


send()
read_by_imap()
read_by_pop3()
nobody_else()
