//! The picker of a technician for a task: typed words narrow it; each line says what speaks for and against.

use crate::action::Action;
use crate::app::{Cx, Slot};
use crate::effect::Effect;
use crate::look::{Look, Tone};
use crate::msg::Notice;
use crate::overlay::{Scroll, Typed};
use crate::panes::kit::placeholder;
use crate::widgets::{TextInput, centred, framed, line, put, technician_badge, width};
use noctule_domain::task::Task;
use noctule_domain::technician::{Technician, TechnicianStatus};
use noctule_domain::{TaskId, TechnicianId, geo::LatLng};
use ratatui::Frame;
use ratatui::layout::Rect;

#[derive(Debug)]
pub struct Assign {
    task: TaskId,
    version: i64,
    title: String,
    at: Option<LatLng>,
    now: Option<TechnicianId>,
    input: TextInput,
    scroll: Scroll,
    pub technicians: Slot<Vec<Technician>>,
}

impl Assign {
    pub fn new(task: &Task) -> Self {
        Self {
            task: task.id,
            version: task.version,
            title: format!("Assign {} {}", task.number, task.title),
            at: task.position,
            now: task.technician,
            input: TextInput::default(),
            scroll: Scroll::default(),
            technicians: Slot::default(),
        }
    }

    /// Who can take it first, then the nearest, then who has the least to do.
    fn rows(&self) -> Vec<(&Technician, Option<f64>)> {
        let words: Vec<String> = self.input.value().split_whitespace().map(str::to_lowercase).collect();
        let mut rows: Vec<_> = self
            .technicians
            .value
            .as_deref()
            .unwrap_or_default()
            .iter()
            .filter(|t| {
                let skills = t.skills.iter().map(|s| s.as_str()).collect::<Vec<_>>().join(" ");
                let all = format!("{} {} {} {} {skills}", t.name, t.employee_id, t.status, t.skill_level).to_lowercase();
                words.iter().all(|word| all.contains(word))
            })
            .map(|t| (t, self.distance(t)))
            .collect();
        rows.sort_by(|(a, near_a), (b, near_b)| {
            let far = |d: &Option<f64>| d.unwrap_or(f64::MAX);
            (self.refused(a).is_some(), a.status, a.open_tasks)
                .cmp(&(self.refused(b).is_some(), b.status, b.open_tasks))
                .then(far(near_a).total_cmp(&far(near_b)))
                .then_with(|| a.name.cmp(&b.name))
        });
        rows
    }

    fn distance(&self, t: &Technician) -> Option<f64> {
        Some(t.fix.as_ref()?.at.distance_m(self.at?) / 1000.0)
    }

    fn refused(&self, t: &Technician) -> Option<&'static str> {
        if self.now == Some(t.id) {
            Some("has it already")
        } else if t.status == TechnicianStatus::Unavailable {
            Some("is unavailable")
        } else {
            None
        }
    }

    /// True while it stays open.
    pub fn action(&mut self, action: Action, cx: &mut Cx<'_>) -> bool {
        match action {
            Action::InputCancel => return false,
            Action::InputAccept => {
                let Some((id, name, refused)) = self.rows().get(self.scroll.selected).map(|(t, _)| (t.id, t.name.clone(), self.refused(t)))
                else {
                    return true;
                };
                if let Some(why) = refused {
                    cx.notice(Notice::info(format!("{name} {why}")));
                    return true;
                }
                cx.effect(Effect::AssignTask { task: self.task, expected_version: self.version, technician: Some(id) });
                return false;
            }
            other => {
                let len = self.rows().len();
                self.scroll.act(other, len, usize::from(cx.env.body.height / 2));
            }
        }
        true
    }

    pub fn typed(&mut self, typed: Typed<'_>) {
        match typed {
            Typed::Key(key) => {
                self.input.key(key);
            }
            Typed::Paste(text) => self.input.paste(text),
        }
        self.scroll.selected = 0;
    }

    /// After an answer.
    pub fn keep(&mut self) {
        self.scroll.selected = self.scroll.selected.min(self.rows().len().saturating_sub(1));
    }

    pub fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look) {
        let rows = self.rows();
        let wide = area.width.saturating_sub(4).min(76);
        let outer = centred(area, wide, (rows.len() as u16).clamp(4, 18) + 4);
        let inner = framed(frame, outer, &self.title, look);
        if inner.height < 3 {
            return;
        }
        self.input.draw(frame, Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), height: 1, ..inner }, "/", look);
        let list = Rect { y: inner.y + 1, height: inner.height - 2, ..inner };
        let buf = frame.buffer_mut();
        if rows.is_empty() {
            placeholder(&self.technicians, "Nobody is called like that.", buf, list, look);
        }
        let top = self.scroll.top(rows.len(), usize::from(list.height));
        let name_width = (list.width / 3).clamp(12, 26);
        for (y, (at, (t, distance))) in (list.y..list.bottom()).zip(rows.iter().enumerate().skip(top)) {
            let refused = self.refused(t);
            let badge = technician_badge(t.status);
            let (text, tone) = if refused.is_some() { (Tone::Muted, Tone::Muted) } else { (Tone::Text, badge.tone) };
            put(buf, list.x + 1, y, name_width, t.name.as_str(), look.style(text), look);
            let x = list.x + name_width + 2;
            let status = format!("{} {:<12}", look.glyph(badge.glyph), badge.word);
            let far = distance.map_or(" ".repeat(10), |km| if km < 10.0 { format!("{km:>5.1} km  ") } else { format!("{km:>5.0} km  ") });
            let load = format!("{} open  ", t.open_tasks);
            let last = refused.map_or(t.skill_level.word(), |why| why);
            let pieces = [
                (status.as_str(), look.style(tone)),
                (far.as_str(), look.style(text)),
                (load.as_str(), look.style(text)),
                (last, look.style(text)),
            ];
            line(buf, x, y, list.right().saturating_sub(x), &pieces, look);
            if at == self.scroll.selected {
                buf.set_style(Rect { y, height: 1, ..list }, look.style(Tone::Selected));
            }
        }
        let help = "Enter assigns   Esc leaves it   type a name, a skill, a status";
        put(buf, inner.x + 1, inner.bottom() - 1, inner.width.saturating_sub(2).min(width(help)), help, look.style(Tone::Muted), look);
    }
}
