-- Choose, arm, confirm. Nothing here protects the record: the agent checks everything again.
--
--   idle -> Arm -> armed for N s -> Confirm -> request
--             \-> Cancel, timeout, new choice, new list, somebody's job, a silent agent: idle again
local ArmTimeout = Properties["Arm Timeout (s)"].Value
local ArmedKind, ArmedAt = nil, nil
local LabelIds = {}       -- label in the list -> point
local LabelOrder = {}
local Applying = false    -- our own writes to the choice fields are not somebody's choice
local WhyNot = nil

local function WithoutEvents(write)
  Applying = true
  local fine, why = pcall(write)
  Applying = false
  if not fine then error(why, 0) end
end

-- Where own writes call own handlers, the call comes after this handler has ended:
-- it is told from somebody's choice by comparing with what was written.
local OwnPoint, OwnMoment, OwnPin = nil, nil, nil
local function PutPoint(text) OwnPoint = text WithoutEvents(function() SetText("RestorePoint", text) end) end
local function PutMoment(text) OwnMoment = text WithoutEvents(function() SetText("RestoreMoment", text) end) end
local function PutPin(text) OwnPin = text WithoutEvents(function() SetText("Pin", text) end) end

local function Disarm(why)
  if ArmedKind then
    ArmedKind, ArmedAt = nil, nil
    WhyNot = why
  end
end

-- The moment typed, normalised; nil and a reason if it is none.
local function TypedMoment()
  local text = Controls.RestoreMoment.String:match("^%s*(.-)%s*$")
  if text == "" then return nil, nil end
  local date, hour, minute, second = text:match("^(%d%d%d%d%-%d%d%-%d%d)[ T](%d%d):(%d%d):?(%d?%d?)$")
  if not date then return nil, "Type the moment as 2026-03-01 19:55:00" end
  if second == "" then second = "00" end
  local month, day = tonumber(date:sub(6, 7)), tonumber(date:sub(9, 10))
  if month < 1 or month > 12 or day < 1 or day > 31 or tonumber(hour) > 23 or tonumber(minute) > 59 or #second ~= 2 or tonumber(second) > 59 then
    return nil, "There is no such moment: " .. Clip(text, 40)
  end
  return string.format("%s %s:%s:%s", date, hour, minute, second)
end

-- What a restore would go to: request members and words, or a reason why there is nothing.
local function Target()
  local moment, wrong = TypedMoment()
  if wrong then return nil, wrong end
  if moment then return { moment = moment }, "the moment " .. moment end
  local label = Controls.RestorePoint.String
  local point = LabelIds[label]
  if point then return { pointId = point.id }, label end
  return nil, "Nothing chosen"
end

-- A new list. An armed restore disarms; a choice that is gone is cleared.
local function OfferPoints(points)
  local ids, order, changed = {}, {}, false
  for _, point in ipairs(points) do
    local base = Clip(point.when .. "  " .. point.label, 100)
    if not base:find("%S") then base = Clip(point.id, 100) end
    local label, n = base, 1
    -- The selection comes back as the label, so labels must differ.
    while ids[label] do
      n = n + 1
      label = base .. " (" .. n .. ")"
    end
    ids[label] = point
    order[#order + 1] = label
    local old = LabelIds[label]
    if LabelOrder[#order] ~= label or not old or old.id ~= point.id then changed = true end
  end
  if not changed and #order == #LabelOrder then
    LabelIds = ids
    return
  end
  LabelIds, LabelOrder = ids, order
  Controls.RestorePoint.Choices = order
  if Controls.RestorePoint.String ~= "" and not ids[Controls.RestorePoint.String] then PutPoint("") end
  Disarm("Disarmed: the list of backups changed")
end

local function ChosePoint()
  local text = Controls.RestorePoint.String
  if Applying or text == OwnPoint then return end
  OwnPoint = nil
  if text ~= "" then PutMoment("") end
  Disarm("Disarmed: another choice")
  WhyNot = nil
  SetText("RestorePreview", "")
end

local function ChoseMoment()
  local text = Controls.RestoreMoment.String
  if Applying or text == OwnMoment then return end
  OwnMoment = nil
  if text ~= "" then PutPoint("") end
  Disarm("Disarmed: another choice")
  WhyNot = nil
  SetText("RestorePreview", "")
end

local function PinTyped()
  if Applying or Controls.Pin.String == OwnPin then return end
  OwnPin = nil
  WhyNot = nil
end

-- Somebody's job. What is asked for during the agent's own waits for its end.
local function JobRuns(seen)
  local job = seen and seen.job
  return Member(job, "state", "string") == "running" and Member(job, "own", "boolean") ~= true
end

-- Why it cannot be done now, or nil. Asked at arming and again at confirming.
local function Obstacle(kind, seen, online)
  if not online then return "The agent is offline" end
  if not seen then return "The agent has not told its state" end
  if seen.can and not seen.can[kind] then return "This agent does not do it from the panel" end
  if JobRuns(seen) then return "A job is running" end
  if Pending then return Kinds[Pending.kind] .. " is waiting for an answer" end
  if kind == "restore" then
    local target, why = Target()
    if not target then return why end
  elseif Member(seen.undo, "available", "boolean") == false then
    return "There is nothing to undo"
  end
  if seen.pinRequired and Controls.Pin.String == "" then return "Enter the PIN first" end
  return nil
end

local function Arm(kind, seen, online)
  local why = Obstacle(kind, seen, online)
  if why then
    Disarm(nil)
    WhyNot = why
    return
  end
  ArmedKind, ArmedAt, WhyNot = kind, Timer.Now(), nil
end

local function Confirm(seen, online)
  if not ArmedKind then
    WhyNot = "Arm first"
    return
  end
  if Timer.Now() - ArmedAt >= ArmTimeout then return Disarm("Disarmed: too late, arm again") end
  local kind = ArmedKind
  local why = Obstacle(kind, seen, online)
  Disarm(nil)
  if why then
    WhyNot = why
    return
  end
  local more = kind == "restore" and Target() or {}
  more.armed = true
  local pin = Controls.Pin.String
  SetText("RestoreResult", "")
  SendRequest(kind, more, pin ~= "" and function(request) request.pinProof = PinProof(pin, request) end or nil)
  PutPin("")
end

local function CancelRestore()
  Disarm(nil)
  WhyNot = "Cancelled; nothing was sent"
  PutPin("")
  PutPoint("")
  PutMoment("")
end

local function AskPreview(online)
  local target, why = Target()
  if not online then why = "The agent is offline" end
  if not online or not target then
    SetText("RestorePreview", why)
    return
  end
  SetText("RestorePreview", "Asking the agent …")
  if not SendRequest("preview", target) then SetText("RestorePreview", "") end
end

local function NoteAnswer(kind, result, words)
  if kind == "preview" and result ~= "accepted" then
    SetText("RestorePreview", Clip(words or result, 400))
  elseif (kind == "restore" or kind == "undo") and (result ~= "accepted" or (words or "") ~= "") then
    SetText("RestoreResult", Clip(Kinds[kind] .. " " .. result .. (words and words ~= "" and ": " .. words or "")))
  end
end

-- A job's end as the snapshot tells it: also seen by panels after a restart, when no answer comes any more.
local function NoteJob(job)
  local kind, state = Member(job, "kind", "string"), Member(job, "state", "string")
  if (kind == "restore" or kind == "undo") and (state == "done" or state == "failed") then
    SetText("RestoreResult", Clip(Kinds[kind] .. " " .. state .. ": " .. (Member(job, "text", "string") or "")))
  end
end

local function WatchArm(seen, online)
  if not ArmedKind then return end
  if not online then return Disarm("Disarmed: the agent is offline") end
  if JobRuns(seen) then return Disarm("Disarmed: a job has started") end
  if Timer.Now() - ArmedAt >= ArmTimeout then return Disarm("Disarmed: not confirmed in time") end
end

local function ShowRestore(seen, online)
  WatchArm(seen, online)
  local target, words = Target()
  SetText("RestoreTarget", target and "Back to " .. words or words)
  local pinRequired = seen ~= nil and seen.pinRequired
  local typed = Controls.Pin.String ~= ""
  SetText("PinText", WhyNot or (ArmedKind and "Armed on every panel") or (pinRequired and (typed and "PIN entered" or "PIN needed"))
    or (seen and seen.can and not seen.can.restore and "This agent does not restore from the panel") or "No PIN needed")
  SetLed("RestoreArmed", ArmedKind ~= nil)
  local left = ArmedKind and math.max(0, math.ceil(ArmTimeout - (Timer.Now() - ArmedAt))) or 0
  SetLegend("ConfirmRestore", ArmedKind and string.format("Confirm %s (%d)", ArmedKind, left) or "Not armed")
  SetDisabled("ConfirmRestore", ArmedKind == nil)
  SetDisabled("ArmRestore", Obstacle("restore", seen, online) ~= nil)
  SetDisabled("ArmUndo", Obstacle("undo", seen, online) ~= nil)
  local previews = not (seen and seen.can) or seen.can.preview == true
  SetDisabled("PreviewRestore", not (online and target and previews) or Pending ~= nil)
end

-- At start nothing is chosen and nothing is armed, whatever the persisted fields say.
local function ForgetRestore()
  PutPoint("")
  PutMoment("")
  PutPin("")
end
