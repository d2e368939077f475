-- The PIN never travels: the request carries a proof made from it (HMAC-SHA256, as hex), good for that request only.
--
--   pinProof = HMAC-SHA256(key = PIN, message = id \n kind \n pointId or moment or "" \n at)
--
-- HMAC is built on Crypto.Digest, the one call whose arguments Help states; it may give bytes or hex.
local function Sha256(data)
  local digest = Crypto.Digest("sha256", data)
  if #digest == 32 then return digest end
  if #digest == 64 and digest:match("^%x+$") then
    return (digest:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end))
  end
  error("Crypto.Digest gave " .. #digest .. " bytes for sha256")
end

local function Hmac(key, message)
  if #key > 64 then key = Sha256(key) end
  key = key .. string.rep("\0", 64 - #key)
  local function pad(byte)
    return (key:gsub(".", function(c) return string.char(c:byte() ~ byte) end))
  end
  local raw = Sha256(pad(0x5C) .. Sha256(pad(0x36) .. message))
  return (raw:gsub(".", function(c) return string.format("%02x", c:byte()) end))
end

local function PinProof(pin, request)
  local target = request.pointId or request.moment or ""
  return Hmac(pin, table.concat({ request.id, request.kind, target, request.at }, "\n"))
end
