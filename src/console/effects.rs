//! Carrying effects out. Nothing here blocks the loop: each effect is a task of its own, and its outcome comes back as a message.

use super::{changes, jobs, osc, preferences};
use crate::compose::Services;
use futures::FutureExt;
use noctule_domain::SafeText;
use noctule_ui::{Effect, Msg, Notice, Query, Reply, RequestId};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::mpsc;

/// What only the owner of the terminal can do.
pub enum ToTerminal {
    Write(Vec<u8>),
    Mouse(bool),
    Clear,
    Suspend,
    Quit,
}

pub struct Effects {
    services: Arc<Services>,
    to_app: mpsc::Sender<Msg>,
    to_terminal: mpsc::Sender<ToTerminal>,
    preferences_file: Option<PathBuf>,
}

impl Effects {
    pub fn new(
        services: Arc<Services>,
        to_app: mpsc::Sender<Msg>,
        to_terminal: mpsc::Sender<ToTerminal>,
        preferences_file: Option<PathBuf>,
    ) -> Self {
        Self { services, to_app, to_terminal, preferences_file }
    }

    pub fn notice(&self, notice: Notice) {
        let to = self.to_app.clone();
        tokio::spawn(async move {
            let _ = to.send(Msg::Notice(notice)).await;
        });
    }

    pub fn carry_out(&self, effect: Effect) {
        match effect {
            Effect::Ask { id, query } => self.ask(id, query),
            Effect::StartOperations { id, kind, targets, options } => {
                self.reply(async move |services| Some(changes::start(&services, id, kind, targets, options).await));
            }
            Effect::JobWish { job, wish } => self.reply(async move |services| match services.job_wish(job, wish).await {
                Ok(_) => None,
                Err(error) => Some(Msg::Notice(Notice::warning(error.to_string()))),
            }),
            Effect::PreviewJob { course, set } => self.reply(async move |services| Some(jobs::preview(&services, course, set).await)),
            Effect::ShowPreview(job) => self.reply(async move |services| Some(jobs::show_preview(&services, job).await)),
            Effect::DropPreview(job) => self.reply(async move |services| jobs::drop_preview(&services, job).await),
            Effect::AskJobItems { job, group } => self.reply(async move |services| Some(jobs::items(&services, job, group).await)),
            Effect::ExportJob(job) => self.reply(async move |services| Some(Msg::Notice(jobs::export(&services, job).await))),
            Effect::CancelOperation(id) => self.reply(async move |services| {
                let ended = services.executor.cancel(id, services.actor()).await;
                Some(Msg::Notice(match ended {
                    Ok(()) => Notice::info(format!("Operation {} is cancelled.", id.short())),
                    Err(error) => Notice::warning(error.to_string()),
                }))
            }),
            Effect::ResumeOperation(id) => self.reply(async move |services| match services.resume(id).await {
                Ok(_) => Some(Msg::Notice(Notice::info(format!("Operation {}: trying again.", id.short())))),
                Err(error) => Some(Msg::Notice(Notice::warning(error.to_string()))),
            }),
            Effect::SetTaskStatus { task, expected_version, to, reason } => self.reply(async move |services| {
                let set = services.store.task_set_status(task, to, Some(expected_version), reason, services.actor()).await;
                Some(match set {
                    Ok(task) => Msg::Notice(Notice::info(format!("{} is {} now.", task.number, task.status))),
                    Err(error) => Msg::Notice(Notice::warning(error.to_string())),
                })
            }),
            Effect::AssignTask { task, expected_version, technician } => self.reply(async move |services| {
                let set = services.store.task_assign(task, technician, Some(expected_version), services.actor()).await;
                Some(Msg::Notice(match set {
                    Ok(task) => Notice::info(match &task.technician_name {
                        Some(name) => format!("{} is assigned to {name}.", task.number),
                        None => format!("{} has no technician now.", task.number),
                    }),
                    Err(error) => Notice::warning(error.to_string()),
                }))
            }),
            Effect::ProbeNas(id) => {
                let told = self.to_app.clone();
                self.reply(async move |services| {
                    let notice = services.probe_words(id).await;
                    // Where nothing may be written the store tells of no change, and the pane shows the result all the same.
                    let _ = told.send(Msg::Changed).await;
                    Some(Msg::Notice(notice))
                });
            }
            Effect::SetTaskNotes { task, expected_version, notes } => {
                self.reply(async move |services| Some(Msg::Notice(changes::task_notes(&services, task, expected_version, notes).await)));
            }
            Effect::SetSubscriberNotes { subscriber, expected_version, notes } => self.reply(async move |services| {
                Some(Msg::Notice(changes::subscriber_notes(&services, subscriber, expected_version, notes).await))
            }),
            Effect::Clock { technician, to } => {
                self.reply(async move |services| Some(Msg::Notice(changes::clock(&services, technician, to).await)));
            }
            Effect::Emergency { subscriber, purpose } => {
                self.reply(async move |services| Some(Msg::Notice(changes::emergency(&services, subscriber, purpose).await)));
            }
            Effect::Resolve { op, resolution } => {
                self.reply(async move |services| Some(Msg::Notice(changes::resolve(&services, op, resolution).await)));
            }
            Effect::SyncNow => match &self.services.central {
                Some(central) => central.sync_now(),
                None => self.notice(Notice::warning("No centre is configured: there is nothing to sync with.")),
            },
            Effect::LookAt(subscriber) => {
                if let Some(central) = &self.services.central {
                    central.look_at(subscriber);
                }
            }
            Effect::DriftCheck => self.reply(async move |services| Some(Msg::Notice(changes::drift_check(&services).await))),
            Effect::DriftStop => {
                self.services.drift.stop();
            }
            Effect::DriftRepair { keys } => {
                self.reply(async move |services| Some(Msg::Notice(changes::drift_repair(&services, keys).await)));
            }
            Effect::DriftDismiss { key, why } => {
                self.reply(async move |services| Some(Msg::Notice(changes::drift_dismiss(&services, key, why).await)));
            }
            Effect::RefreshPools => self.services.world.ask_now.notify_one(),
            Effect::Copy(text) => match osc::copy(&text, std::env::var_os("TMUX").is_some()) {
                Some(bytes) => self.terminal(ToTerminal::Write(bytes)),
                None => self.notice(Notice::warning("That is too long for a clipboard: export it to a file instead.")),
            },
            Effect::SavePreferences(wanted) => {
                let Some(file) = self.preferences_file.clone() else { return };
                self.reply(async move |_| {
                    let saved = tokio::task::spawn_blocking(move || preferences::save(&file, &wanted)).await;
                    match saved {
                        Ok(Ok(())) => None,
                        Ok(Err(error)) => Some(Msg::Notice(Notice::warning(format!("The preferences could not be saved: {error}")))),
                        Err(_) => None,
                    }
                });
            }
            Effect::SetMouse(on) => self.terminal(ToTerminal::Mouse(on)),
            Effect::Suspend => self.terminal(ToTerminal::Suspend),
            Effect::Redraw => self.terminal(ToTerminal::Clear),
            Effect::Bell => self.terminal(ToTerminal::Write(vec![0x07])),
            Effect::Quit => self.terminal(ToTerminal::Quit),
        }
    }

    fn terminal(&self, job: ToTerminal) {
        // The loop reads this queue itself, so waiting here would wait for ourselves.
        let to = self.to_terminal.clone();
        tokio::spawn(async move {
            let _ = to.send(job).await;
        });
    }

    /// Questions reach the store in the order in which they were asked: of two pages it lets go the one that came first, and tasks are
    /// begun in any order. So each is begun here, which only puts it into the store's queue, and awaited in a task.
    fn ask(&self, id: RequestId, query: Query) {
        let (services, to) = (self.services.clone(), self.to_app.clone());
        let mut work = Box::pin(async move { answer(&services, id, query).await });
        let at_once = work.as_mut().now_or_never();
        tokio::spawn(async move {
            let msg = match at_once {
                Some(msg) => msg,
                None => work.await,
            };
            let _ = to.send(msg).await;
        });
    }

    fn reply<F>(&self, work: impl FnOnce(Arc<Services>) -> F + Send + 'static)
    where
        F: Future<Output = Option<Msg>> + Send + 'static,
    {
        let to = self.to_app.clone();
        let work = work(self.services.clone());
        tokio::spawn(async move {
            if let Some(msg) = work.await {
                let _ = to.send(msg).await;
            }
        });
    }
}

async fn answer(services: &Services, id: RequestId, query: Query) -> Msg {
    let reply = services.answer(query).await.unwrap_or_else(|words| Reply::Failed(SafeText::new(&words)));
    Msg::Reply { id, reply }
}
