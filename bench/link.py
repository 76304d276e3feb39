"""The wire between the measured processes and Valkey, as a process of its own that can be cut in two ways.

A server that is gone refuses connections; one behind a network that swallows everything takes them, and never
answers. Killing this process does the one, stopping it the other: nothing is pretended.
"""

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import suppress

from config.demo.children import bound_to_us
from config.demo.ports import HOST, free_ports
from config.embedded.paths import CHECKOUT

_CHUNK = 65536


class Link:
    """Connections to a port of this machine, passed on to a socket for as long as the link stands."""

    def __init__(self, socket_path: str) -> None:
        self._socket_path = socket_path
        (self.port,) = free_ports(1)
        self._process: subprocess.Popen[bytes] | None = None
        self.mend()

    def refuse(self) -> None:
        """Break every connection, and refuse new ones."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process.stdout.close()  # type: ignore[union-attr]  # it was asked for
            self._process = None

    def swallow(self) -> None:
        """Keep every connection, take new ones, and pass nothing on."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def mend(self) -> None:
        """Pass on again; what was swallowed arrives late."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            return
        self._process = subprocess.Popen(
            bound_to_us(["-m", "bench.link", str(self.port), self._socket_path]), cwd=CHECKOUT, stdout=subprocess.PIPE
        )
        if self._process.stdout is None or not self._process.stdout.readline():
            raise RuntimeError(f"Nothing can be passed on from port {self.port}.")

    def end(self) -> None:
        """End the process."""
        self.refuse()


async def _serve(port: int, socket_path: str) -> None:
    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(socket_path)
        await asyncio.gather(_pump(reader, back), _pump(there, writer))

    async with await asyncio.start_server(pass_on, HOST, port, reuse_address=True) as server:
        sys.stdout.write("listening\n")
        sys.stdout.flush()
        await server.serve_forever()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
    writer.close()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    asyncio.run(_serve(int(sys.argv[1]), sys.argv[2]))
