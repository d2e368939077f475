-- Which pages there are, and what stands on each.
local Mailbox = { "AgentStateJson", "AckJson", "Heartbeat", "RequestJson" }

local function PageList(props)
  local list = {
    { name = "Status", draw = DrawStatusPage },
    { name = "Restore", draw = DrawRestorePage },
  }
  local setup = props["Show Setup Page"]
  -- A boolean property is seen as true/false and as Yes/No.
  if not setup or (setup.Value ~= false and setup.Value ~= "No") then list[#list + 1] = { name = "Setup", draw = DrawSetupPage } end
  return list
end

function GetPages(props)
  local pages = {}
  for i, page in ipairs(PageList(props)) do pages[i] = { name = page.name } end
  return pages
end

function GetControlLayout(props)
  local page = PageList(props)[props["page_index"].Value]
  if not page then return {}, {} end
  local panel = page.draw(props)
  -- On every page, but hidden: nothing documents whether QRC sees a control without a layout entry.
  panel.hide(Mailbox)
  if page.name ~= "Setup" then panel.hide(SetupReadouts) end
  return panel.layout, panel.graphics
end
