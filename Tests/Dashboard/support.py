"""A server to look at: the mock one in a process of its own."""
import pathlib

from Browser.mock_process import MockProcess


class Server(MockProcess):
    program = pathlib.Path(__file__).resolve().parent / "mock_server.py"
