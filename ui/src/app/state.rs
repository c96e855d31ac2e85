//! The state of the screens.

use super::{AppConfig, Areas, Bulks, Cx, Env, Notices, Place, Presence, Previewing, Progress, Requests, Wish, areas, jobs, notices};
use crate::action::{Action, Context, Weight};
use crate::effect::{Effect, Preferences};
use crate::look::Look;
use crate::msg::JobBrief;
use crate::msg::Upstream;
use crate::overlay::Overlay;
use crate::panes::{self, PaneId, Panes};
use crokey::KeyCombination;
use noctule_domain::filter::Vocabulary;
use noctule_domain::permission::{Permission, Role};
use noctule_domain::{SafeText, Timestamp, sentence};
use ratatui::layout::Rect;

/// Everything that the screens know.
pub struct App {
    pub(crate) config: AppConfig,
    pub(crate) look: Look,
    pub(crate) now: Timestamp,
    /// When this console began.
    pub(crate) began: Timestamp,
    pub(crate) preferences: Preferences,
    pub(crate) vocabulary: Vocabulary,
    pub(crate) vocabulary_asked: Option<crate::query::RequestId>,
    pub(crate) requests: Requests,
    pub(crate) notices: Notices,
    pub(crate) upstreams: Vec<Upstream>,
    pub(crate) running: u64,
    pub(crate) waiting: u64,
    /// How the sync stands; `None` where no centre is configured, and before the first word of it.
    pub(crate) sync: Option<noctule_domain::sync::SyncStatus>,
    pub(crate) progress: Progress,
    /// The running check for drift, and how many critical findings stand.
    pub(crate) drift: Option<noctule_domain::drift::CheckProgress>,
    pub(crate) drift_critical: u64,
    pub(crate) presence: Presence,
    pub(crate) bulks: Bulks,
    /// Jobs over many subscribers, newest first.
    pub(crate) jobs: Vec<JobBrief>,
    /// What was asked about a job last, while it is not answered.
    pub(crate) previewing: Option<Previewing>,
    pub(crate) pane: PaneId,
    pub(crate) panes: Panes,
    pub(crate) overlays: Vec<Overlay>,
    /// Keys of an unfinished sequence.
    pub(crate) pending: Vec<KeyCombination>,
    pub(crate) history: Vec<Place>,
    pub(crate) forward: Vec<Place>,
    pub(crate) mouse: bool,
    pub(crate) focused: bool,
    pub(crate) dirty: bool,
}

impl App {
    pub fn new(config: AppConfig) -> Self {
        let preferences = config.preferences.clone();
        let theme = preferences.theme.clone().unwrap_or_else(|| config.theme.clone());
        let ascii = preferences.ascii.unwrap_or(config.ascii) || config.ascii;
        Self {
            look: Look::new(&theme, config.depth, ascii),
            now: config.now,
            began: config.now,
            mouse: preferences.mouse,
            panes: Panes::new(&preferences),
            preferences,
            vocabulary: Vocabulary::default(),
            vocabulary_asked: None,
            requests: Requests::default(),
            notices: Notices::default(),
            upstreams: Vec::new(),
            running: 0,
            waiting: 0,
            sync: None,
            progress: Progress::default(),
            drift: None,
            drift_critical: 0,
            presence: Presence::default(),
            bulks: Bulks::default(),
            jobs: Vec::new(),
            previewing: None,
            pane: PaneId::Overview,
            overlays: Vec::new(),
            pending: Vec::new(),
            history: Vec::new(),
            forward: Vec::new(),
            focused: true,
            dirty: true,
            config,
        }
    }

    /// What to ask for before the first frame has anything to show. Call once, after `new`.
    pub fn start(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.ask_vocabulary(&mut effects);
        if self.mouse {
            effects.push(Effect::SetMouse(true));
        }
        self.with_pane(&mut effects, panes::shown);
        effects
    }

    /// True once after each change of what is shown. The loop draws when it is, and never otherwise.
    pub fn take_dirty(&mut self) -> bool {
        std::mem::take(&mut self.dirty)
    }

    pub fn dirty(&self) -> bool {
        self.dirty
    }

    pub fn look(&self) -> &Look {
        &self.look
    }

    pub fn pane(&self) -> PaneId {
        self.pane
    }

    pub fn preferences(&self) -> &Preferences {
        &self.preferences
    }

    /// What the operator may do: with a centre it is the centre that says so, once it did.
    pub(crate) fn role(&self) -> Role {
        self.sync.as_ref().filter(|_| self.config.central).and_then(|status| status.role).unwrap_or(self.config.role)
    }

    pub(crate) fn screen(&self) -> Rect {
        Rect { x: 0, y: 0, width: self.config.size.0, height: self.config.size.1 }
    }

    pub(crate) fn areas(&self) -> Areas {
        areas(self.screen())
    }

    pub(crate) fn env(&self) -> Env<'_> {
        Env {
            now: self.now,
            zone: self.config.zone,
            role: self.role(),
            actor: &self.config.actor,
            read_only: self.config.read_only.as_ref(),
            body: self.areas().body,
            vocabulary: &self.vocabulary,
            preferences: &self.preferences,
            keymap: &self.config.keymap,
            central: self.config.central,
            sync: self.sync.as_ref(),
            progress: &self.progress,
            jobs: &self.jobs,
            drift: self.drift.as_ref(),
        }
    }

    /// Runs `f` on the present pane, then grants what it wished.
    pub(crate) fn with_pane<R>(&mut self, effects: &mut Vec<Effect>, f: impl FnOnce(&mut Panes, PaneId, &mut Cx<'_>) -> R) -> R {
        self.with(self.pane, effects, f)
    }

    pub(crate) fn with<R>(&mut self, pane: PaneId, effects: &mut Vec<Effect>, f: impl FnOnce(&mut Panes, PaneId, &mut Cx<'_>) -> R) -> R {
        let mut wishes = Vec::new();
        let env = Env {
            now: self.now,
            zone: self.config.zone,
            role: self.role(),
            actor: &self.config.actor,
            read_only: self.config.read_only.as_ref(),
            body: areas(Rect { x: 0, y: 0, width: self.config.size.0, height: self.config.size.1 }).body,
            vocabulary: &self.vocabulary,
            preferences: &self.preferences,
            keymap: &self.config.keymap,
            central: self.config.central,
            sync: self.sync.as_ref(),
            progress: &self.progress,
            jobs: &self.jobs,
            drift: self.drift.as_ref(),
        };
        let mut cx = Cx { env, pane, requests: &mut self.requests, effects, wishes: &mut wishes };
        let result = f(&mut self.panes, pane, &mut cx);
        for wish in wishes {
            self.grant(wish, effects);
        }
        result
    }

    fn grant(&mut self, wish: Wish, effects: &mut Vec<Effect>) {
        self.dirty = true;
        match wish {
            Wish::Go { pane, locate } => self.go(Place { pane, locate }, effects),
            Wish::Overlay(overlay) => self.overlays.push(*overlay),
            Wish::Notice(notice) => self.notices.say(notice, self.now),
            Wish::Preview(asked) => jobs::ask(self, *asked, effects),
            Wish::Prefer(preferences) => {
                if *preferences != self.preferences {
                    self.preferences = *preferences;
                    effects.push(Effect::SavePreferences(self.preferences.clone()));
                }
            }
        }
    }

    /// Contexts of the pane below any overlay, innermost first, with `global` last.
    pub(crate) fn pane_contexts(&self) -> Vec<Context> {
        let mut contexts = panes::contexts(&self.panes, self.pane).to_vec();
        if !contexts.contains(&Context::Input) {
            contexts.push(Context::Global);
        }
        contexts
    }

    /// Contexts in which the next key is read.
    pub(crate) fn contexts(&self) -> Vec<Context> {
        self.overlays.last().map_or_else(|| self.pane_contexts(), |top| vec![top.context()])
    }

    /// Why an action is not possible now; `None` when it is.
    pub fn greyed(&self, action: Action) -> Option<String> {
        let row = action.row();
        // Who may change every task may change their own.
        let role = self.role();
        let own = row.needs == Permission::OwnWrite && role.allows(Permission::FieldWrite);
        if !own && !role.allows(row.needs) {
            return Some(sentence::greyed(&noctule_domain::lifecycle::Refusal::NotPermitted { role, needs: row.needs }));
        }
        if row.weight != Weight::Safe
            && let Some(reason) = &self.config.read_only
        {
            return Some(format!("read-only: {reason}"));
        }
        match action {
            Action::HistoryBack if self.history.is_empty() => Some("nothing before this".to_owned()),
            Action::HistoryForward if self.forward.is_empty() => Some("nothing after this".to_owned()),
            Action::SyncNow if !self.config.central => Some("no centre is configured: this machine works alone".to_owned()),
            _ => panes::greyed(&self.panes, self.pane, action, &self.env()),
        }
    }

    /// Text of the read-only reason, if there is one.
    pub(crate) fn read_only(&self) -> Option<&SafeText> {
        self.config.read_only.as_ref()
    }

    pub(crate) fn notices(&self) -> &notices::Notices {
        &self.notices
    }
}
