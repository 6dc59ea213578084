"""An HTTP server on loopback that a case speaks for: a metric backend, an API server that refuses everybody."""
import collections
import http.server
import json
import threading

Request = collections.namedtuple("Request", "method path headers body")


class StandIn:
    """Answers with what `answer(request)` returns: a text, a JSON document, or (status, either). `requests` is what came in."""

    def __init__(self, answer, tls=None):
        self.requests = []
        stand_in = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                request = Request(self.command, self.path, self.headers, body)
                stand_in.requests.append(request)
                answered = answer(request)
                status, document = answered if isinstance(answered, tuple) else (200, answered)
                text = (document if isinstance(document, str) else json.dumps(document)).encode()
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", "text/plain; version=0.0.4" if isinstance(document, str) else "application/json")
                    self.send_header("Content-Length", str(len(text)))
                    self.end_headers()
                    self.wfile.write(text)
                except OSError:
                    pass  # whoever asked has gone meanwhile

            do_POST = do_PUT = do_GET

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if tls is not None:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"127.0.0.1:{self.server.server_port}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()
