//! A plugin's panel as data: what `GetControlLayout` asks for, ready to be drawn, and the live state behind it.

mod act;
mod document;
mod picture;
mod view;

pub use act::{PanelAct, PanelActError, act_on_panel};
pub use document::{Panel, PanelControl, PanelIcon, PanelObject, PanelPage};
pub use picture::page_picture;
pub use view::PanelView;
