//! Technicians and tasks.

use crate::support::*;
use chrono::Duration;
use noctule_domain::geo::{Fix, LatLng};
use noctule_domain::permission::Role;
use noctule_domain::task::{Priority, TaskRefusal, TaskStatus, TaskType};
use noctule_domain::technician::{SkillLevel, TechnicianStatus};
use noctule_domain::{TaskId, Timestamp};
use noctule_storage::{NewTask, NewTechnician, Store, StoreError};

fn technician(employee_id: &str) -> NewTechnician {
    NewTechnician {
        id: None,
        employee_id: employee_id.into(),
        name: format!("Tech {employee_id}").into(),
        email: None,
        phone: None,
        mobile: None,
        status: TechnicianStatus::Available,
        skill_level: SkillLevel::Senior,
        home_base: LatLng::new(48.2, 16.4),
        fix: None,
        team: None,
        skills: vec!["splicing".into()],
        time_zone: "Europe/Vienna".into(),
        work_from_min: 480,
        work_to_min: 1020,
        on_call: false,
        available_for_emergency: true,
        rating: Some(4.5),
        completion_rate: Some(0.9),
    }
}

fn task(number: &str, depends_on: &[&str]) -> NewTask {
    NewTask {
        id: None,
        number: number.into(),
        title: format!("Task {number}").into(),
        task_type: TaskType::Splicing,
        status: TaskStatus::Pending,
        priority: Priority::Normal,
        subscriber_number: None,
        technician: None,
        address: None,
        position: None,
        scheduled_at: Some(start()),
        estimate_min: Some(60),
        sla_due_at: Some(start() - Duration::minutes(5)),
        depends_on: depends_on.iter().map(|d| (*d).into()).collect(),
        notes: None,
        blocked_reason: None,
        started_at: None,
        ended_at: None,
    }
}

async fn made() -> (Place, Store) {
    let place = Place::new();
    let store = place.open();
    let mut importer = store.importer().await.unwrap();
    assert_eq!(importer.push_technicians(vec![technician("E1"), technician("E2")]).await.unwrap(), []);
    let tasks = vec![task("T1", &[]), task("T2", &["T1"]), task("T3", &["T9"])];
    let errors = importer.push_tasks(tasks).await.unwrap();
    assert_eq!(errors.len(), 1);
    assert!(errors[0].words.as_str().contains("T9"));
    importer.commit(entry("import-tasks")).await.unwrap();
    (place, store)
}

async fn id_of(store: &Store, number: &str) -> TaskId {
    store.tasks().await.unwrap().into_iter().find(|t| t.number.as_str() == number).unwrap().id
}

#[tokio::test]
async fn a_task_goes_its_guarded_way_and_frees_the_next() {
    let (_place, store) = made().await;
    let (first, second) = (id_of(&store, "T1").await, id_of(&store, "T2").await);
    let boss = || actor(Role::Dispatcher);
    let set = |id, to, reason: Option<&'static str>| store.task_set_status(id, to, None, reason.map(Into::into), boss());
    assert!(matches!(set(second, TaskStatus::Ready, None).await, Err(StoreError::Task(TaskRefusal::DependenciesOpen { open: 1 }))));
    assert!(matches!(set(first, TaskStatus::Completed, None).await, Err(StoreError::Task(TaskRefusal::Transition { .. }))));
    assert!(matches!(set(first, TaskStatus::Blocked, None).await, Err(StoreError::Task(TaskRefusal::NoReason))));
    let tech = store.technicians().await.unwrap()[0].id;
    let assigned = store.task_assign(first, Some(tech), Some(1), boss()).await.unwrap();
    assert_eq!((assigned.status, assigned.technician), (TaskStatus::Assigned, Some(tech)));
    let stale = store.task_set_status(first, TaskStatus::InProgress, Some(1), None, boss()).await;
    assert!(matches!(stale, Err(StoreError::StaleVersion { expected: 1, found: 2 })));
    let viewer = store.task_set_status(first, TaskStatus::InProgress, None, None, actor(Role::Viewer)).await;
    assert!(matches!(viewer, Err(StoreError::Refused(_))));
    assert_eq!(set(first, TaskStatus::InProgress, None).await.unwrap().started_at, Some(start()));
    let busy = store.technician(tech).await.unwrap().unwrap();
    assert_eq!((busy.open_tasks, busy.current_task.unwrap().as_str()), (1, "T1 Task T1"));
    assert!(matches!(store.task_assign(first, None, None, boss()).await, Err(StoreError::Task(TaskRefusal::NoTechnician { .. }))));
    assert_eq!(set(first, TaskStatus::Completed, None).await.unwrap().ended_at, Some(start()));
    let tasks = store.tasks().await.unwrap();
    assert_eq!((tasks[0].id, tasks[0].status, tasks[0].depends_on.as_slice()), (second, TaskStatus::Ready, [first].as_slice()));
    let overview = store.overview(start()).await.unwrap();
    assert_eq!((overview.tasks_overdue, overview.tasks_today), (1, 2));
    let actions: Vec<_> = store.audit_page(0, 99).await.unwrap().into_iter().map(|r| r.entry.action).collect();
    assert_eq!(actions[1..], ["task-assign", "task-status", "task-status"]);
}

#[tokio::test]
async fn dependencies_in_a_circle_are_refused() {
    let (_place, store) = made().await;
    let mut importer = store.importer().await.unwrap();
    let errors = importer.push_tasks(vec![task("T1", &["T2"]), task("T2", &["T2"])]).await.unwrap();
    assert_eq!(errors.len(), 2);
    importer.commit(entry("import-tasks")).await.unwrap();
    let tasks = store.tasks().await.unwrap();
    assert_eq!(tasks.iter().map(|t| t.depends_on.len()).collect::<Vec<_>>(), [0, 1], "as they were");
}

#[tokio::test]
async fn a_late_position_never_moves_anyone_backwards() {
    let (_place, store) = made().await;
    let id = store.technicians().await.unwrap()[0].id;
    let fix = |lat: f64, at: Timestamp| Fix {
        at: LatLng { lat, lng: 16.0 },
        accuracy_m: Some(5.0),
        speed_kmh: None,
        heading_deg: None,
        device_time: at,
    };
    assert!(store.technician_fix(id, fix(48.0, start())).await.unwrap());
    assert!(!store.technician_fix(id, fix(47.0, start() - Duration::seconds(1))).await.unwrap());
    assert!(!store.technician_fix(id, fix(46.0, start())).await.unwrap(), "the same report twice");
    assert_eq!(store.technician(id).await.unwrap().unwrap().fix, Some(fix(48.0, start())));
    assert!(store.technician_fix(id, fix(91.0, start() + Duration::seconds(1))).await.is_err());
    let nobody = store.technician_fix(noctule_domain::TechnicianId(uuid::Uuid::nil()), fix(1.0, start())).await;
    assert!(matches!(nobody, Err(StoreError::NotFound { .. })));
}

#[tokio::test]
async fn notes_time_and_presence_are_written_with_their_audit_record() {
    use noctule_domain::time_entry::TimeEntryKind;
    let (place, store) = made().await;
    let (task, technician) = (id_of(&store, "T1").await, store.technicians().await.unwrap()[0].id);
    fill(&store, vec![pending(1)]).await;
    let subscriber = named(&store, "S00001").await.id;

    let noted = store.task_set_notes(task, None, Some("gate code\u{240a}12".into()), actor(Role::Dispatcher)).await.unwrap();
    assert_eq!((noted.notes.as_ref().unwrap().as_str(), noted.version), ("gate code\u{240a}12", 2));
    let raw: String = place.raw().query_row("SELECT notes FROM tasks WHERE version = 2", [], |row| row.get(0)).unwrap();
    assert_eq!(raw, "gate code\n12");
    let same = store.task_set_notes(task, Some(9), noted.notes.clone(), actor(Role::Dispatcher)).await.unwrap();
    assert_eq!(same.version, 2, "nothing changed, nothing written");
    let stale = store.task_set_notes(task, Some(1), None, actor(Role::Dispatcher)).await;
    assert!(matches!(stale, Err(StoreError::StaleVersion { expected: 1, found: 2 })), "{stale:?}");

    let with = store.subscriber_set_notes(subscriber, Some(1), Some("dog".into()), actor(Role::Noc)).await.unwrap();
    assert_eq!((with.notes.unwrap().as_str(), with.version), ("dog", 2));
    assert!(store.subscriber_set_notes(subscriber, None, None, actor(Role::Technician)).await.is_err());

    store.technician_set_status(technician, TechnicianStatus::OnBreak, actor(Role::Technician)).await.unwrap();
    assert_eq!(store.technician(technician).await.unwrap().unwrap().status, TechnicianStatus::OnBreak);

    let entry = store.clock_in(technician, TimeEntryKind::Regular, Some(task), actor(Role::Technician)).await.unwrap();
    assert_eq!((entry.started_at, entry.ended_at, entry.unsent), (start(), None, false));
    assert_eq!(store.technicians().await.unwrap()[0].clocked_in_at, Some(start()));
    let twice = store.clock_in(technician, TimeEntryKind::Travel, None, actor(Role::Technician)).await;
    assert!(matches!(twice, Err(StoreError::Refused(_))), "{twice:?}");
    place.clock.forward(chrono::Duration::hours(8));
    let ended = store.clock_out(technician, actor(Role::Technician)).await.unwrap();
    assert_eq!((ended.id, ended.ended_at), (entry.id, Some(start() + chrono::Duration::hours(8))));
    assert!(store.clock_out(technician, actor(Role::Technician)).await.is_err());
    assert_eq!(store.time_entries(technician, 5).await.unwrap(), [ended]);
    assert_eq!(store.technician(technician).await.unwrap().unwrap().clocked_in_at, None);
    assert!(store.clock_in(technician, TimeEntryKind::Regular, None, actor(Role::Viewer)).await.is_err());
    let actions: Vec<String> = store.audit_page(0, 100).await.unwrap().into_iter().map(|r| r.entry.action).collect();
    assert_eq!(actions[2..], ["task-notes", "subscriber-notes", "technician-status", "clock-in", "clock-out"]);
    assert!(!store.is_replica() && !store.lead());
    assert!(store.conflicts().await.is_err(), "there is no centre to collide with");
}
