-- Setup: for the integrator on a PC. What must agree with the agent's settings, and what arrived last.
local function DrawSetupPage(props)
  local panel = NewPanel("Setup")
  panel.box(16, 24, 456, 220, "This block")
  panel.row("VersionText", 28, 48, 432, "Plugin", "Setup~Plugin Version")
  panel.lines(28, 84, 432, {
    "Set a Code Name, and Script Access External (or All).",
    "panel.code_name in the agent's settings is the same name.",
    "Agent is offline after " .. props["Missed Heartbeats"].Value .. " missed heartbeats.",
    "A request is given up after " .. props["Request Timeout (s)"].Value .. " s,",
    "an armed restore disarms after " .. props["Arm Timeout (s)"].Value .. " s (see properties).",
    "Debug Print: " .. tostring(props["Debug Print"].Value),
  })

  panel.box(488, 24, 456, 220, "What arrived")
  panel.row("MessageText", 500, 48, 432, "Snapshot", "Setup~Last Snapshot")
  panel.row("HeartbeatText", 500, 80, 432, "Heartbeat", "Setup~Heartbeat")
  panel.row("PendingText", 500, 112, 432, "Pending", "Setup~Pending Request")
  panel.label(500, 144, 84, 30, "Problem")
  panel.readout("ProblemText", 586, 151, 346, 84, "Setup~Problem", 15, { VTextAlign = "Top" })

  panel.box(16, 252, 928, 252, "PIN and panels")
  panel.lines(28, 280, 900, {
    "The PIN is set in the agent's settings, never here; the agent counts wrong ones and locks out.",
    "What is typed into the PIN field can be read over QRC until it is sent or cleared: keep the control network closed.",
    "Put the Restore page behind a UCI PIN as well, and switch Enable Button Swipe off on that UCI.",
    "Armed on one panel is armed on all: they share this block.",
  })
  return panel
end
