-- Every control, each with one writer: the agent (mailbox), the panel, or this plugin (indicators).
-- Names are a public interface: renaming one drops its value, wires and UCI links in every design.
local RangeSlots = 24
local SetupReadouts = { "VersionText", "MessageText", "HeartbeatText", "ProblemText", "PendingText" }

function GetControls(props)
  local list = {}
  local function add(control) list[#list + 1] = control end
  local function text(name) add { Name = name, ControlType = "Text" } end
  local function show(name, kind, pin)
    add { Name = name, ControlType = "Indicator", IndicatorType = kind or "Text",
          UserPin = pin or false, PinStyle = pin and "Output" or "None" }
  end
  local function press(name, pin)
    add { Name = name, ControlType = "Button", ButtonType = "Trigger",
          UserPin = pin or false, PinStyle = pin and "Input" or "None" }
  end

  -- Mailbox. Text and Knob keep their content over a restart; the plugin treats it as old.
  text("AgentStateJson")
  text("AckJson")
  add { Name = "Heartbeat", ControlType = "Knob", ControlUnit = "Integer", Min = 0, Max = 999999999 }
  text("RequestJson")

  -- Status page
  show("Status", "Status", true)
  show("StatusText")
  show("AgentOnline", "Led", true)
  show("BackupOk", "Led", true)
  show("RecoveryRunning", "Led", true)
  show("Recording", "Led", true)
  for _, name in ipairs { "AgentText", "CoreText", "RecordingText", "EventsRate", "EventsTotal", "GapsText",
                          "LastBackup", "BackupAge", "NextBackup", "BackupCount", "LastVerified",
                          "RecoverableFrom", "RecoverableTo", "DiskText", "JobText", "RequestText" } do
    show(name)
  end
  for slot = 1, RangeSlots do show("RangeSlot" .. slot, "Led") end
  press("BackupNow", true)
  press("VerifyNow", true)

  -- Restore page
  text("RestorePoint")
  text("RestoreMoment")
  text("Pin")
  for _, name in ipairs { "RestoreTarget", "RestorePreview", "RestoreResult", "PinText" } do show(name) end
  show("RestoreArmed", "Led", true)
  for _, name in ipairs { "PreviewRestore", "ArmRestore", "ArmUndo", "ConfirmRestore", "CancelRestore" } do press(name) end

  -- Setup page
  for _, name in ipairs(SetupReadouts) do show(name) end
  return list
end
