//! Updates of the Log pane.

use super::state::LEVELS;
use super::{State, Tell};
use crate::action::{Action, Context};
use crate::app::{Cx, Dx, Env};
use crate::msg::{Mouse, MouseKind};
use crate::panes::Pane;
use crate::query::{Reply, RequestId};
use ratatui::Frame;
use ratatui::layout::Rect;
use tui_logger::TuiWidgetEvent;

impl State {
    fn back_in_time(&mut self) {
        self.following = false;
        self.widget.transition(TuiWidgetEvent::PrevPageKey);
    }

    fn forward_in_time(&mut self) {
        self.widget.transition(TuiWidgetEvent::NextPageKey);
    }

    fn follow(&mut self) -> bool {
        self.widget.transition(TuiWidgetEvent::EscapeKey);
        !std::mem::replace(&mut self.following, true)
    }
}

impl Pane for State {
    type Tell = Tell;

    fn contexts(&self) -> &'static [Context] {
        &[Context::Log]
    }

    fn shown(&mut self, _cx: &mut Cx<'_>) {}

    fn reply(&mut self, _id: RequestId, _reply: Reply, _cx: &mut Cx<'_>) -> bool {
        false
    }

    fn action(&mut self, action: Action, _cx: &mut Cx<'_>) -> bool {
        match action {
            // The widget knows pages alone: half a screen each.
            Action::Up | Action::PageUp => self.back_in_time(),
            Action::Down | Action::PageDown => self.forward_in_time(),
            Action::LogLess => self.set_level(self.level.saturating_sub(1)),
            Action::LogMore => self.set_level(self.level + 1),
            Action::LogFollow | Action::Bottom => {
                self.follow();
            }
            _ => return false,
        }
        true
    }

    fn greyed(&self, action: Action, _env: &Env<'_>) -> Option<String> {
        match action {
            Action::LogLess if self.level == 0 => Some("errors are always shown".to_owned()),
            Action::LogMore if self.level + 1 == LEVELS.len() => Some("everything is shown".to_owned()),
            Action::Top | Action::Left | Action::Right => Some("up and down go through the log".to_owned()),
            Action::Down | Action::PageDown if self.following => Some("this is the newest line".to_owned()),
            _ => None,
        }
    }

    fn mouse(&mut self, mouse: Mouse, _cx: &mut Cx<'_>) {
        match mouse.kind {
            MouseKind::ScrollUp => self.back_in_time(),
            MouseKind::ScrollDown => self.forward_in_time(),
            _ => {}
        }
    }

    fn back(&mut self, _cx: &mut Cx<'_>) -> bool {
        self.follow()
    }

    fn view(&self, dx: &Dx<'_>, area: Rect, frame: &mut Frame<'_>) {
        super::view::draw(self, dx, area, frame);
    }
}
