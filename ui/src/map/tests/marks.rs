//! From the domain to marks: status, urgency and age decide sign and severity.

use super::*;
use noctule_domain::{
    TenantId,
    geo::Fix,
    nas::{Nas, NasHealth, NasReach},
    task::{Priority, Task, TaskStatus, TaskType},
    technician::{SkillLevel, Technician, TechnicianStatus},
};

fn technician(status: TechnicianStatus, minutes: i64) -> Technician {
    Technician {
        id: TechnicianId(Uuid::from_u128(1)),
        tenant: TenantId(Uuid::from_u128(9)),
        employee_id: "E-1".into(),
        name: "Aino Virtanen-Lindqvist-Koskinen".into(),
        email: None,
        phone: None,
        mobile: None,
        status,
        skill_level: SkillLevel::Senior,
        home_base: None,
        fix: Some(Fix {
            at: ll(60.2, 24.9),
            accuracy_m: Some(12.0),
            speed_kmh: None,
            heading_deg: None,
            device_time: now() - TimeDelta::minutes(minutes),
        }),
        team: None,
        skills: Vec::new(),
        time_zone: "Europe/Helsinki".into(),
        work_from_min: 480,
        work_to_min: 960,
        on_call: false,
        available_for_emergency: false,
        rating: None,
        completion_rate: None,
        open_tasks: 0,
        current_task: None,
        clocked_in_at: None,
        version: 1,
        updated_at: now(),
    }
}

fn field_task(status: TaskStatus, priority: Priority) -> Task {
    Task {
        id: TaskId(Uuid::from_u128(2)),
        tenant: TenantId(Uuid::from_u128(9)),
        number: "T-1".into(),
        title: "Splice".into(),
        task_type: TaskType::Splicing,
        status,
        priority,
        subscriber: None,
        subscriber_name: None,
        technician: None,
        technician_name: None,
        address: None,
        position: Some(ll(60.0, 24.0)),
        scheduled_at: None,
        estimate_min: None,
        sla_due_at: Some(now() + TimeDelta::hours(1)),
        depends_on: Vec::new(),
        notes: None,
        blocked_reason: None,
        started_at: None,
        ended_at: None,
        version: 1,
        updated_at: now(),
        unsent: false,
    }
}

#[test]
fn the_age_of_a_position_goes_before_the_status() {
    let shown = |status, minutes| Mark::technician(&technician(status, minutes), now()).unwrap().shown().0;
    for (minutes, expected) in [(0, MapGlyph::Available), (3, MapGlyph::Aging), (16, MapGlyph::Stale), (150, MapGlyph::Lost)] {
        assert_eq!(shown(TechnicianStatus::Available, minutes), expected);
    }
    assert_eq!(shown(TechnicianStatus::OnJob, 1), MapGlyph::OnJob);
    assert_eq!(shown(TechnicianStatus::OnJob, 150), MapGlyph::Lost);
    let mark = Mark::technician(&technician(TechnicianStatus::OnJob, 150), now()).unwrap();
    assert_eq!((mark.severity, mark.caption().as_str()), (Severity::Attention, "Aino 2h"));
    let off = Mark::technician(&technician(TechnicianStatus::OffDuty, 150), now()).unwrap();
    assert_eq!(off.severity, Severity::Quiet);
}

#[test]
fn what_has_no_position_has_no_mark() {
    let lost = Technician { fix: None, ..technician(TechnicianStatus::Available, 0) };
    assert_eq!(Mark::technician(&lost, now()), None);
    assert_eq!(Mark::task(&Task { position: None, ..field_task(TaskStatus::Ready, Priority::Low) }, now()), None);
}

#[test]
fn an_overdue_or_emergency_task_is_urgent_until_it_ends() {
    let glyph = |task: &Task, at| Mark::task(task, at).unwrap().glyph;
    let task = field_task(TaskStatus::InProgress, Priority::Normal);
    assert_eq!(glyph(&task, now()), MapGlyph::TaskInProgress);
    assert_eq!(glyph(&task, now() + TimeDelta::hours(2)), MapGlyph::TaskUrgent);
    assert_eq!(glyph(&field_task(TaskStatus::Pending, Priority::Emergency), now()), MapGlyph::TaskUrgent);
    assert_eq!(glyph(&field_task(TaskStatus::Completed, Priority::Emergency), now() + TimeDelta::hours(2)), MapGlyph::TaskEnded);
}

#[test]
fn a_silent_nas_is_a_problem_and_a_disabled_one_is_quiet() {
    let nas = Nas {
        id: NasId(Uuid::from_u128(1)),
        tenant: TenantId(Uuid::from_u128(9)),
        name: "bng-1".into(),
        profile: "generic".to_owned(),
        address: "192.0.2.1:3799".parse().unwrap(),
        nas_ip: None,
        nas_identifier: None,
        secret: "env:X".parse().unwrap(),
        position: Some(ll(60.0, 24.0)),
        site: None,
        enabled: true,
        health: NasHealth { reach: NasReach::Silent, ..NasHealth::default() },
    };
    let mark = Mark::nas(&nas).unwrap();
    assert_eq!((mark.glyph, mark.severity), (MapGlyph::NasSilent, Severity::Problem));
    assert_eq!(Mark::nas(&Nas { enabled: false, ..nas }).unwrap().severity, Severity::Quiet);
}
