-- Identity. The Id never changes: another Id would be another plugin.
PluginInfo = {
  Name = "Recovery~Disaster Recovery",
  Version = "0.1.0",
  BuildVersion = "0.1.0.0",
  Id = "b8f0a1d6-5c1e-4c57-9d3a-2f6f8e1b7c40",
  Author = "Q-SYS recovery agent",
  Description = "First version: status, backup, verify and restore requests",
  ShowDebug = true,
}

function GetColor(props) return { 31, 78, 96 } end

function GetPrettyName(props) return "Disaster Recovery\nv" .. PluginInfo.Version end
