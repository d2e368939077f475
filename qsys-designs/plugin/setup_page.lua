-- Setup: for the integrator on a PC. What must agree with the agent's settings, and what arrived last.
local function DrawSetupPage(props)
  local panel = NewPanel("Setup")
  panel.box(16, 24, 456, 220, "This block")
  panel.row("VersionText", 28, 48, 432, "Plugin", "Setup~Plugin Version")
  panel.label(28, 80, 432, 44, "Set a Code Name and Script Access External (or All).\nThe agent's plugin setting must carry the same name.")
  panel.label(28, 128, 432, 24, string.format("Agent is offline after %d missed heartbeats", props["Missed Heartbeats"].Value))
  panel.label(28, 152, 432, 24, string.format("A request is given up after %d s", props["Request Timeout (s)"].Value))
  panel.label(28, 176, 432, 24, string.format("An armed restore disarms after %d s", props["Arm Timeout (s)"].Value))
  panel.label(28, 200, 432, 24, "Debug Print: " .. tostring(props["Debug Print"].Value) .. " (properties of this block)")

  panel.box(488, 24, 456, 220, "What arrived")
  panel.row("MessageText", 500, 48, 432, "Snapshot", "Setup~Last Snapshot")
  panel.row("HeartbeatText", 500, 80, 432, "Heartbeat", "Setup~Heartbeat")
  panel.row("ProblemText", 500, 112, 432, "Problem", "Setup~Problem")
  panel.row("PendingText", 500, 144, 432, "Pending", "Setup~Pending Request")

  panel.box(16, 252, 928, 250, "PIN and panels")
  panel.label(28, 272, 900, 90,
    "The PIN is set in the agent's settings, never here; the agent counts wrong ones and locks out.\n"
    .. "What is typed into the PIN field can be read over QRC until it is sent or cleared: keep the control network closed.\n"
    .. "Put the Restore page behind a UCI PIN as well, and switch Button Swipe off on that UCI.\n"
    .. "Armed on one panel is armed on all: they share this block.")
  return panel
end
