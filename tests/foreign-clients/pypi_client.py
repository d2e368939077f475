"""The PyPI package qsys: status, get, set, poll, auto-poll. It reads one frame per segment, so calls are spaced."""

import os
import sys
import time

host, port, named = sys.argv[1], int(sys.argv[2]), sys.argv[3]
os.makedirs("test_logs", exist_ok=True)  # the package logs there

from qsys.classes import ChangeGroup, Control, Core  # noqa: E402
from qsys.helpers import epoch  # noqa: E402


def until(what, condition):
    end = time.monotonic() + 15
    while not condition():
        if time.monotonic() > end:
            print(f"qsys: {what} did not happen", file=sys.stderr)
            os._exit(1)
        time.sleep(0.02)


core = Core(Name="core", User="anybody", Password="1234", ip=host, port=port)
core.start()
until("EngineStatus", lambda: getattr(core, "State", None) == "Active")
control = Control(parent=core, Name=named, ValueType=[int, float])
until("Control.Get", lambda: "Value" in control.state)
before = control.state["Value"]
other = before - 1 if before > -50 else before + 1

control.set(Value=other, TransId=epoch())
until("Control.Set", lambda: abs(control.state["Value"] - other) < 1e-3)

group = ChangeGroup(parent=core, Id="pypi")
group.AddControl(control)
time.sleep(0.2)
group.AutoPoll(Rate=0.5)
time.sleep(0.75)  # between two pushes: a reply in one segment with a push would be lost on it
control.state["Value"] = None
control.set(Value=before, TransId=epoch())
until("the change or its push", lambda: control.state["Value"] is not None and abs(control.state["Value"] - before) < 1e-3)
control.state["Value"] = None
group.Invalidate()
until("the push after Invalidate", lambda: control.state["Value"] is not None)
group.Destroy()
print(f"qsys: {core.DesignName}; moved {named}, heard its pushes")
sys.stdout.flush()
os._exit(0)  # its threads never end
