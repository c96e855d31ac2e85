//! Updates of the Log pane.

use super::{State, Tell};
use crate::action::{Action, Context};
use crate::app::{Cx, Dx};
use crate::panes::Pane;
use crate::query::{Reply, RequestId};
use ratatui::Frame;
use ratatui::layout::Rect;
use tui_logger::TuiWidgetEvent;

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
        let event = match action {
            Action::Up => TuiWidgetEvent::UpKey,
            Action::Down => TuiWidgetEvent::DownKey,
            Action::Left => TuiWidgetEvent::LeftKey,
            Action::Right => TuiWidgetEvent::RightKey,
            Action::PageUp => TuiWidgetEvent::PrevPageKey,
            Action::PageDown => TuiWidgetEvent::NextPageKey,
            Action::LogLess => TuiWidgetEvent::MinusKey,
            Action::LogMore => TuiWidgetEvent::PlusKey,
            Action::LogFollow | Action::Bottom => TuiWidgetEvent::EscapeKey,
            _ => return false,
        };
        self.widget.transition(event);
        true
    }

    fn view(&self, dx: &Dx<'_>, area: Rect, frame: &mut Frame<'_>) {
        super::view::draw(self, dx, area, frame);
    }
}
