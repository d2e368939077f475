//! A plugin's panel as data: what `GetControlLayout` asks for, ready to be drawn, and the live state behind it.

mod document;
mod view;

mod act;
mod picture;

pub use act::{PanelAct, PanelActError, act_on_panel};
pub use document::{Panel, PanelControl, PanelIcon, PanelObject, PanelPage};
pub use picture::page_picture;
pub use view::PanelView;
