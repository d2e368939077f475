-- Restore: choose, look, arm, confirm. The way back (Cancel) is the largest target.
local function DrawRestorePage()
  local panel = NewPanel("Restore the record")
  panel.box(16, 24, 440, 388, "1  Choose a backup, or type a moment")
  panel.field("RestorePoint", 28, 48, 416, 270, "Restore~Point", "ListBox", 16)
  panel.label(28, 322, 416, 28, "Moment, local time of the agent: 2026-03-01 19:55:00")
  panel.field("RestoreMoment", 28, 352, 416, 48, "Restore~Moment", "Text", 18)

  panel.box(472, 24, 472, 200, "2  What it will do")
  panel.readout("RestoreTarget", 484, 46, 448, 44, "Restore~Target", 20, { IsBold = true })
  panel.readout("RestorePreview", 484, 92, 448, 76, "Restore~Preview", 15, { VTextAlign = "Top" })
  panel.button("PreviewRestore", 484, 170, 220, 46, "Restore~Preview Now", "What would change?")

  panel.box(472, 232, 472, 180, "3  Arm, then confirm")
  panel.label(484, 254, 60, 48, "PIN", 16)
  panel.field("Pin", 544, 254, 140, 48, "Restore~PIN", "Text", 18)
  panel.readout("PinText", 692, 254, 240, 48, "Restore~PIN State", 14)
  panel.led("RestoreArmed", 484, 318, 24, 72, "Restore~Armed", { 190, 90, 20 })
  panel.button("ArmRestore", 516, 310, 122, 88, "Restore~Arm", "Arm restore")
  panel.button("ArmUndo", 646, 310, 98, 88, "Restore~Arm Undo", "Arm undo")
  panel.button("ConfirmRestore", 752, 310, 180, 88, "Restore~Confirm", "Not armed", "Trigger", Grave)

  panel.label(16, 418, 440, 20, "Last press")
  panel.readout("RequestText", 16, 438, 440, 36, "Request~Answer", 15)
  panel.readout("JobText", 16, 474, 440, 34, "Request~Job", 18, { IsBold = true })
  panel.label(472, 418, 220, 20, "Last restore or undo")
  panel.readout("RestoreResult", 472, 438, 220, 70, "Restore~Last Result", 15, { IsBold = true, VTextAlign = "Top" })
  panel.button("CancelRestore", 700, 420, 244, 88, "Restore~Cancel", "Cancel")
  return panel
end
