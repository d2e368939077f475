-- Alarm when recording stops.
--
-- Where: a Control Script block; wire its first output to a lamp, a message or an Event Logger if you like.
-- What: when the agent is away or does not record for half a minute, it writes an error to the event log,
-- switches the output on and tells other scripts under "RecoveryAlarm"; and takes all that back afterwards.

local PluginName = "DisasterRecovery"
local PatienceSeconds = 30

local Recovery = Component.New(PluginName)
local badSince, alarm = nil, false

local function Tell(on, text)
  alarm = on
  if on then Log.Error("Recording alarm: " .. text) else Log.Message("Recording alarm: " .. text) end
  -- An output that nothing is wired to is nil.
  local lamp = Controls.Outputs[1]
  if lamp then lamp.Boolean = on end
  Notifications.Publish("RecoveryAlarm", { Active = on, Text = text })
end

function Check()
  local online, recording = Recovery.AgentOnline, Recovery.Recording
  local why = nil
  if not (online and recording) then
    why = PluginName .. " is not there; check its Code Name and Script Access"
  elseif not online.Boolean then
    why = "the recovery agent does not answer"
  elseif not recording.Boolean then
    why = "the agent is there but does not record"
  end
  if not why then
    badSince = nil
    if alarm then Tell(false, "recording again") end
    return
  end
  badSince = badSince or Timer.Now()
  if not alarm and Timer.Now() - badSince >= PatienceSeconds then Tell(true, why) end
end

-- Global, or the collector would take it.
CheckTimer = Timer.New()
CheckTimer.EventHandler = function()
  local fine, why = pcall(Check)
  if not fine then Log.Error("Recording alarm: " .. tostring(why)) end
end
CheckTimer:Start(1)
