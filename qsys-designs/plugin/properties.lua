-- What is fixed in the design. What people change during operation is a control instead.
function GetProperties()
  return {
    { Name = "Show Setup Page", Type = "boolean", Value = true },
    { Name = "Missed Heartbeats", Type = "integer", Value = 3, Min = 2, Max = 60 },
    { Name = "Request Timeout (s)", Type = "integer", Value = 10, Min = 3, Max = 120 },
    { Name = "Arm Timeout (s)", Type = "integer", Value = 20, Min = 5, Max = 120 },
    { Name = "Debug Print", Type = "enum", Value = "None", Choices = { "None", "Requests", "All" } },
  }
end

function RectifyProperties(props)
  local debug = props.plugin_show_debug
  if props["Debug Print"] then props["Debug Print"].IsHidden = not (debug and debug.Value) end
  return props
end
