-- Writes an indicator only when it changes, to keep change groups and logs quiet.
local function SetText(name, text)
  local control = Controls[name]
  if control.String ~= text then control.String = text end
end

local function SetLed(name, on)
  local control = Controls[name]
  if control.Boolean ~= on then control.Boolean = on end
end

local function SetDisabled(name, yes)
  local control = Controls[name]
  if control.IsDisabled ~= yes then control.IsDisabled = yes end
end

local function SetLegend(name, legend)
  local control = Controls[name]
  if control.Legend ~= legend then control.Legend = legend end
end

-- Value first, then text; neither changes the other. A change to Fault or Missing goes to the log.
local function ReportStatus(code, text)
  text = Clip(text)
  local control = Controls.Status
  local worse = control.Value ~= code and (code == 2 or code == 4)
  if control.Value ~= code then control.Value = code end
  if control.String ~= text then control.String = text end
  -- The word and the sentence stand without colour.
  SetText("StatusText", string.upper(StatusWords[code]) .. ": " .. Clip(text, 76))
  if worse then Log.Error("Disaster Recovery: " .. StatusWords[code] .. ": " .. text) end
end

local Unknown = "not told"

local function OrUnknown(text) return text and Readable(Clip(text)) or Unknown end

local function BackupAgeNow(seen, received)
  local age = Member(seen.backup, "age_seconds", "number")
  if not age or age < 0 then return nil end
  return age + (Timer.Now() - received)
end

-- The age grows between two snapshots.
local function ShowAge(seen, received)
  local age = BackupAgeNow(seen, received)
  SetText("BackupAge", age and AgeText(age) or "no backup yet")
end

-- Draws a snapshot. `online` is false while the agent is silent: then the last news is shown as old.
local function ShowSnapshot(seen, received, online)
  SetLed("AgentOnline", online)
  local agent, core, events, backup = seen.agent, seen.core, seen.events, seen.backup
  local version = Member(agent, "version", "string")
  SetText("AgentText", (online and "online" or "OFFLINE") .. (version and ", version " .. Clip(version, 40) or ""))
  local host = Member(core, "host", "string")
  local state = Member(core, "state", "string")
  local design = Member(core, "design", "string")
  local parts = {}
  for _, part in ipairs { design or false, state or false, host or false } do
    if part then parts[#parts + 1] = Clip(part, 40) end
  end
  SetText("CoreText", #parts > 0 and table.concat(parts, ", ") or Unknown)

  local recording = online and seen.recording == true
  SetLed("Recording", recording)
  SetText("RecordingText", not online and "unknown" or recording and "yes" or seen.recording == false and "NO" or Unknown)
  local rate = Member(events, "per_second", "number")
  SetText("EventsRate", online and rate and string.format("%.0f per second", rate) or Unknown)
  local total = Member(events, "total", "number")
  SetText("EventsTotal", total and CountText(total) .. (total == 1 and " event" or " events") or Unknown)
  local gaps = Member(events, "gaps", "number")
  SetText("GapsText", gaps and (gaps == 0 and "none" or CountText(gaps)) or Unknown)

  SetText("LastBackup", OrUnknown(Member(backup, "lastText", "string") or Member(backup, "last", "string")))
  ShowAge(seen, received)
  SetText("NextBackup", OrUnknown(Member(backup, "nextText", "string") or Member(backup, "next", "string")))
  SetText("LastVerified", OrUnknown(Member(backup, "verifiedText", "string") or Member(backup, "last_verified", "string")))
  local count = Member(backup, "count", "number")
  SetText("BackupCount", count and CountText(count) .. (count == 1 and " backup" or " backups") or Unknown)
  SetText("DiskText", OrUnknown(Member(seen.disk, "text", "string")))
  -- True only while the agent says so: an old "all is well" must not light a lamp.
  SetLed("BackupOk", online and count ~= nil and count > 0 and Member(backup, "ok", "boolean") == true)

  SetText("RecoverableFrom", "from " .. OrUnknown(Member(seen.recoverable, "fromText", "string") or Member(seen.recoverable, "from", "string")))
  SetText("RecoverableTo", "to " .. OrUnknown(Member(seen.recoverable, "toText", "string") or Member(seen.recoverable, "to", "string")))
  for slot, reachable in ipairs(RangeBar(seen.recoverable, RangeSlots)) do SetLed("RangeSlot" .. slot, reachable) end

  local job = seen.job
  local running = online and Member(job, "state", "string") == "running"
  SetLed("RecoveryRunning", running)
  local percent = Member(job, "percent", "number")
  local words = Member(job, "text", "string") or Member(job, "kind", "string") or ""
  if job and running and percent then
    words = string.format("%.0f %%  %s", math.max(0, math.min(100, percent)), words)
  end
  SetText("JobText", Clip(words))
end

-- Nothing is known yet, or the agent sent something unreadable.
local function ShowNothing(online)
  ShowSnapshot({ points = {} }, Timer.Now(), online)
  SetText("BackupAge", Unknown)
end
