//! Copying what is selected. A pane says what it has; what it does not have is greyed with a reason.

use crate::action::Action;
use crate::app::Cx;
use crate::effect::Effect;
use crate::msg::Notice;

/// What can be copied of a row. `None` is greyed.
#[derive(Debug, Clone, Default)]
pub struct Copied {
    pub row: String,
    pub number: Option<String>,
    pub name: Option<String>,
    pub prefix: Option<String>,
    pub id: Option<String>,
    pub json: Option<String>,
    pub ticket: String,
}

impl Copied {
    fn of(&self, action: Action) -> Option<(&'static str, Option<String>)> {
        Some(match action {
            Action::CopyRow => ("row", Some(self.row.clone())),
            Action::CopyNumber => ("number", self.number.clone()),
            Action::CopyName => ("name", self.name.clone()),
            Action::CopyPrefix => ("prefix or address", self.prefix.clone()),
            Action::CopyId => ("id", self.id.clone()),
            Action::CopyJson => ("JSON", self.json.clone()),
            Action::CopyTicket => ("ticket text", Some(self.ticket.clone())),
            _ => return None,
        })
    }

    /// What is copied is made only when it is asked for: a journal as JSON is long.
    pub fn is_copy(action: Action) -> bool {
        Self::default().of(action).is_some()
    }

    /// Why this can not be copied; `None` when it can, or when the action does not copy.
    pub fn greyed(copied: Option<&Self>, action: Action) -> Option<String> {
        match copied {
            None => Self::is_copy(action).then(|| "nothing is selected".to_owned()),
            Some(copied) => copied.of(action).filter(|(_, text)| text.is_none()).map(|(what, _)| format!("this has no {what}")),
        }
    }
}

/// Copies when the action says so. True when it does.
pub fn copy(copied: Option<Copied>, action: Action, cx: &mut Cx<'_>) -> bool {
    let Some((what, Some(text))) = copied.and_then(|c| c.of(action)) else { return false };
    cx.notice(Notice::info(format!("{what} copied: {}", text.lines().next().unwrap_or_default())));
    cx.effect(Effect::Copy(text));
    true
}
