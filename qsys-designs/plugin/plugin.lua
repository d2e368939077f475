-- Disaster Recovery for Q-SYS.
-- Shows the state of the recovery agent and takes requests for backup, verify and restore.
-- The agent writes the mailbox controls over QRC; this plugin draws. It holds no files and no secrets.
--[[ #include "info.lua" ]]
--[[ #include "properties.lua" ]]
--[[ #include "controls.lua" ]]
--[[ #include "drawing.lua" ]]
--[[ #include "status_page.lua" ]]
--[[ #include "restore_page.lua" ]]
--[[ #include "setup_page.lua" ]]
--[[ #include "pages.lua" ]]

if Controls then
--[[ #include "words.lua" ]]
--[[ #include "snapshot.lua" ]]
--[[ #include "show.lua" ]]
--[[ #include "request.lua" ]]
--[[ #include "pin.lua" ]]
--[[ #include "restore.lua" ]]
--[[ #include "runtime.lua" ]]
end
