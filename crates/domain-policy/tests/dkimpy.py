"""dkimpy as somebody else who signs, seals and verifies.

Takes one request in JSON on standard input and prints the answer. Octets are in base64.
"""

import base64
import json
import sys

import dkim

request = json.load(sys.stdin)
records = request.get("records", {})


def octets(name):
    return base64.b64decode(request[name])


def answer(name, timeout=5):
    return records.get(name.decode().rstrip("."), "").encode() or None


def sign():
    """One message for each form of header and body, and one of which only a part is signed."""
    message = octets("message")
    made = []
    for header in (b"simple", b"relaxed"):
        for body in (b"simple", b"relaxed"):
            for length in (False, True):
                field = dkim.sign(
                    message,
                    request["selector"].encode(),
                    request["domain"].encode(),
                    request["key"].encode(),
                    canonicalize=(header, body),
                    signature_algorithm=request["algorithm"].encode(),
                    length=length,
                )
                made.append(field + message)
    return [base64.b64encode(one).decode() for one in made]


def verify():
    message = octets("message")
    found = []
    for at in range(request["signatures"]):
        try:
            found.append(dkim.DKIM(message).verify(idx=at, dnsfunc=answer))
        except dkim.ValidationError:
            found.append(False)
    return found


def seal():
    message = octets("message")
    fields = dkim.arc_sign(
        message,
        request["selector"].encode(),
        request["domain"].encode(),
        request["key"].encode(),
        request["name"].encode(),
    )
    return base64.b64encode(b"".join(fields) + message).decode()


def chain():
    status, _, reason = dkim.arc_verify(octets("message"), dnsfunc=answer)
    return [status.decode() if status else "none", reason]


print(json.dumps({"sign": sign, "verify": verify, "seal": seal, "chain": chain}[request["do"]]()))
