-- Text for people. Pure: nothing here touches a control.
local StatusWords = { [0] = "OK", "Compromised", "Fault", "Not Present", "Missing", "Initializing" }
local MaxShown = 200

-- Text made safe to show: one line, bounded.
local function Clip(text, limit)
  text = tostring(text):gsub("[%c]+", " ")
  limit = limit or MaxShown
  if #text <= limit then return text end
  local cut = limit
  -- Do not cut inside a UTF-8 character.
  while cut > 0 and text:byte(cut + 1) and text:byte(cut + 1) >= 0x80 and text:byte(cut + 1) < 0xC0 do
    cut = cut - 1
  end
  return text:sub(1, cut) .. "…"
end

local function AgeText(seconds)
  if seconds < 60 then return "less than a minute" end
  local minutes = seconds // 60
  if minutes < 120 then return string.format("%d min", minutes // 1) end
  local hours = minutes // 60
  if hours < 48 then return string.format("%d h %d min", hours // 1, (minutes % 60) // 1) end
  return string.format("%d days %d h", (hours // 24) // 1, (hours % 24) // 1)
end

-- 1234567 -> "1 234 567"; a space reads the same in every language.
local function CountText(number)
  local text = string.format("%.0f", number)
  local left, digits = text:match("^(-?)(%d+)$")
  if not digits then return text end
  digits = digits:reverse():gsub("(%d%d%d)", "%1 "):reverse():gsub("^ ", "")
  return left .. digits
end

-- "2026-03-02T04:00:00.5Z" -> "2026-03-02 04:00 UTC"; any other text stays as it is.
local function Readable(text)
  local date, time = text:match("^(%d%d%d%d%-%d%d%-%d%d)T(%d%d:%d%d):%d%d%.?%d*Z$")
  return date and date .. " " .. time .. " UTC" or text
end
