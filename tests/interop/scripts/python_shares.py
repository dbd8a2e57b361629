"""Two users share a folder, by imaplib. Ends with an exception if anything is wrong."""

import imaplib
import os
import ssl

HOST = "localhost"
ANN, BOB = os.environ["ANN"], os.environ["BOB"]
TRUST = ssl.create_default_context(cafile=os.environ["CA"])
SHARED = f"Users/{ANN}/Team"


def sign_in(who, password):
    imap = imaplib.IMAP4_SSL(HOST, int(os.environ["IMAPS"]), ssl_context=TRUST)
    imap.login(who, os.environ[password])
    return imap


def ok(answer):
    status, data = answer
    assert status == "OK", answer
    return data


def no(answer, code):
    status, data = answer
    assert status == "NO" and code in data[0], answer


def names(imap):
    return [line.decode().rsplit(' "/" ', 1)[1].strip('"') for line in ok(imap.list())]


ann, bob = sign_in(ANN, "ANN_PASSWORD"), sign_in(BOB, "BOB_PASSWORD")
assert ok(bob.namespace()) == [b'(("" "/")) (("Users/" "/")) (("Shared/" "/"))']
ok(ann.create("Team"))
for text in ["one", "two"]:
    ok(ann.append("Team", None, None, f"Subject: {text}\r\n\r\n{text}\r\n".encode()))
assert SHARED not in names(bob)
no(bob.select(SHARED), b"[NONEXISTENT]")
no(bob.getacl(SHARED), b"[NONEXISTENT]")

ok(ann.setacl("Team", BOB, "lrswi"))
assert SHARED in names(bob)
assert ok(bob.myrights(SHARED)) == [f'"{SHARED}" lrswi'.encode()]
assert ok(ann.getacl("Team")) == [f'"Team" "{ANN}" lrswipkxteacd "{BOB}" lrswi'.encode()]
no(bob.setacl(SHARED, BOB, "lrswipkxtea"), b"[NOPERM]")

ok(bob.select(SHARED))
ok(bob.fetch("1", "(BODY[])"))
ok(bob.store("2", "+FLAGS", "($Shared)"))
no(bob.store("2", "+FLAGS", r"(\Deleted)"), b"[NOPERM]")
no(bob.expunge(), b"[NOPERM]")
assert ok(bob.search(None, "UNSEEN")) == [b"2"]
ok(ann.select("Team"))
assert ok(ann.search(None, "UNSEEN")) == [b"1 2"]
assert ok(ann.search(None, "KEYWORD", "$Shared")) == [b"2"]
ok(bob.copy("1", "INBOX"))
ok(bob.append(SHARED, r"(\Seen)", None, b"Subject: three\r\n\r\nthree\r\n"))
assert b"UNSEEN 1" in ok(bob.status(SHARED, "(MESSAGES UNSEEN)"))[0]
assert b"UNSEEN 3" in ok(ann.status("Team", "(MESSAGES UNSEEN)"))[0]

ok(ann.deleteacl("Team", BOB))
no(bob.fetch("1", "(BODY[])"), b"[NONEXISTENT]")
assert SHARED not in names(bob)
bob.logout()
ann.logout()
