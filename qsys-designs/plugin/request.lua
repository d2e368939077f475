-- Requests to the agent: latched with an id, answered by AckJson, given up after a timeout.
--
--   press -> RequestJson {id,...} -> agent's AckJson {id, accepted|refused|done|failed} -> RequestJson ""
local Pending = nil
local RequestCount = 0
local Kinds = { backup = "Backup", verify = "Verify", restore = "Restore", undo = "Undo", preview = "Preview" }
local RequestTimeout = Properties["Request Timeout (s)"].Value

-- Random start, so that an id of yesterday cannot come back after a restart.
local function IdStart()
  local fine, bytes = pcall(function() return Crypto.GetRandomBytes(6) end)
  if fine and type(bytes) == "string" and #bytes == 6 then
    return (bytes:gsub(".", function(byte) return string.format("%02x", byte:byte()) end))
  end
  return string.format("%08x%04x", os.time() % 0x100000000, math.random(0, 0xFFFF))
end
local RequestIdStart = IdStart()

local function DebugPrint(level, text)
  local wanted = Properties["Debug Print"].Value
  if wanted == "All" or wanted == level then print(text) end
end

-- Latches a request, unless one is pending. `seal` may add members once id and time are known.
local function SendRequest(kind, more, seal)
  if Pending then
    SetText("RequestText", Kinds[Pending.kind] .. " is already asked for, waiting for the agent")
    return nil
  end
  RequestCount = RequestCount + 1
  local request = {
    id = RequestIdStart .. "-" .. RequestCount,
    kind = kind,
    at = os.date("!%Y-%m-%dT%H:%M:%SZ", os.time()),
  }
  for key, value in pairs(more or {}) do request[key] = value end
  if seal then seal(request) end
  Pending = { id = request.id, kind = kind, since = Timer.Now() }
  SetText("RequestText", Kinds[kind] .. " asked for")
  Controls.RequestJson.String = json.encode(request)
  DebugPrint("Requests", "request " .. request.kind .. " " .. request.id)
  return request.id
end

local function ClearRequest()
  Pending = nil
  SetText("RequestJson", "")
end

-- Gives up a request that nobody answered.
local function ExpireRequest()
  if Pending and Timer.Now() - Pending.since >= RequestTimeout then
    local kind = Pending.kind
    ClearRequest()
    SetText("RequestText", Kinds[kind] .. string.format(": no answer from the agent within %d s", RequestTimeout))
    Log.Error("Disaster Recovery: " .. Kinds[kind] .. " request was not answered")
    return kind
  end
end

local LastAsked = nil

-- Reads the agent's answer. "accepted" ends the waiting; done and failed of the same id may follow.
local function ReadAck()
  local text = Controls.AckJson.String
  if text == "" then return end
  local ack, why = DecodeObject(text)
  if not ack then
    SetText("RequestText", "Bad answer from agent: " .. why)
    return
  end
  local id, result = Member(ack, "id", "string"), Member(ack, "result", "string")
  if not id or not result then return end
  if Pending and Pending.id == id then
    LastAsked = Pending
    ClearRequest()
  end
  -- An answer to somebody else's request, or one from before a restart, changes nothing here.
  if not LastAsked or LastAsked.id ~= id then return end
  local words = Member(ack, "text", "string")
  SetText("RequestText", Clip(Kinds[LastAsked.kind] .. " " .. result .. (words and words ~= "" and ": " .. words or "")))
  DebugPrint("Requests", "answer " .. Clip(text))
  if result == "failed" then Log.Error("Disaster Recovery: " .. Clip(Controls.RequestText.String)) end
  return LastAsked.kind, result, words
end

-- At start: what was latched before is old. Yesterday's restore must not fire today.
local function ExpireAtStart()
  if Controls.RequestJson.String ~= "" then
    SetText("RequestText", "A request from before the restart has expired and was not sent")
    SetText("RequestJson", "")
  end
end
