"""Gateways for tests: a TLS front and an HTTP proxy, both before a plain server on this machine."""

import contextlib
import socket
import ssl
import subprocess
import threading


def _carry(source, sink):
    with contextlib.suppress(OSError, ssl.SSLError, ValueError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError, ValueError):
        sink.shutdown(socket.SHUT_WR)


def _join(one, other):
    """Both directions until both are over."""
    back = threading.Thread(target=_carry, args=(other, one), daemon=True)
    back.start()
    _carry(one, other)
    back.join(60)


class Front:
    """Accepts connections in threads until it is closed."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.accepted = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        # close() alone does not wake the thread in accept().
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self._serve_quietly, args=(client,), daemon=True).start()

    def _serve_quietly(self, client):
        with contextlib.suppress(OSError, ssl.SSLError), client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.serve(client)


class TlsFront(Front):
    """Speaks TLS, asks for a client certificate where there is a CA for it, and passes on."""

    def __init__(self, certificate, key, port, client_ca=None):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        if client_ca:
            self.context.verify_mode = ssl.CERT_REQUIRED
            self.context.load_verify_locations(client_ca)
        self.behind = port
        super().__init__()

    def serve(self, client):
        with self.context.wrap_socket(client, server_side=True) as sealed, \
                socket.create_connection(("127.0.0.1", self.behind)) as server:
            # TLS objects may not be read and written at once by two threads: one thread does both.
            sealed.setblocking(False)
            server.setblocking(False)
            self._pump(sealed, server)

    def _pump(self, sealed, server):
        import select
        open_ends = {sealed, server}
        while sealed in open_ends:
            if not sealed.pending():
                select.select(list(open_ends), [], [], 60)
            for source, sink in ((sealed, server), (server, sealed)):
                if source not in open_ends:
                    continue
                try:
                    data = source.recv(65536)
                except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                    continue
                if not data:
                    return
                sink.setblocking(True)
                sink.sendall(data)
                sink.setblocking(False)


class Proxy(Front):
    """An HTTP proxy that leads every name to one port of this machine; keeps what it was asked."""

    def __init__(self, port, tls_port=None, user=None):
        self.behind, self.tls_behind, self.user = port, tls_port, user
        self.heads = []
        super().__init__()

    def serve(self, client):
        data = b""
        while b"\r\n\r\n" not in data:
            more = client.recv(65536)
            if not more:
                return
            data += more
        head = data.split(b"\r\n\r\n")[0].decode()
        self.heads.append(head)
        if self.user and f"proxy-authorization: basic {self.user}".lower() not in head.lower():
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        if head.startswith("CONNECT "):
            with socket.create_connection(("127.0.0.1", self.tls_behind)) as server:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                _join(client, server)
            return
        # The emulator takes the whole address for a path of its own, so it is cut here; only the
        # first request's head was looked at, which is why each connection carries one host.
        with socket.create_connection(("127.0.0.1", self.behind)) as server:
            back = threading.Thread(target=_carry, args=(server, client), daemon=True)
            back.start()
            while data:
                for word in (b"GET ", b"POST "):
                    data = data.replace(word + b"http://model.test", word)
                server.sendall(data)
                data = client.recv(65536)
                if data.startswith((b"GET ", b"POST ")):
                    self.heads.append(data.split(b"\r\n\r\n")[0].decode())
            server.shutdown(socket.SHUT_WR)
            back.join(60)


def make_authority(folder, name):
    """(certificate, key) of an authority nobody else trusts."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-subj", f"/CN={name}", "-days", "2", "-keyout", key, "-out", certificate)
    return certificate, key


def make_certificate(folder, name, authority, alternatives=""):
    """(certificate, key) signed by the authority."""
    certificate, key, ask = (folder / f"{name}.{end}" for end in ("pem", "key", "csr"))
    _openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-subj", f"/CN={name}", "-keyout", key, "-out", ask)
    extra = folder / f"{name}.ext"
    extra.write_text(f"subjectAltName={alternatives}\n" if alternatives else "basicConstraints=CA:FALSE\n")
    _openssl("x509", "-req", "-in", ask, "-CA", authority[0], "-CAkey", authority[1],
             "-CAcreateserial", "-days", "2", "-extfile", extra, "-out", certificate)
    return certificate, key


def _openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise AssertionError(f"openssl {arguments[0]}: {done.stderr}")
