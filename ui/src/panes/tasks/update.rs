//! Updates of the Tasks pane.

use super::{State, Tell};
use crate::action::{Action, Context};
use crate::app::{Cx, Dx, Taken};
use crate::panes::Pane;
use crate::query::{Query, Reply, RequestId};
use ratatui::Frame;
use ratatui::layout::Rect;

impl Pane for State {
    type Tell = Tell;

    fn contexts(&self) -> &'static [Context] {
        &[Context::Tasks, Context::List]
    }

    fn shown(&mut self, cx: &mut Cx<'_>) {
        self.data.refresh(cx, Query::Tasks);
    }

    fn reply(&mut self, id: RequestId, reply: Reply, cx: &mut Cx<'_>) -> bool {
        let taken = self.data.take(id, reply, cx.env.now, |reply| match reply {
            Reply::Tasks(v) => Some(v),
            _ => None,
        });
        if taken == Taken::Again {
            self.data.ask(cx, Query::Tasks);
        }
        self.list.keep(self.rows().len(), usize::from(cx.env.body.height));
        taken != Taken::NotMine
    }

    fn action(&mut self, action: Action, cx: &mut Cx<'_>) -> bool {
        let len = self.rows().len();
        self.list.act(action, len, usize::from(cx.env.body.height))
    }

    fn view(&self, dx: &Dx<'_>, area: Rect, frame: &mut Frame<'_>) {
        super::view::draw(self, dx, area, frame);
    }
}
