-- Status: one sentence to read from two metres, then what it rests on, then the two presses.
local function DrawStatusPage()
  local panel = NewPanel("Disaster Recovery")
  panel.readout("Status", 16, 22, 928, 36, "Status~Overall", 16,
    { TextBoxStyle = "Normal", HTextAlign = "Center", IsBold = true, ClassName = "dr-status" })
  panel.readout("StatusText", 16, 62, 928, 74, "Status~Sentence", 28, { HTextAlign = "Center", IsBold = true })

  panel.box(16, 140, 456, 206, "Recording")
  panel.row("AgentText", 28, 162, 400, "Agent", "Status~Agent")
  panel.led("AgentOnline", 436, 165, 24, 24, "Status~Agent Online")
  panel.row("CoreText", 28, 192, 432, "Core", "Status~Core")
  panel.row("RecordingText", 28, 222, 400, "Recording", "Status~Recording State")
  panel.led("Recording", 436, 225, 24, 24, "Status~Recording")
  panel.row("EventsRate", 28, 252, 432, "Changes", "Status~Changes per Second")
  panel.row("EventsTotal", 28, 282, 432, "Stored", "Status~Events Stored")
  panel.row("GapsText", 28, 312, 432, "Gaps", "Status~Gaps")

  panel.box(488, 140, 456, 206, "Backup")
  panel.row("LastBackup", 500, 162, 400, "Last", "Backup~Last")
  panel.led("BackupOk", 908, 165, 24, 24, "Backup~OK")
  panel.row("BackupAge", 500, 192, 432, "Age", "Backup~Age")
  panel.row("NextBackup", 500, 222, 432, "Next", "Backup~Next")
  panel.row("LastVerified", 500, 252, 432, "Proved", "Backup~Last Proved Restorable")
  panel.row("BackupCount", 500, 282, 432, "Kept", "Backup~Count")
  panel.row("DiskText", 500, 312, 432, "Disk", "Backup~Disk")

  panel.box(16, 354, 928, 70, "Recoverable: every moment that a restore can reach (empty squares are holes)")
  local width = 38
  for slot = 1, RangeSlots do
    panel.led("RangeSlot" .. slot, 28 + (slot - 1) * width, 376, width - 4, 18, "Range~" .. slot)
  end
  panel.readout("RecoverableFrom", 28, 396, 440, 24, "Range~From", 14)
  panel.readout("RecoverableTo", 492, 396, 440, 24, "Range~To", 14, { HTextAlign = "Right" })

  panel.button("BackupNow", 16, 436, 200, 68, "Backup~Backup Now", "Backup now")
  panel.button("VerifyNow", 228, 436, 200, 68, "Backup~Verify Now", "Verify now")
  panel.readout("RequestText", 440, 436, 400, 34, "Request~Answer", 16)
  panel.readout("JobText", 440, 470, 400, 34, "Request~Job", 16)
  panel.led("RecoveryRunning", 908, 458, 24, 24, "Request~Recovery Running")
  panel.label(840, 458, 64, 24, "Running", 14, "Right")
  return panel
end
