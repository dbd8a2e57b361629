"""Fetches, sorts, threads, idles, moves and reads quotas by IMAPClient. Ends with an exception if anything is wrong."""

import os
import ssl

from imapclient import IMAPClient

HOST = "localhost"
ANN, PASSWORD = os.environ["ANN"], os.environ["ANN_PASSWORD"]
TRUST = ssl.create_default_context(cafile=os.environ["CA"])
MESSAGES = [
    ("pears", "<1@x>", "", "3 Jan 2020 00:00:00 +0000"),
    ("apples", "<2@x>", "", "1 Jan 2020 00:00:00 +0000"),
    ("Re: pears", "<3@x>", "<1@x>", "2 Jan 2020 00:00:00 +0000"),
]


def client():
    imap = IMAPClient(HOST, port=int(os.environ["IMAPS"]), ssl_context=TRUST)
    imap.login(ANN, PASSWORD)
    return imap


def fill(imap):
    imap.create_folder("Früchte/Kerne")
    for subject, message_id, references, date in MESSAGES:
        text = f"Subject: {subject}\r\nMessage-ID: {message_id}\r\nReferences: {references}\r\nDate: {date}\r\n\r\nx\r\n"
        answer = imap.append("Früchte/Kerne", text.encode(), flags=(b"$fresh",))
        assert b"APPENDUID" in answer, answer
    names = [name for _, _, name in imap.list_folders()]
    assert "Früchte/Kerne" in names, names
    assert imap.folder_status("Früchte/Kerne", ["MESSAGES"]) == {b"MESSAGES": 3}


def find(imap):
    imap.enable("CONDSTORE")
    opened = imap.select_folder("Früchte/Kerne")
    assert opened[b"EXISTS"] == 3 and opened[b"HIGHESTMODSEQ"] > 0, opened
    assert imap.search(["SUBJECT", "pears"]) == [1, 3]
    assert imap.sort(["REVERSE DATE"]) == [1, 3, 2]
    assert imap.sort("SUBJECT", ["KEYWORD", "$fresh"]) == [2, 1, 3]
    assert sorted(imap.thread("REFERENCES"), key=str) == sorted(((1, 3), (2,)), key=str), imap.thread("REFERENCES")
    rows = imap.fetch([1, 2, 3], ["ENVELOPE", "FLAGS", "MODSEQ", "BODYSTRUCTURE", "RFC822.SIZE"])
    assert rows[3][b"ENVELOPE"].subject == b"Re: pears", rows
    assert b"$fresh" in rows[1][b"FLAGS"] and rows[1][b"MODSEQ"], rows
    since = max(row[b"MODSEQ"][0] for row in rows.values())
    imap.add_flags([2], [b"\\Flagged"])
    changed = imap.fetch([1, 2, 3], ["FLAGS"], ["CHANGEDSINCE %d" % since])
    assert list(changed) == [2] and b"\\Flagged" in changed[2][b"FLAGS"], changed


def hear(imap):
    other = client()
    imap.idle()
    other.append("Früchte/Kerne", b"Subject: late\r\n\r\nx\r\n")
    told = imap.idle_check(timeout=60)
    assert (4, b"EXISTS") in told, told
    imap.idle_done()
    other.logout()


def rearrange(imap):
    imap.move([4], "INBOX")
    imap.delete_messages([3])
    imap.uid_expunge([3])
    assert imap.search() == [1, 2]
    quotas = imap.get_quota_root("INBOX")
    assert quotas, quotas
    assert imap.namespace().personal[0][1] == "/"
    assert imap.getacl("INBOX")


imap = client()
fill(imap)
find(imap)
hear(imap)
rearrange(imap)
imap.logout()
