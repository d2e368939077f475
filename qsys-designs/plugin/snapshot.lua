-- Reads the agent's snapshot: gives checked plain data, or why it cannot be read. Touches no control.
local json = require("rapidjson")
local Schema = 1
local MaxMessage = 65536
local MaxPoints = 200

-- A member of the wanted type, else nil: null, missing and mistyped all count as "not told".
local function Member(doc, name, kind)
  if type(doc) ~= "table" then return nil end
  local value = doc[name]
  if value == json.null or type(value) ~= kind then return nil end
  if kind == "number" and (value ~= value or value == math.huge or value == -math.huge) then return nil end
  return value
end

local function DecodeObject(text)
  if #text > MaxMessage then
    return nil, string.format("%d characters, more than %d", #text, MaxMessage)
  end
  local fine, doc, why = pcall(json.decode, text)
  if not fine then return nil, Clip(doc, 80) end
  if type(doc) ~= "table" then return nil, Clip(why or ("not an object but a " .. type(doc)), 80) end
  return doc
end

local function ReadSnapshot(text)
  if text == "" then return nil, nil end
  local doc, why = DecodeObject(text)
  if not doc then return nil, "Bad data from agent: " .. why end
  local schema = Member(doc, "schema", "number")
  if not schema then return nil, "Bad data from agent: no schema number" end
  if schema > Schema then
    return nil, string.format("Agent is newer (schema %s, plugin knows %d): update the plugin", tostring(schema), Schema)
  end
  if schema < Schema then
    return nil, string.format("Agent is older (schema %s, plugin knows %d): update the agent", tostring(schema), Schema)
  end
  local status = Member(doc, "status", "number")
  if status and (status < 0 or status > 5 or status % 1 ~= 0) then status = nil end
  local seen = {
    seq = Member(doc, "seq", "number"),
    status = status,
    text = Member(doc, "text", "string"),
    agent = Member(doc, "agent", "table"),
    core = Member(doc, "core", "table"),
    recording = Member(doc, "recording", "boolean"),
    events = Member(doc, "events", "table"),
    backup = Member(doc, "backup", "table"),
    recoverable = Member(doc, "recoverable", "table"),
    disk = Member(doc, "disk", "table"),
    job = Member(doc, "job", "table"),
    undo = Member(doc, "undo", "table"),
    pinRequired = Member(doc, "pinRequired", "boolean") or false,
    points = {},
  }
  -- Which requests this agent honours; an agent that does not say is asked and may refuse.
  local can = Member(doc, "can", "table")
  if can then
    seen.can = {}
    for _, kind in ipairs(can) do
      if type(kind) == "string" then seen.can[kind] = true end
    end
  end
  for i, point in ipairs(Member(doc, "points", "table") or {}) do
    if i > MaxPoints then break end
    local id = Member(point, "id", "string")
    if id then
      seen.points[#seen.points + 1] = {
        id = id,
        when = Member(point, "when", "string") or "",
        label = Member(point, "label", "string") or "",
      }
    end
  end
  return seen
end

-- "2026-03-01T19:55:02.5Z" -> seconds on a day count of our own; nil if it is no such text.
local function InstantOf(text)
  if type(text) ~= "string" then return nil end
  local year, month, day, hour, minute, second, zone =
    text:match("^(%d%d%d%d)-(%d%d)-(%d%d)[Tt ](%d%d):(%d%d):(%d%d)%.?%d*([Zz+-]?.*)$")
  if not year then return nil end
  local y, m = tonumber(year), tonumber(month)
  if m <= 2 then y, m = y - 1, m + 12 end
  local days = 365 * y + y // 4 - y // 100 + y // 400 + (153 * (m - 3) + 2) // 5 + tonumber(day)
  local offset = 0
  local sign, offsetHours, offsetMinutes = zone:match("^([+-])(%d%d):?(%d%d)$")
  if sign then
    offset = (tonumber(offsetHours) * 60 + tonumber(offsetMinutes)) * 60
    if sign == "-" then offset = -offset end
  end
  return days * 86400 + tonumber(hour) * 3600 + tonumber(minute) * 60 + tonumber(second) - offset
end

-- The recoverable range cut into slots: true where every moment of the slot can be reached.
local function RangeBar(recoverable, slots)
  local bar = {}
  for i = 1, slots do bar[i] = false end
  local from = InstantOf(Member(recoverable, "from", "string"))
  local to = InstantOf(Member(recoverable, "to", "string"))
  if not from or not to or to < from then return bar end
  for i = 1, slots do bar[i] = true end
  local span = math.max(to - from, 1)
  for _, gap in ipairs(Member(recoverable, "gaps", "table") or {}) do
    local holeFrom, holeTo = InstantOf(Member(gap, "from", "string")), InstantOf(Member(gap, "to", "string"))
    if holeFrom and holeTo and holeTo >= from and holeFrom <= to then
      local first = math.max(1, math.floor((holeFrom - from) / span * slots) + 1)
      local last = math.min(slots, math.floor((holeTo - from) / span * slots) + 1)
      for i = first, last do bar[i] = false end
    end
  end
  return bar
end
