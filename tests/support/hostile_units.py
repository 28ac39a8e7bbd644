"""Units that a spec has turned into somebody else's code, trying what they can."""

import ctypes
import mmap
import os
import resource
import signal
import socket
import time
from pathlib import Path

WRITABLE = ()
memory = []


def warm_up():
    pass


def set_threads(count):
    pass


def run(unit, arguments, report):
    """What came of it: what it brought in, or the error that stopped it."""
    try:
        return {"got": UNITS[unit](**arguments)}
    except OSError as error:
        return {"refused": type(error).__name__}
    except ValueError as error:
        return {"refused": str(error)}


def connect(port):
    with socket.create_connection(("127.0.0.1", port), timeout=2):
        return "connected"


def send_datagram(host, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        return sender.sendto(b"stolen", (host, port))


def connect_abstract(name):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(f"\0{name}")
        return "connected"


def interfaces():
    return [name for _, name in socket.if_nameindex()]


def read(path):
    return Path(path).read_text(errors="replace")


def read_environment(pid):
    return Path(f"/proc/{pid}/environ").read_text()


def read_memory(pid):
    return Path(f"/proc/{pid}/mem").open("rb").read(1)


def parent():
    return os.getppid()


def send_signal(pid):
    os.kill(pid, signal.SIGCONT)
    return "sent"


def write(path):
    Path(path).write_text("stolen")
    return "written"


def write_descriptor():
    with os.fdopen(os.memfd_create("x"), "wb") as file:
        return file.write(b"stolen")


def list_folder(path):
    return [entry.name for entry in Path(path).iterdir()]


def environment():
    return dict(os.environ)


def open_files():
    return len([os.dup(0) for _ in range(10_000)])


def take_back_limits():
    for name in ("RLIMIT_NOFILE", "RLIMIT_DATA", "RLIMIT_AS", "RLIMIT_FSIZE"):
        what = getattr(resource, name)
        _, most = resource.getrlimit(what)
        resource.setrlimit(what, (most, most + 1))
    return "taken"


def become_root_again():
    if ctypes.CDLL(None, use_errno=True).setuid(12345) != 0:
        raise OSError(ctypes.get_errno(), "setuid")
    return "other"


def share_memory():
    hoard = []
    while True:
        hoard.append(mmap.mmap(-1, 2**26))
        hoard[-1][:: mmap.PAGESIZE] = b"x" * len(hoard[-1][:: mmap.PAGESIZE])


def burn(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


def leave_a_process():
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.write(writing, str(os.getpid()).encode())
            time.sleep(600)
        os._exit(0)
    return int(os.read(reading, 32))


def remember(what):
    memory.append(what)


def recall():
    return memory


UNITS = {
    unit.__name__: unit
    for unit in (
        connect,
        send_datagram,
        connect_abstract,
        interfaces,
        read,
        read_environment,
        read_memory,
        parent,
        send_signal,
        write,
        write_descriptor,
        list_folder,
        environment,
        open_files,
        take_back_limits,
        become_root_again,
        share_memory,
        burn,
        leave_a_process,
        remember,
        recall,
    )
}
