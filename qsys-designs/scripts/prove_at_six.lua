-- Prove the last backup at 06:00.
--
-- Where: a Control Script block. The plugin's block needs Script Access Script or All.
-- What: each morning it presses the plugin's "Verify now" and waits for the answer. No proof by 06:30 is an
-- error in the event log. A Core that was off at 06:00 does it when it is up again before 06:30.

local PluginName = "DisasterRecovery"
local Hour, GiveUpMinute = 6, 30

local Recovery = Component.New(PluginName)
local day, state = nil, "waiting"     -- waiting, asked, told
local askedAt = nil

function Check()
  if not Recovery.VerifyNow then
    Log.Error("Proof at six: " .. PluginName .. " is not there; check its Code Name and Script Access")
    CheckTimer:Stop()
    return
  end
  local now = os.time()
  local today, hour, minute = os.date("%Y-%m-%d", now), tonumber(os.date("%H", now)), tonumber(os.date("%M", now))
  if day ~= today then day, state, askedAt = today, "waiting", nil end
  if hour ~= Hour or state == "told" then return end
  local answer = Recovery.RequestText.String
  if askedAt and answer:find("^Verify done") then
    state = "told"
    Log.Message("Proof at six: " .. answer)
  elseif askedAt and answer:find("^Verify failed") then
    state = "told"
    Log.Error("Proof at six: " .. answer)
  elseif minute >= GiveUpMinute then
    state = "told"
    Log.Error("Proof at six: the last backup is not proved: " .. answer)
  elseif not askedAt or Timer.Now() - askedAt >= 300 then
    askedAt = Timer.Now()
    Recovery.VerifyNow:Trigger()
  end
end

-- Global, or the collector would take it.
CheckTimer = Timer.New()
CheckTimer.EventHandler = function()
  local fine, why = pcall(Check)
  if not fine then Log.Error("Proof at six: " .. tostring(why)) end
end
CheckTimer:Start(10)
