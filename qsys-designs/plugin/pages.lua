-- Which pages there are. Pages for the room's state and for drills join here, between Restore and Setup.
local Mailbox = { "AgentStateJson", "AckJson", "Heartbeat", "RequestJson" }

local function PageList(props)
  return { { name = "Status", draw = DrawStatusPage } }
end

function GetPages(props)
  local pages = {}
  for i, page in ipairs(PageList(props)) do pages[i] = { name = page.name } end
  return pages
end

function GetControlLayout(props)
  local page = PageList(props)[props["page_index"].Value]
  if not page then return {}, {} end
  local panel = page.draw()
  -- On every page, hidden: whether QRC sees a control without any layout entry is not documented.
  panel.hide(Mailbox)
  return panel.layout, panel.graphics
end
