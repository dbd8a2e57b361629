"""Sends by smtplib, reads by imaplib and poplib, and deletes by both. Ends with an exception if anything is wrong."""

import imaplib
import os
import poplib
import smtplib
import ssl
from email.message import EmailMessage

HOST = "localhost"
ANN, BOB = os.environ["ANN"], os.environ["BOB"]
ANN_PASSWORD, BOB_PASSWORD = os.environ["ANN_PASSWORD"], os.environ["BOB_PASSWORD"]
TRUST = ssl.create_default_context(cafile=os.environ["CA"])
SUBJECT = "Grüße from Python"


def port(name):
    return int(os.environ[name])


def message():
    text = EmailMessage()
    text["From"], text["To"], text["Subject"] = ANN, BOB, SUBJECT
    text.set_content("Ein Gruß.\n.\n..two dots\n" + "x" * 2000 + "\n")
    text.add_attachment(bytes(range(256)) * 10, maintype="application", subtype="octet-stream", filename="bytes.bin")
    return text


def send():
    with smtplib.SMTP_SSL(HOST, port("SUBMISSIONS"), context=TRUST) as smtp:
        smtp.login(ANN, ANN_PASSWORD)
        smtp.send_message(message())
    with smtplib.SMTP(HOST, port("SUBMISSION")) as smtp:
        smtp.starttls(context=TRUST)
        smtp.login(ANN, ANN_PASSWORD)
        smtp.send_message(message())


def read_by_imap():
    with imaplib.IMAP4(HOST, port("IMAP")) as imap:
        imap.starttls(TRUST)
        imap.login(BOB, BOB_PASSWORD)
        imap.select("INBOX")
        status, found = imap.uid("SEARCH", "CHARSET", "UTF-8", "SUBJECT", '"from python"')
        uids = found[0].split()
        assert status == "OK" and len(uids) == 2, found
        for uid in uids:
            status, data = imap.uid("FETCH", uid, "(BODY.PEEK[])")
            check_message(data[0][1])
        imap.uid("STORE", uids[0], "+FLAGS", r"(\Deleted)")
        status, _ = imap.expunge()
        assert status == "OK"


def read_by_pop3():
    pop = poplib.POP3_SSL(HOST, port("POP3S"), context=TRUST)
    pop.user(BOB)
    pop.pass_(BOB_PASSWORD)
    count, _ = pop.stat()
    assert count == 2, count
    _, lines, _ = pop.retr(2)
    check_message(b"\r\n".join(lines) + b"\r\n")
    _, top, _ = pop.top(2, 0)
    assert top[-1] == b"" and any(line.startswith(b"Subject:") for line in top), top
    pop.dele(2)
    pop.quit()


def check_message(octets):
    from email import message_from_bytes
    from email.policy import default

    parsed = message_from_bytes(octets, policy=default)
    assert parsed["Subject"] == SUBJECT, parsed["Subject"]
    assert parsed["Message-ID"] and parsed["Date"]
    text = parsed.get_body().get_content().replace("\r\n", "\n")
    assert text.startswith("Ein Gruß.\n.\n..two dots\nxxx"), text[:60]
    (attachment,) = parsed.iter_attachments()
    assert attachment.get_content() == bytes(range(256)) * 10


send()
read_by_imap()
read_by_pop3()
