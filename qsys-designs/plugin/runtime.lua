-- Ties events to the functions above. Every handler runs under pcall: one bad message must not end the script.
local MissedHeartbeats = Properties["Missed Heartbeats"].Value
local HeartbeatSeconds = 1
local Snapshot = nil
local SnapshotAt = 0
local Problem = nil
local LastSign = nil
local Started = Timer.Now()

local function IsOnline()
  return LastSign ~= nil and Timer.Now() - LastSign < (MissedHeartbeats + 0.5) * HeartbeatSeconds
end

-- For the integrator: what came in last.
local function ShowSetup(online)
  SetText("VersionText", "version " .. PluginInfo.Version .. ", schema " .. Schema)
  local seq = Snapshot and Snapshot.seq
  local points = Snapshot and #Snapshot.points .. (#Snapshot.points == 1 and " point" or " points")
  SetText("MessageText", Snapshot and "number " .. (seq and string.format("%.0f", seq) or "?") .. ", " .. points or "none yet")
  SetText("HeartbeatText", LastSign == nil and "none yet" or online and "arriving" or "STOPPED")
  SetText("ProblemText", Problem or "none")
  SetText("PendingText", Pending and Kinds[Pending.kind] .. " " .. Pending.id or "none")
end

local Drawn, DrawnOnline = {}, nil

-- The one place that decides what the whole plugin shows. Runs twice a second on the thread that all scripts
-- of the Core share: what cannot have moved is not looked at again.
local function Refresh()
  local online = IsOnline()
  if Drawn ~= Snapshot or DrawnOnline ~= online then
    if Snapshot then ShowSnapshot(Snapshot, SnapshotAt, online) else ShowNothing(online) end
    Drawn, DrawnOnline = Snapshot, online
  elseif Snapshot then
    ShowAge(Snapshot, SnapshotAt)
  end
  if not online then
    local silent = Timer.Now() - (LastSign or Started)
    if not LastSign and silent < (MissedHeartbeats + 0.5) * HeartbeatSeconds then
      ReportStatus(5, "Waiting for the recovery agent")
    elseif LastSign then
      ReportStatus(4, "Recovery agent does not answer: nobody knows whether changes are recorded")
    else
      ReportStatus(4, "No recovery agent has answered since the Core started")
    end
  elseif Problem then
    ReportStatus(1, Problem)
  elseif not Snapshot then
    ReportStatus(1, "Recovery agent is there but has not told its state")
  else
    ReportStatus(Snapshot.status or 1, Snapshot.text or "Recovery agent gave no status")
  end
  -- A press is seen to be taken; the watch below ends the waiting where no answer comes.
  SetDisabled("BackupNow", not online or Pending ~= nil)
  SetDisabled("VerifyNow", not online or Pending ~= nil)
  ShowRestore(Snapshot, online)
  ShowSetup(online)
end

local function ReadAgentState()
  local seen, problem = ReadSnapshot(Controls.AgentStateJson.String)
  Problem = problem
  if seen then
    Snapshot, SnapshotAt = seen, Timer.Now()
    OfferPoints(seen.points)
    NoteJob(seen.job)
  end
end

-- Wraps a handler: an error is shown, logged and survived.
local function Guard(name, handler)
  return function(control)
    local fine, why = pcall(handler, control)
    if not fine then
      local text = Clip("Plugin error in " .. name .. ": " .. tostring(why))
      pcall(ReportStatus, 2, text)
      Log.Error("Disaster Recovery: " .. text)
    end
  end
end

local function Ask(kind)
  -- The button is greyed out while offline; a wire or script can still press it.
  if not IsOnline() then
    SetText("RequestText", Kinds[kind] .. " not sent: the agent is offline")
    return
  end
  SendRequest(kind)
  Refresh()
end

Controls.AgentStateJson.EventHandler = Guard("AgentStateJson", function()
  LastSign = Timer.Now()
  ReadAgentState()
  Refresh()
end)

Controls.Heartbeat.EventHandler = Guard("Heartbeat", function()
  local wasOnline = IsOnline()
  LastSign = Timer.Now()
  if not wasOnline then
    -- After a restart the text may be there already: no event announces it.
    ReadAgentState()
    Refresh()
  end
end)

Controls.AckJson.EventHandler = Guard("AckJson", function()
  local kind, result, words = ReadAck()
  NoteAnswer(kind, result, words)
  Refresh()
end)

Controls.BackupNow.EventHandler = Guard("BackupNow", function() Ask("backup") end)
Controls.VerifyNow.EventHandler = Guard("VerifyNow", function() Ask("verify") end)

Controls.RestorePoint.EventHandler = Guard("RestorePoint", function()
  ChosePoint()
  Refresh()
end)
Controls.RestoreMoment.EventHandler = Guard("RestoreMoment", function()
  ChoseMoment()
  Refresh()
end)
Controls.Pin.EventHandler = Guard("Pin", function()
  PinTyped()
  Refresh()
end)
Controls.PreviewRestore.EventHandler = Guard("PreviewRestore", function()
  AskPreview(IsOnline())
  Refresh()
end)
Controls.ArmRestore.EventHandler = Guard("ArmRestore", function()
  Arm("restore", Snapshot, IsOnline())
  Refresh()
end)
Controls.ArmUndo.EventHandler = Guard("ArmUndo", function()
  Arm("undo", Snapshot, IsOnline())
  Refresh()
end)
Controls.ConfirmRestore.EventHandler = Guard("ConfirmRestore", function()
  Confirm(Snapshot, IsOnline())
  Refresh()
end)
Controls.CancelRestore.EventHandler = Guard("CancelRestore", function()
  CancelRestore()
  Refresh()
end)

-- Global on purpose: the collector takes a timer that only a local holds.
WatchTimer = Timer.New()
WatchTimer.EventHandler = Guard("watch", function()
  ExpireRequest()
  WatchArm(Snapshot, IsOnline())
  Refresh()
end)

Guard("start", function()
  ExpireAtStart()
  ForgetRestore()
  Refresh()
end)()
WatchTimer:Start(0.5)
