-- Nightly backup after the last show.
--
-- Where: a Control Script block in the design. The plugin's block needs Script Access Script or All.
-- What: once per night, when no show has been running for half an hour between 22:00 and 05:00,
-- it presses the plugin's "Backup now". If the agent is away it tries again each minute until 05:00.

-- Change these four to the names of your design.
local PluginName = "DisasterRecovery"
local ShowComponent, ShowControl = "Room_Info", "ShowRunning"
local QuietMinutes = 30
local FromHour, UntilHour = 22, 5

local Recovery = Component.New(PluginName)
local Show = Component.New(ShowComponent)[ShowControl]
local quietSince = Timer.Now()
local doneNight = nil
local askedAt, askedNight = nil, nil

-- The evening's date, also for the hours after midnight.
local function NightOf(now)
  if tonumber(os.date("%H", now)) < UntilHour then now = now - 24 * 3600 end
  return os.date("%Y-%m-%d", now)
end

local function IsNight(now)
  local hour = tonumber(os.date("%H", now))
  return hour >= FromHour or hour < UntilHour
end

function Check()
  if not (Recovery.BackupNow and Show) then
    Log.Error("Nightly backup: " .. PluginName .. " or " .. ShowComponent .. "." .. ShowControl .. " is not there; check names and Script Access")
    CheckTimer:Stop()
    return
  end
  if Show.Boolean then quietSince = Timer.Now() end
  local now = os.time()
  if not IsNight(now) then
    -- A night that ended without its backup is said once.
    if askedAt and doneNight ~= askedNight then
      Log.Error("Nightly backup: no backup was made in the night of " .. askedNight)
    end
    askedAt = nil
    return
  end
  local night = NightOf(now)
  if doneNight == night or Timer.Now() - quietSince < QuietMinutes * 60 then return end
  if askedAt and Recovery.RequestText.String:find("^Backup done") then
    doneNight = night
    Log.Message("Nightly backup: made, " .. Recovery.LastBackup.String)
    return
  end
  if askedAt and Timer.Now() - askedAt < 60 then return end
  askedAt, askedNight = Timer.Now(), night
  Recovery.BackupNow:Trigger()
end

-- Global, or the collector would take it.
CheckTimer = Timer.New()
CheckTimer.EventHandler = function()
  local fine, why = pcall(Check)
  if not fine then Log.Error("Nightly backup: " .. tostring(why)) end
end
CheckTimer:Start(10)
