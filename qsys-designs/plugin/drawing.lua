-- A small drawing kit: one palette, one page size, rows and columns instead of scattered numbers.
local PageWidth, PageHeight = 960, 520
-- No button is smaller than this in either direction, so that a finger hits it.
local TouchSize = 44

local Paper = { 245, 246, 248 }
local Ink = { 24, 28, 34 }
local Faint = { 84, 92, 104 }
local Line = { 150, 158, 170 }
local Calm = { 214, 224, 230 }
local Grave = { 250, 226, 214 }
local Good = { 34, 120, 66 }

-- Panel is one page being drawn.
-- Either all objects of a page have a ZOrder or none: graphics count up from 1, controls lie above them at 100.
local function NewPanel(title)
  local panel = { layout = {}, graphics = {}, shown = {} }
  local function add(graphic)
    graphic.ZOrder = #panel.graphics + 1
    panel.graphics[#panel.graphics + 1] = graphic
  end

  function panel.box(x, y, w, h, caption)
    add { Type = "GroupBox", Text = caption or "", Position = { x, y }, Size = { w, h }, Fill = Paper,
          Color = Faint, StrokeColor = Line, StrokeWidth = 1, CornerRadius = 6, HTextAlign = "Left",
          FontSize = 13, IsBold = true }
  end

  function panel.label(x, y, w, h, words, size, align)
    add { Type = "Label", Text = words, Position = { x, y }, Size = { w, h }, Color = Faint,
          FontSize = size or 14, HTextAlign = align or "Left", VTextAlign = "Center" }
  end

  -- Each line is a label of its own: nothing documents that a label breaks lines.
  function panel.lines(x, y, w, list)
    for i, words in ipairs(list) do panel.label(x, y + (i - 1) * 24, w, 24, words) end
  end

  function panel.readout(name, x, y, w, h, pretty, size, more)
    local item = { PrettyName = pretty, Style = "Text", TextBoxStyle = "NoBackground", IsReadOnly = true,
                   Position = { x, y }, Size = { w, h }, FontSize = size or 16, TextColor = Ink,
                   HTextAlign = "Left", VTextAlign = "Center", WordWrap = true, StrokeWidth = 0,
                   ClassName = "dr-readout", ZOrder = 100 }
    for key, value in pairs(more or {}) do item[key] = value end
    panel.layout[name] = item
  end

  function panel.led(name, x, y, w, h, pretty, color)
    panel.layout[name] = { PrettyName = pretty, Style = "Led", Position = { x, y }, Size = { w, h },
                           Color = color or Good, UnlinkOffColor = true, OffColor = Calm,
                           StrokeColor = Faint, StrokeWidth = 1, ClassName = "dr-led", ZOrder = 100 }
  end

  function panel.button(name, x, y, w, h, pretty, legend, kind, color)
    assert(w >= TouchSize and h >= TouchSize, name .. " is too small for a finger")
    panel.layout[name] = { PrettyName = pretty, Style = "Button", ButtonStyle = kind or "Trigger",
                           ButtonVisualStyle = "Flat", Legend = legend, Position = { x, y },
                           Size = { w, h }, FontSize = w < 130 and 15 or 18, IsBold = true, Color = color or Calm,
                           TextColor = Ink, StrokeColor = Ink, StrokeWidth = 2, CornerRadius = 6,
                           ClassName = "dr-button", ZOrder = 100 }
  end

  -- Something to choose from or to type into. Never read-only.
  function panel.field(name, x, y, w, h, pretty, style, size)
    panel.layout[name] = { PrettyName = pretty, Style = style, Position = { x, y }, Size = { w, h },
                           TextBoxStyle = "Normal", FontSize = size, Color = { 255, 255, 255 }, TextColor = Ink,
                           StrokeColor = Ink, StrokeWidth = 1, HTextAlign = "Left", VTextAlign = "Center",
                           Padding = 6, ClassName = "dr-field", ZOrder = 100 }
  end

  -- A readout with its caption before it; the standard row.
  function panel.row(name, x, y, w, caption, pretty)
    panel.label(x, y, 84, 30, caption)
    panel.readout(name, x + 86, y, w - 86, 30, pretty, 15)
  end

  function panel.hide(names)
    for _, name in ipairs(names) do
      panel.layout[name] = { Style = "None", Position = { 0, 0 }, Size = { 16, 16 }, ZOrder = 100 }
    end
  end

  panel.box(0, 0, PageWidth, PageHeight, title)
  return panel
end
