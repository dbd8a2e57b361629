"""Speaks IMAP inside zlib's DEFLATE inside OpenSSL (RFC 4978). Ends with an exception if anything is wrong."""

import os
import socket
import ssl
import zlib

HOST = "localhost"
TRUST = ssl.create_default_context(cafile=os.environ["CA"])


class Imap:
    """A connection that compresses once it is told to."""

    def __init__(self):
        plain = socket.create_connection((HOST, int(os.environ["IMAPS"])), timeout=60)
        self.socket = TRUST.wrap_socket(plain, server_hostname=HOST)
        self.compressor = self.decompressor = None
        self.received = b""
        self.wire_octets = 0

    def compress(self):
        assert not self.received, self.received
        # A negative number of bits means that there is no header around the stream.
        self.compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
        self.decompressor = zlib.decompressobj(-15)

    def send(self, octets, flush=zlib.Z_SYNC_FLUSH):
        if self.compressor:
            octets = self.compressor.compress(octets) + self.compressor.flush(flush)
        self.socket.sendall(octets)

    def line(self):
        while b"\r\n" not in self.received:
            octets = self.socket.recv(1 << 16)
            assert octets, "the connection ended"
            self.wire_octets += len(octets)
            self.received += self.decompressor.decompress(octets) if self.decompressor else octets
        line, _, self.received = self.received.partition(b"\r\n")
        return line

    def until(self, tag):
        lines = [self.line()]
        while not lines[-1].startswith(tag + b" "):
            lines.append(self.line())
        assert lines[-1].startswith(tag + b" OK"), lines[-1]
        return lines

    def command(self, tag, text, flush=zlib.Z_SYNC_FLUSH):
        self.send(tag + b" " + text + b"\r\n", flush)
        return self.until(tag)


def main():
    imap = Imap()
    imap.line()
    login = imap.command(b"a", b"LOGIN " + os.environ["ANN"].encode() + b" " + os.environ["ANN_PASSWORD"].encode())
    assert b"COMPRESS=DEFLATE" in login[-1], login
    imap.command(b"b", b"COMPRESS DEFLATE")
    imap.compress()
    text = b"Subject: compressed\r\n\r\n" + b"All work and no play.\r\n" * 20_000 + os.urandom(3_000).hex().encode()
    # All ways to flush, large and small pieces, more than a window in between.
    imap.command(b"c", b"NOOP", zlib.Z_FULL_FLUSH)
    imap.command(b"d", b"APPEND INBOX {%d+}\r\n%s" % (len(text), text))
    for octet in b"e SELECT INBOX\r\n":
        imap.send(bytes([octet]))
    imap.until(b"e")
    before = imap.wire_octets
    read = b"\r\n".join(imap.command(b"f", b"FETCH * BODY.PEEK[]"))
    assert text in read, len(read)
    assert imap.wire_octets - before < 40_000, imap.wire_octets - before
    for number in range(200):
        imap.command(b"g%d" % number, b"FETCH * (FLAGS UID)")
    imap.send(b"h COMPRESS DEFLATE\r\n")
    assert imap.line().startswith(b"h NO [COMPRESSIONACTIVE]")
    imap.command(b"i", b"LOGOUT")


main()
