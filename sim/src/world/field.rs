//! People in the field and their tasks: installations as chains, troubles and inspections alone; who works on what.

use super::World;
use super::names;
use super::places::{self, Town};
use super::subscribers::{stream, unix_ms};
use crate::dice::Dice;
use chrono::{TimeDelta, Timelike};
use noctule_domain::geo::{Fix, LatLng};
use noctule_domain::subscriber::Subscriber;
use noctule_domain::task::{Priority, Task, TaskStatus, TaskType};
use noctule_domain::technician::{SkillLevel, Technician, TechnicianStatus};
use noctule_domain::{SafeText, TaskId, TechnicianId};

const SKILLS: &[&str] =
    &["fibre splicing", "OTDR", "ONT", "copper", "wireless", "trenching", "mast climbing", "customer training", "electrical safety"];
const TEAMS: &[&str] = &["Capital", "West", "North", "East"];
const CHAIN: &[(TaskType, &str, u32)] = &[
    (TaskType::SiteSurvey, "Site survey", 45),
    (TaskType::FiberRouting, "Route the fibre", 60),
    (TaskType::Trenching, "Dig to the wall", 180),
    (TaskType::CablePulling, "Pull the cable", 90),
    (TaskType::Splicing, "Splice and terminate", 60),
    (TaskType::OntInstallation, "Install the ONT", 45),
    (TaskType::Testing, "Measure and hand over", 30),
];
const SINGLES: &[(u32, (TaskType, &str, u32))] = &[
    (30, (TaskType::Troubleshooting, "No link light on the ONT", 60)),
    (15, (TaskType::Troubleshooting, "Slow in the evenings", 45)),
    (10, (TaskType::Troubleshooting, "Cable dug up by an excavator", 240)),
    (15, (TaskType::CpeInstallation, "Replace the router", 30)),
    (8, (TaskType::Inspection, "Inspect the cabinet", 40)),
    (4, (TaskType::Planning, "Plan the new block", 120)),
    (4, (TaskType::ConduitInstallation, "Lay the conduit", 240)),
    (4, (TaskType::Termination, "Terminate the riser", 90)),
    (4, (TaskType::CustomerTraining, "Show the customer the router", 30)),
    (3, (TaskType::Documentation, "Draw what was built", 60)),
    (2, (TaskType::Closeout, "Close the site", 30)),
    (1, (TaskType::Custom, "Fetch the ladder back", 20)),
];
const BLOCKED: &[&str] = &[
    "waits for the digging permit",
    "no key to the basement",
    "ONT out of stock until Thursday",
    "customer not at home",
    "ice on the mast",
];

pub(super) fn people_and_tasks(world: &World) -> (Vec<Technician>, Vec<Task>) {
    let mut technicians: Vec<Technician> = (0..world.config.technicians).map(|i| technician(world, i)).collect();
    let mut tasks = chains_and_singles(world);
    hand_out(world, &mut technicians, &mut tasks);
    (technicians, tasks)
}

fn technician(world: &World, index: u32) -> Technician {
    use TechnicianStatus::{Available, OffDuty, OnBreak, OnJob, Unavailable};
    let mut dice = Dice::of(world.config.seed, stream::TECHNICIAN, u64::from(index));
    let town = places::town(&mut dice);
    let name = names::colleague(&mut dice);
    // The first five show every status, however few people there are.
    let status = match TechnicianStatus::ALL.get(index as usize) {
        Some(status) => *status,
        None => *dice.weighted(&[(42, OnJob), (34, Available), (8, OnBreak), (11, OffDuty), (5, Unavailable)]),
    };
    let now = world.config.now;
    let base = town.place(&mut dice);
    let age = match status {
        Available | OnJob | OnBreak if dice.chance(0.92) => dice.between(3, 90),
        Available | OnJob | OnBreak => dice.between(200, 2400),
        OffDuty | Unavailable => dice.between(3 * 3600, 60 * 3600),
    };
    let fix = (status != Unavailable || dice.chance(0.5)).then(|| Fix {
        at: town.place(&mut dice),
        accuracy_m: Some(dice.float(4.0, 28.0).round()),
        speed_kmh: Some(0.0),
        heading_deg: None,
        device_time: now - TimeDelta::seconds(age),
    });
    let mut skills: Vec<SafeText> = Vec::new();
    for _ in 0..dice.between(2, 5) {
        let skill = SafeText::new(dice.word(SKILLS));
        if !skills.contains(&skill) {
            skills.push(skill);
        }
    }
    let early = dice.chance(0.5);
    let hired = now - TimeDelta::days(dice.between(60, 3000));
    Technician {
        id: TechnicianId(dice.uuid_v7(unix_ms(hired))),
        tenant: world.tenant,
        employee_id: SafeText::new(&format!("T-{:03}", index + 1)),
        name: SafeText::new(&name.full),
        email: Some(SafeText::new(&format!("{}@isp.example", name.ascii))),
        phone: None,
        mobile: Some(SafeText::new(&format!("+358 50 555 {:04}", dice.below(10_000)))),
        status,
        skill_level: *dice.weighted(&[
            (1, SkillLevel::Trainee),
            (3, SkillLevel::Junior),
            (6, SkillLevel::Intermediate),
            (4, SkillLevel::Senior),
            (2, SkillLevel::Expert),
        ]),
        home_base: Some(base),
        fix,
        team: Some(SafeText::new(TEAMS[town.nas % TEAMS.len()])),
        skills,
        time_zone: "Europe/Helsinki".into(),
        work_from_min: if early { 420 } else { 600 },
        work_to_min: if early { 900 } else { 1080 },
        on_call: dice.chance(0.15),
        available_for_emergency: dice.chance(0.4),
        rating: Some((dice.float(3.4, 5.0) * 10.0).round() / 10.0),
        completion_rate: Some((dice.float(0.78, 1.0) * 100.0).round() / 100.0),
        open_tasks: 0,
        current_task: None,
        clocked_in_at: None,
        version: 1,
        updated_at: now,
    }
}

/// Where a task is and for whom.
struct Site {
    subscriber: Option<Subscriber>,
    address: String,
    position: LatLng,
    town: &'static Town,
}

fn site(world: &World, dice: &mut Dice) -> Site {
    let index = dice.below(world.subscriber_count());
    let town = world.common().town(index);
    match world.subscriber(index).filter(|_| dice.chance(0.85)) {
        Some(s) => {
            let address = s.service_address.as_ref().map(|a| a.as_str().to_owned()).unwrap_or_default();
            Site { position: s.position.unwrap_or(town.centre()), address, town, subscriber: Some(s) }
        }
        None => Site { address: town.address(dice), position: town.place(dice), town, subscriber: None },
    }
}

fn chains_and_singles(world: &World) -> Vec<Task> {
    let wanted = world.config.tasks as usize;
    let mut dice = Dice::of(world.config.seed, stream::FIELD, 0);
    let mut tasks: Vec<Task> = Vec::with_capacity(wanted);
    // One single of each status first: every status is on the board.
    for status in TaskStatus::ALL.iter().take(wanted) {
        tasks.push(single(world, tasks.len(), &mut dice, Some(*status)));
    }
    while tasks.len() < wanted {
        let length = dice.between(3, CHAIN.len() as i64) as usize;
        if dice.chance(0.35) && tasks.len() + length <= wanted {
            chain(world, &mut tasks, length, &mut dice);
        } else {
            tasks.push(single(world, tasks.len(), &mut dice, None));
        }
    }
    tasks
}

fn chain(world: &World, tasks: &mut Vec<Task>, length: usize, dice: &mut Dice) {
    let site = site(world, dice);
    // So many steps are done; the next one is open, the rest waits for it.
    let done = dice.below(length as u64 + 1) as usize;
    let skip = CHAIN.len() - length;
    let mut before: Option<TaskId> = None;
    for (step, kind) in CHAIN[skip..].iter().enumerate() {
        let status = match step {
            s if s < done => TaskStatus::Completed,
            s if s == done => TaskStatus::Ready,
            _ => TaskStatus::Pending,
        };
        let mut task = task(world, tasks.len(), kind, &site, status, dice);
        task.depends_on.extend(before);
        before = Some(task.id);
        tasks.push(task);
    }
}

fn single(world: &World, number: usize, dice: &mut Dice, status: Option<TaskStatus>) -> Task {
    let site = site(world, dice);
    let kind = *dice.weighted(SINGLES);
    let status = status.unwrap_or_else(|| {
        *dice.weighted(&[
            (50, TaskStatus::Ready),
            (30, TaskStatus::Completed),
            (6, TaskStatus::Blocked),
            (4, TaskStatus::Cancelled),
            (4, TaskStatus::Pending),
            (3, TaskStatus::Failed),
            (3, TaskStatus::Skipped),
        ])
    });
    task(world, number, &kind, &site, status, dice)
}

fn task(world: &World, number: usize, kind: &(TaskType, &str, u32), site: &Site, status: TaskStatus, dice: &mut Dice) -> Task {
    let now = world.config.now;
    let (task_type, title, estimate) = *kind;
    let mut id_dice = Dice::of(world.config.seed, stream::TASK, number as u64);
    let ended = status.is_ended();
    let scheduled =
        if ended { now - TimeDelta::minutes(dice.between(90, 9 * 1440)) } else { now + TimeDelta::minutes(dice.between(-1440, 2 * 1440)) };
    let scheduled = scheduled.with_second(0).and_then(|t| t.with_nanosecond(0)).unwrap_or(scheduled);
    let trouble = task_type == TaskType::Troubleshooting;
    let priority = if trouble {
        *dice.weighted(&[(4, Priority::Normal), (4, Priority::High), (2, Priority::Critical), (1, Priority::Emergency)])
    } else {
        *dice.weighted(&[(2, Priority::Low), (7, Priority::Normal), (2, Priority::High)])
    };
    let sla = trouble || dice.chance(0.5);
    let who = site.subscriber.as_ref();
    Task {
        id: TaskId(id_dice.uuid_v7(unix_ms(now - TimeDelta::minutes(dice.between(60, 12 * 1440))))),
        tenant: world.tenant,
        number: SafeText::new(&format!("W-{:05}", number + 1)),
        title: SafeText::new(&format!("{title}, {}", site.town.name)),
        task_type,
        status,
        priority,
        subscriber: who.map(|s| s.id),
        subscriber_name: who.map(|s| s.full_name.clone()),
        technician: None,
        technician_name: None,
        address: Some(SafeText::new(&site.address)),
        position: Some(site.position),
        scheduled_at: Some(scheduled),
        estimate_min: Some(estimate),
        sla_due_at: sla.then(|| scheduled + TimeDelta::minutes(dice.between(120, 900))),
        depends_on: Vec::new(),
        notes: dice.chance(0.2).then(|| SafeText::new(dice.word(&["Call before you come.", "Gate code 1234.", "Bring the long ladder."]))),
        blocked_reason: (status == TaskStatus::Blocked).then(|| SafeText::new(dice.word(BLOCKED))),
        started_at: matches!(status, TaskStatus::Completed | TaskStatus::Failed).then_some(scheduled),
        ended_at: ended.then(|| (scheduled + TimeDelta::minutes(i64::from(estimate) + dice.between(-10, 40))).min(now)),
        version: dice.between(1, 6),
        updated_at: now - TimeDelta::minutes(dice.between(1, 80)),
        unsent: false,
    }
}

/// Gives open tasks to people: everybody on a job has one in progress near by, many others one assigned.
fn hand_out(world: &World, technicians: &mut [Technician], tasks: &mut [Task]) {
    let mut dice = Dice::of(world.config.seed, stream::FIELD, 1);
    let now = world.config.now;
    // Work that has been done, was paused or goes on has somebody who did it.
    for task in tasks.iter_mut() {
        let worked = matches!(
            task.status,
            TaskStatus::Completed | TaskStatus::Failed | TaskStatus::Paused | TaskStatus::InProgress | TaskStatus::Assigned
        );
        if worked && !technicians.is_empty() {
            let at = match task.status {
                TaskStatus::InProgress => technicians.iter().position(|t| t.status == TechnicianStatus::OnJob && t.current_task.is_none()),
                TaskStatus::Assigned => technicians.iter().position(|t| t.status == TechnicianStatus::Available),
                _ => None,
            };
            let at = at.unwrap_or_else(|| dice.below(technicians.len() as u64) as usize);
            give(&mut technicians[at], task, now, &mut dice);
        } else if worked {
            task.status = TaskStatus::Ready;
        }
    }
    for technician in technicians.iter_mut().filter(|t| t.status == TechnicianStatus::OnJob && t.current_task.is_none()) {
        match nearest(technician, tasks) {
            Some(at) => {
                tasks[at].status = TaskStatus::InProgress;
                give(technician, &mut tasks[at], now, &mut dice);
            }
            // More people than work: this one is free.
            None => technician.status = TechnicianStatus::Available,
        }
    }
    for technician in technicians.iter_mut().filter(|t| t.status == TechnicianStatus::Available) {
        for _ in 0..dice.below(3) {
            if let Some(at) = nearest(technician, tasks) {
                tasks[at].status = TaskStatus::Assigned;
                give(technician, &mut tasks[at], now, &mut dice);
            }
        }
    }
}

fn give(technician: &mut Technician, task: &mut Task, now: noctule_domain::Timestamp, dice: &mut Dice) {
    task.technician = Some(technician.id);
    task.technician_name = Some(technician.name.clone());
    if matches!(task.status, TaskStatus::InProgress | TaskStatus::Paused) {
        task.started_at = Some(now - TimeDelta::minutes(dice.between(5, 90)));
    }
    if !task.status.is_ended() {
        technician.open_tasks += 1;
    }
    if task.status == TaskStatus::InProgress {
        technician.current_task = Some(task.number.clone());
    }
}

/// The nearest task that waits for somebody.
fn nearest(technician: &Technician, tasks: &[Task]) -> Option<usize> {
    let here = technician.fix.map(|f| f.at).or(technician.home_base)?;
    let far = |task: &Task| task.position.map_or(f64::MAX, |p| p.distance_m(here));
    let open = tasks.iter().enumerate().filter(|(_, t)| t.status == TaskStatus::Ready && t.technician.is_none());
    open.min_by(|(_, a), (_, b)| far(a).total_cmp(&far(b))).map(|(i, _)| i)
}
