-- The Core's script modules, as far as plugins and scripts here use them.
-- Runs before the script; `host` comes from Rust. Returns the functions the host calls.
local host = ...
local rawtime, rawdate, rawclock, rawdiff = os.time, os.date, os.clock, os.difftime
local pairs, ipairs, type, error, setmetatable, tostring, select, pcall =
  pairs, ipairs, type, error, setmetatable, tostring, select, pcall
local sort, concat, remove = table.sort, table.concat, table.remove
local rawload, rawget = load, rawget

-- A table that gives its members, refuses writes and hides its metatable.
local function sealed(name, members)
  return setmetatable({}, {
    __index = members,
    __newindex = function(_, key) error(name .. "." .. tostring(key) .. " cannot be set", 2) end,
    __pairs = function() return pairs(members) end,
    __metatable = false,
  })
end

-- Timers -----------------------------------------------------------------------------------------
-- Weak keys: a timer that the script holds only in a local is collected and goes quiet, as on a Core.
local timers = setmetatable({}, { __mode = "k" })
local sequence = 0
local timerMethods = {}

local function timerOf(self)
  local data = timers[self]
  if not data then error("not a timer", 3) end
  return data
end
function timerMethods:Start(seconds)
  if type(seconds) ~= "number" then error("Timer:Start needs seconds", 2) end
  local data = timerOf(self)
  sequence = sequence + 1
  -- Nothing on a Core runs faster than its control frame.
  data.interval = seconds > 0.001 and seconds or 0.001
  data.due, data.order = host.now() + data.interval, sequence
end
function timerMethods:Stop() timerOf(self).due = nil end
function timerMethods:IsRunning() return timerOf(self).due ~= nil end

local timerMeta = {
  __index = function(self, key)
    if key == "EventHandler" then return timerOf(self).handler end
    return timerMethods[key]
  end,
  __newindex = function(self, key, value)
    if key ~= "EventHandler" then error("a timer has no '" .. tostring(key) .. "'", 2) end
    if value ~= nil and type(value) ~= "function" then error("EventHandler must be a function", 2) end
    timerOf(self).handler = value
  end,
  __metatable = false,
}

local later = {}
Timer = sealed("Timer", {
  New = function()
    local timer = setmetatable({}, timerMeta)
    timers[timer] = {}
    return timer
  end,
  CallAfter = function(handler, seconds)
    if type(handler) ~= "function" then error("Timer.CallAfter needs a function", 2) end
    if type(seconds) ~= "number" then error("Timer.CallAfter needs seconds", 2) end
    sequence = sequence + 1
    later[#later + 1] = { due = host.now() + seconds, order = sequence, handler = handler }
  end,
  Now = function() return host.now() + 0.0 end,
})

-- Notifications ----------------------------------------------------------------------------------
local subscribers, nextSubscriber, publishing = {}, 0, false
local function publish(name, data)
  for _, s in ipairs(subscribers) do
    if s.name == name then host.defer(function() s.handler(name, data) end) end
  end
end
Notifications = sealed("Notifications", {
  Subscribe = function(name, handler)
    nextSubscriber = nextSubscriber + 1
    subscribers[#subscribers + 1] = { id = nextSubscriber, name = name, handler = function(...)
      publishing = true
      local ok, why = pcall(handler, ...)
      publishing = false
      if not ok then error(why, 0) end
    end }
    return nextSubscriber
  end,
  Unsubscribe = function(id)
    for i, s in ipairs(subscribers) do
      if s.id == id then remove(subscribers, i) return end
    end
  end,
  Publish = function(name, data)
    if publishing then error("Notifications.Publish inside a subscriber; use Timer.CallAfter", 2) end
    if type(data) ~= "table" and type(data) ~= "string" then
      error("Notifications.Publish sends a table or a string", 2)
    end
    publish(name, data)
  end,
})

-- Small modules ----------------------------------------------------------------------------------
Log = sealed("Log", {
  Message = function(text) host.log("message", tostring(text)) end,
  Error = function(text) host.log("error", tostring(text)) end,
})
System = sealed("System", host.system)
Design = sealed("Design", {
  GetStatus = function()
    local copy = {}
    for k, v in pairs(host.design) do copy[k] = v end
    return copy
  end,
  GetInventory = function() return {} end,
})
Crypto = sealed("Crypto", {
  GetRandomBytes = function(count) return host.random(count) end,
  Digest = function(algorithm, data)
    if algorithm ~= "sha256" then error("Crypto.Digest here knows sha256 only", 2) end
    if type(data) ~= "string" then error("Crypto.Digest needs text", 2) end
    return host.sha256(data)
  end,
})
function print(...)
  local parts = {}
  for i = 1, select("#", ...) do parts[i] = tostring((select(i, ...))) end
  host.log("print", concat(parts, "\t"))
end

-- Components and Named Controls ------------------------------------------------------------------
if host.component then
  local known = {}
  Component = sealed("Component", {
    New = function(codeName)
      if type(codeName) ~= "string" then error("Component.New needs a Code Name", 2) end
      if not known[codeName] then known[codeName] = sealed(codeName, host.component(codeName)) end
      return known[codeName]
    end,
    GetComponents = function() return host.components() end,
  })
  local function named(name)
    local control = host.named(name)
    if not control then error("Named Control '" .. tostring(name) .. "' does not exist", 3) end
    return control
  end
  NamedControl = sealed("NamedControl", {
    GetString = function(name) return named(name).String end,
    SetString = function(name, text) named(name).String = text end,
    GetValue = function(name) return named(name).Value end,
    SetValue = function(name, value) named(name).Value = value end,
    GetPosition = function(name) return named(name).Position end,
    SetPosition = function(name, position) named(name).Position = position end,
    Trigger = function(name) named(name):Trigger() end,
  })
end

-- Sandbox ----------------------------------------------------------------------------------------
os = {
  clock = rawclock,
  difftime = rawdiff,
  time = function(t) if t == nil then return host.wall() end return rawtime(t) end,
  date = function(format, t) return rawdate(format or "%c", t or host.wall()) end,
  remove = function(path) return nil, tostring(path) .. ": no such file" end,
}
io = {
  open = function(path)
    path = tostring(path)
    if path:find("..", 1, true) or not (path:find("^media/") or path:find("^design/")) then
      return nil, path .. ": only media/ and design/ can be opened"
    end
    return nil, path .. ": no such file"
  end,
}
function load(chunk, name, _, environment)
  if environment == nil then environment = _G end
  return rawload(chunk, name, "t", environment)
end
dofile, loadfile, debug, package = nil, nil, nil, nil
string.dump = nil
function require(name)
  local module = host.modules[name]
  if module == nil then error("module '" .. tostring(name) .. "' not found", 2) end
  return module
end

-- What the host calls ----------------------------------------------------------------------------
-- The next timer or deferred call that is due, or nil. One at a time, so that each has its own budget.
local function nextDue()
  local now, best, bestTimer, bestLater = host.now()
  local function earlier(entry)
    return not best or entry.due < best.due or (entry.due == best.due and entry.order < best.order)
  end
  for timer, data in pairs(timers) do
    if data.due and data.due <= now and earlier(data) then best, bestTimer = data, timer end
  end
  for i, entry in ipairs(later) do
    if entry.due <= now and earlier(entry) then best, bestTimer, bestLater = entry, nil, i end
  end
  if not best then return nil end
  if bestTimer then
    -- A late tick is not made up for.
    best.due = best.due + best.interval
    if best.due <= now then best.due = now + best.interval end
    sequence = sequence + 1
    best.order = sequence
    local handler = best.handler
    return function() if handler then handler(bestTimer) end end
  end
  remove(later, bestLater)
  return best.handler
end

-- Reading a global nobody set gives nil, as on a Core, and is noted so that tests can find typos.
setmetatable(_G, {
  __index = function(_, key) host.undefined(tostring(key)) return nil end,
  __metatable = false,
})
return nextDue
