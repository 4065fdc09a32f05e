"""Firefox in tests, by its own remote protocol, Marionette."""

import json
import shutil
import socket
import subprocess
import time

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
# Under remote control Firefox lets pages from disk read others, unless told not to.
PREFERENCES = {"remote.prefs.recommended": False, "network.proxy.type": 1, "marionette.port": 0}
PATIENCE = 90  # seconds
SCRIPT = """
const done = arguments[arguments.length - 1];
const find = (name) => document.querySelector(name);
const until = async (is) => {
  while (!is()) await new Promise((resolve) => setTimeout(resolve, 50));
};
(async () => { %s })().then(done, (error) => done(String(error)));
"""


class Firefox:
    """A headless Firefox with a profile of its own."""

    def __init__(self, profile):
        lines = [f'user_pref("{k}", {json.dumps(v)});\n' for k, v in PREFERENCES.items()]
        (profile / "user.js").write_text("".join(lines), "utf-8")
        command = [FIREFOX, "--headless", "--marionette", "--profile", str(profile)]
        quiet = subprocess.DEVNULL
        self.process = subprocess.Popen(command, stdout=quiet, stderr=quiet)
        port = profile / "MarionetteActivePort"
        deadline = time.monotonic() + PATIENCE
        while not (port.is_file() and port.read_text()):
            assert time.monotonic() < deadline, "Firefox has not opened its port"
            time.sleep(0.1)
        self.socket = socket.create_connection(("127.0.0.1", int(port.read_text())), PATIENCE)
        self.file = self.socket.makefile("rb")
        self.receive()
        self.count = 0
        self.ask("WebDriver:NewSession", capabilities={})
        self.ask("WebDriver:SetTimeouts", script=1000 * PATIENCE)

    def receive(self):
        length = b""
        while (one := self.file.read(1)) != b":":
            length += one
        return json.loads(self.file.read(int(length)))

    def ask(self, name, **parameters):
        self.count += 1
        message = json.dumps([0, self.count, name, parameters]).encode()
        self.socket.sendall(b"%d:%s" % (len(message), message))
        _, _, error, value = self.receive()
        assert error is None, error
        return value

    def run(self, body):
        answer = self.ask("WebDriver:ExecuteAsyncScript", script=SCRIPT % body, newSandbox=False)
        return answer["value"]

    def close(self):
        self.socket.close()
        self.process.terminate()
        self.process.wait(PATIENCE)
