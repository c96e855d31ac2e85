//! For tests: a small world for the panes beside the board, as the store would answer it: normal, empty, hostile.

use crate::query::{MapView, NetworkView, Query, Reply, SyncView};
use crate::testing::{now, operation, operation_id, subscriber_id};
use chrono::Duration;
use noctule_domain::drift::{
    Dismissal, DriftKind, DriftSource, DriftView, Finding, KeptFinding, LastCheck, Repair, SourceReport, Subject, Who,
};
use noctule_domain::geo::{Fix, LatLng};
use noctule_domain::ipam::{Fit, Pool, PrefixStatus, Sample};
use noctule_domain::lifecycle::*;
use noctule_domain::nas::{Nas, NasHealth, NasReach, NasRow, ProbeReport, ProbeTry};
use noctule_domain::overview::{Alert, Overview, Severity};
use noctule_domain::page::Total;
use noctule_domain::secret::SecretRef;
use noctule_domain::task::{Priority, Task, TaskStatus, TaskType};
use noctule_domain::technician::{SkillLevel, Technician, TechnicianStatus};
use noctule_domain::{NasId, SafeText, TaskId, TechnicianId, TenantId};
use uuid::Uuid;

/// What the store knows beside subscribers.
#[derive(Debug, Clone, Default)]
pub(crate) struct World {
    pub overview: Overview,
    pub technicians: Vec<Technician>,
    pub tasks: Vec<Task>,
    pub operations: Vec<OperationView>,
    pub network: NetworkView,
    /// `None`: no centre is configured.
    pub sync: Option<SyncView>,
    pub drift: DriftView,
}

const NAMES: &[&str] = &[
    "Aino Virtanen",
    "Bjarne Holm",
    "Carmen de la Cruz y Montoya",
    "\u{6771}\u{4eac} \u{82b1}\u{5b50}",
    "Eero Mäkinen",
    "Fatima Zahra",
    "Goran Petrović",
];

pub(crate) const EVIL: &[&str] = &[
    "\u{1b}[2J\u{1b}[31mred",
    "a\u{202e}gnp.exe",
    "nul\0tab\tbell\u{7}",
    "\u{9b}31mC1\u{9d}0;title\u{7}",
    "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467} family",
    "e\u{301}\u{301}\u{301} combining",
    "\u{ff37}\u{ff29}\u{ff24}\u{ff25} \u{30c6}\u{30b9}\u{30c8}\u{540d}\u{524d}\u{304c}\u{3068}\u{3066}\u{3082}\u{9577}\u{3044}",
    "",
];

pub(crate) fn technician_id(at: usize) -> TechnicianId {
    TechnicianId(Uuid::from_u128(0x7000 + at as u128))
}

pub(crate) fn task_id(at: usize) -> TaskId {
    TaskId(Uuid::from_u128(0x8000 + at as u128))
}

pub(crate) fn nas_id(at: usize) -> NasId {
    NasId(Uuid::from_u128(0x9000 + at as u128))
}

fn tenant() -> TenantId {
    TenantId(Uuid::from_u128(1))
}

/// Around Helsinki, spread so that some stand together.
fn ground(at: usize) -> LatLng {
    LatLng { lat: 60.1 + (at * 7 % 23) as f64 * 0.013, lng: 24.7 + (at * 11 % 29) as f64 * 0.021 }
}

fn long() -> SafeText {
    SafeText::new(&"long ".repeat(3000))
}

pub(crate) fn technician(at: usize, hostile: bool) -> Technician {
    let text = |s: &str| if hostile { SafeText::new(EVIL[at % EVIL.len()]) } else { SafeText::new(s) };
    let ages = [20, 95, 240, 1_500, 12_000];
    let fix = (at % 6 != 5).then(|| Fix {
        at: ground(at),
        accuracy_m: (at.is_multiple_of(2)).then_some(12.0),
        speed_kmh: (at.is_multiple_of(3)).then_some(43.0),
        heading_deg: None,
        device_time: now() - Duration::seconds(ages[at % ages.len()]),
    });
    let status = TechnicianStatus::ALL[at % TechnicianStatus::ALL.len()];
    Technician {
        id: technician_id(at),
        tenant: tenant(),
        employee_id: SafeText::new(&format!("E-{at:03}")),
        name: if hostile && at % 8 == 7 { long() } else { text(NAMES[at % NAMES.len()]) },
        email: (at.is_multiple_of(2)).then(|| text("field@isp.example")),
        phone: None,
        mobile: (at % 4 != 3).then(|| text("+358 40 123 4567")),
        status,
        skill_level: SkillLevel::ALL[at % SkillLevel::ALL.len()],
        home_base: None,
        fix,
        team: (at % 3 != 2).then(|| text("north")),
        skills: if at % 4 == 3 { Vec::new() } else { vec![text("splicing"), text("otdr"), text("gpon")] },
        time_zone: "Europe/Helsinki".into(),
        work_from_min: 450,
        work_to_min: 960,
        on_call: at.is_multiple_of(5),
        available_for_emergency: at.is_multiple_of(10),
        rating: Some(4.6),
        completion_rate: Some(0.97),
        open_tasks: (at % 4) as u32,
        current_task: (status == TechnicianStatus::OnJob).then(|| text("T-0042 Splice the closure at Mannerheimintie")),
        clocked_in_at: None,
        version: 1,
        updated_at: now() - Duration::minutes(3),
    }
}

pub(crate) fn task(at: usize, hostile: bool) -> Task {
    let text = |s: &str| if hostile { SafeText::new(EVIL[at % EVIL.len()]) } else { SafeText::new(s) };
    let titles = ["Install ONT", "Splice the closure in the basement of the town hall", "No light on port 7", "Survey", "Replace CPE"];
    let status = TaskStatus::ALL[at % TaskStatus::ALL.len()];
    let assigned = !matches!(status, TaskStatus::Pending | TaskStatus::Ready);
    let due = now() + Duration::minutes([-130, 25, 190, 1_600][at % 4]);
    Task {
        id: task_id(at),
        tenant: tenant(),
        number: SafeText::new(&format!("T-{at:04}")),
        title: if hostile && at % 8 == 7 { long() } else { text(titles[at % titles.len()]) },
        task_type: TaskType::ALL[at % TaskType::ALL.len()],
        status,
        priority: Priority::ALL[at % Priority::ALL.len()],
        subscriber: (at.is_multiple_of(3)).then(|| subscriber_id(at as u64)),
        subscriber_name: (at.is_multiple_of(3)).then(|| text("Anna Müller")),
        technician: assigned.then(|| technician_id(at % 7)),
        technician_name: assigned.then(|| text(NAMES[at % NAMES.len()])),
        address: (at % 4 != 3).then(|| text("Mannerheimintie 12 B 34, 00100 Helsinki")),
        position: (at % 5 != 4).then(|| ground(at + 3)),
        scheduled_at: Some(now() + Duration::minutes(at as i64 * 20 - 60)),
        estimate_min: Some(90),
        sla_due_at: (at % 6 != 5).then_some(due),
        depends_on: if at % 7 == 3 { vec![task_id(at - 1), task_id(900)] } else { Vec::new() },
        notes: (at.is_multiple_of(2)).then(|| text("The key is at the reception. Ring twice.")),
        blocked_reason: (status == TaskStatus::Blocked).then(|| text("no access to the basement before Thursday")),
        started_at: (status == TaskStatus::InProgress).then(|| now() - Duration::minutes(50)),
        ended_at: status.is_ended().then(|| now() - Duration::hours(3)),
        version: 5,
        updated_at: now() - Duration::hours(1),
        unsent: false,
    }
}

pub(crate) fn nas(at: usize, hostile: bool) -> NasRow {
    let text = |s: &str| if hostile { SafeText::new(EVIL[at % EVIL.len()]) } else { SafeText::new(s) };
    let reach = NasReach::ALL[at % NasReach::ALL.len()];
    NasRow {
        nas: Nas {
            id: nas_id(at),
            tenant: tenant(),
            name: if hostile { text("") } else { SafeText::new(&format!("bng-{at}")) },
            profile: ["generic", "mikrotik", "juniper"][at % 3].to_owned(),
            address: format!("192.0.2.{}:3799", at + 1).parse().expect("an address"),
            nas_ip: None,
            nas_identifier: Some(text("bng.north")),
            secret: "env:NEVER_ON_THE_SCREEN".parse::<SecretRef>().expect("a reference"),
            position: (at % 3 != 2).then(|| ground(at * 5)),
            site: Some(text("north")),
            enabled: at != 5,
            health: NasHealth {
                reach,
                round_trip: (reach != NasReach::Unknown).then(|| std::time::Duration::from_micros(12_400 + at as u64 * 3_000)),
                last_answer_at: (reach != NasReach::Unknown).then(|| now() - Duration::seconds(40 * (at as i64 + 1))),
                last_asked_at: Some(now() - Duration::seconds(35)),
                acks: 1200,
                naks: at as u64,
                timeouts: if reach == NasReach::Silent { 17 } else { 0 },
            },
        },
        subscribers: 800 + at as u64 * 13,
        sessions: 640,
    }
}

/// Of one that answered, and of the silent one.
fn probes(hostile: bool) -> Vec<ProbeReport> {
    let text = |words: &str| if hostile { SafeText::new(EVIL[words.len() % EVIL.len()]) } else { SafeText::new(words) };
    let answered = ProbeReport {
        nas: nas_id(1),
        at: now() - Duration::minutes(3),
        reach: NasReach::Up,
        round_trip: Some(std::time::Duration::from_micros(15_400)),
        words: text("bng-1 answered 503 Session Context Not Found in 15.4 ms: address and secret are right"),
        tried: Vec::new(),
        excluded: Vec::new(),
        open: Vec::new(),
    };
    let one = |what: &str, port, result: &str| ProbeTry {
        what: text(what),
        to: ([192, 0, 2, 4], port).into(),
        from: "198.51.100.7".parse().ok(),
        result: text(result),
        heard: result != "silence",
    };
    let silent = ProbeReport {
        nas: nas_id(3),
        at: now() - Duration::seconds(42),
        reach: NasReach::Silent,
        round_trip: None,
        words: text(
            "bng-3 did not answer. The host of bng-3 is up (it answered on UDP port 33434), and its port 3799 keeps silent. Check there: the secret; that 198.51.100.7 is allowed; a filter for UDP port 3799",
        ),
        tried: vec![
            one("as profile", 3799, "silence"),
            one("without timestamp", 3799, "silence"),
            one("unsigned", 3799, "silence"),
            one("coa request", 3799, "silence"),
            one("other port", 1700, "silence"),
            one("closed udp port", 33_434, "the host answers"),
        ],
        excluded: vec![text("down: its host answers"), text("Message-Authenticator: asked signed and unsigned")],
        open: vec![text("the secret, our address and a filter for this port: a NAS drops all three without a word")],
    };
    vec![answered, silent]
}

fn pool(at: i64, used: u64, hostile: bool) -> Pool {
    Pool {
        id: at,
        prefix: format!("2001:db8:{at:x}00::/40").parse().expect("a prefix"),
        vrf: (at == 2).then_some(4),
        status: PrefixStatus::Container,
        description: if hostile { EVIL[at as usize % EVIL.len()].into() } else { "residential, north ring and islands".into() },
        delegated_len: 56,
        used,
        seen_at: now() - Duration::seconds(70),
        fits: [(48, 40), (56, 65_536 - used), (60, (65_536 - used) * 16)].map(|(len, count)| Fit { len, count }).to_vec(),
        // The second grows, the third shrinks, of the first too little is known.
        history: (0..=at.min(2) * 20)
            .map(|day| Sample {
                at: now() - Duration::days(at.min(2) * 20 - day),
                used: (used as i64 + if at == 2 { -400 } else { 90 } * (at.min(2) * 20 - day)).max(0) as u64,
                capacity: 65_536,
            })
            .filter(|_| at > 1)
            .collect(),
        thresholds: Default::default(),
    }
}

fn operations(hostile: bool) -> Vec<OperationView> {
    use OperationKind as K;
    use OperationStatus as S;
    let kinds = [
        (K::Allocate, S::Running),
        (K::Revoke, S::Waiting),
        (K::Suspend, S::Refused),
        (K::Allocate, S::Succeeded),
        (K::Activate, S::Unanswered),
        (K::Revoke, S::Failed),
        (K::Resume, S::Cancelled),
    ];
    let mut out = Vec::new();
    for (at, (kind, status)) in kinds.iter().enumerate() {
        let mut view = operation(at as u64, *kind, *status);
        view.operation.id = operation_id(at as u64);
        view.subscriber_name = if hostile { EVIL[at % EVIL.len()].into() } else { NAMES[at % NAMES.len()].into() };
        view.operation.requested_at = now() - Duration::minutes(4 + 9 * at as i64);
        if status.is_open() {
            view.operation.ended_at = None;
        } else {
            view.operation.ended_at = Some(view.operation.requested_at + Duration::seconds(3));
        }
        if *kind == K::Revoke {
            view.operation.plan = vec![StepKind::NasDisconnect, StepKind::NetboxDeprecate];
            view.operation.options.reason = Some("moved away".into());
            let row = |attempt, status, answer: Option<&str>, ago: i64| StepRow {
                step: StepKind::NasDisconnect,
                attempt,
                upstream: "bng-3".into(),
                request: "Disconnect-Request User-Name=user1@isp.example Acct-Session-Id=0A1B2C3D".into(),
                status,
                answer: answer.map(SafeText::new),
                started_at: now() - Duration::seconds(ago),
                ended_at: Some(now() - Duration::seconds(ago - 30)),
            };
            view.steps = vec![
                row(1, StepStatus::Unanswered, None, 200),
                row(2, StepStatus::Refused, Some("Disconnect-NAK Error-Cause=506 Resources Unavailable"), 120),
            ];
            view.operation.error = Some("bng-3 did not answer (5 sends in 30 s): wrong secret, our address not allowed, filtered on the way, a clock apart by more than 300 s, or down".into());
        }
        if *status == S::Waiting {
            view.operation.retry_at = Some(now() + Duration::seconds(75));
            view.operation.progress.attempts = 2;
        }
        if *status == S::Running {
            view.steps[0].ended_at = None;
            view.steps[0].answer = None;
            view.steps[0].status = StepStatus::Started;
            view.steps[0].started_at = now() - Duration::seconds(4);
        }
        if hostile {
            view.operation.error = Some(EVIL[(at + 1) % EVIL.len()].into());
        }
        out.push(view);
    }
    out
}

pub(crate) fn row_of(view: &OperationView) -> OperationRow {
    let o = &view.operation;
    OperationRow {
        id: o.id,
        subscriber: o.subscriber,
        subscriber_number: SafeText::new(&format!("N-{:07}", o.id.0.as_u128() % 1_000 + 1)),
        subscriber_name: view.subscriber_name.clone(),
        kind: o.kind,
        status: o.status,
        actor: o.actor.name.clone(),
        step: o.plan.get(o.progress.at).copied(),
        step_index: o.progress.at,
        steps: o.plan.len(),
        attempts: o.progress.attempts,
        requested_at: o.requested_at,
        retry_at: o.retry_at,
        ended_at: o.ended_at,
        error: o.error.clone(),
    }
}

fn drift(hostile: bool) -> DriftView {
    use DriftKind as K;
    let kinds = [
        (K::PrefixLeaked, Repair::Retire { rested: false }),
        (K::PrefixGone, Repair::Operation(OperationKind::Revoke)),
        (K::SessionNotEnded, Repair::Reconcile { nas: true }),
        (K::StatusEdited, Repair::Reconcile { nas: false }),
        (K::PrefixStranger, Repair::ByHand),
        (K::StatusEdited, Repair::Reconcile { nas: false }),
        (K::AllocatedTooLong, Repair::Operation(OperationKind::Revoke)),
        (K::StatusEdited, Repair::Reconcile { nas: false }),
        (K::RevokedTooLong, Repair::Reset),
        (K::AaaOtherPrefix, Repair::Reconcile { nas: false }),
    ];
    let findings = kinds.iter().enumerate().map(|(at, (kind, repair))| {
        let object = matches!(kind, K::PrefixLeaked | K::PrefixStranger);
        let prefix: ipnet::Ipv6Net = format!("2001:db8:1:{at:x}00::/56").parse().expect("a prefix");
        let text = |words: String| if hostile { SafeText::new(EVIL[at % EVIL.len()]) } else { SafeText::new(&words) };
        let id = 4711 + at as i64;
        let finding = Finding {
            kind: *kind,
            subject: if object { Subject::Prefix(id) } else { Subject::Subscriber(subscriber_id(at as u64)) },
            who: (!object).then(|| Who {
                id: subscriber_id(at as u64),
                number: text(format!("N-{at:07}")),
                username: noctule_domain::subscriber::Username::new(&format!("user{at}@isp.example")).expect("a name"),
                version: 3,
            }),
            netbox_id: Some(id),
            prefix: Some(prefix),
            ours: text(format!("active {prefix}")),
            theirs: text(format!("NetBox {id}: {prefix} deprecated")),
            repair: *repair,
        };
        let dismissed = (at == 9).then(|| Dismissal {
            at: now() - Duration::hours(2),
            by: text("anna".to_owned()),
            why: text("known, ticket 4471".to_owned()),
        });
        KeptFinding {
            finding,
            first_seen: now() - Duration::minutes(3 + 71 * at as i64),
            last_seen: now() - Duration::minutes(3),
            dismissed,
        }
    });
    let mut findings: Vec<_> = findings.collect();
    findings.sort_by_key(|kept| (kept.dismissed.is_some(), std::cmp::Reverse(kept.severity())));
    let sources = vec![
        SourceReport {
            source: DriftSource::Netbox,
            read: 3_493,
            whole: false,
            trouble: Some("NetBox answered 500 while a pool was read".into()),
        },
        SourceReport { source: DriftSource::Rows, read: 5_000, whole: true, trouble: None },
    ];
    let last = LastCheck { started_at: now() - Duration::minutes(4), ended_at: now() - Duration::minutes(3), sources, more: Vec::new() };
    DriftView { findings, last: Some(last), hold_s: 86_400 }
}

impl World {
    pub fn normal() -> Self {
        Self::of(false)
    }

    /// Every text is what somebody would write to drive a terminal.
    pub fn hostile() -> Self {
        Self::of(true)
    }

    fn of(hostile: bool) -> Self {
        let pools = vec![pool(1, 21_000, hostile), pool(2, 43_000, hostile), pool(3, 60_100, hostile)];
        let alert = |severity, text: &str, minutes: i64, filter: Option<&str>| Alert {
            severity,
            text: if hostile { EVIL[minutes as usize % EVIL.len()].into() } else { text.into() },
            since: Some(now() - Duration::minutes(minutes)),
            filter: filter.map(str::to_owned),
        };
        let technicians: Vec<Technician> = (0..24).map(|at| technician(at, hostile)).collect();
        let tasks: Vec<Task> = (0..37).map(|at| task(at, hostile)).collect();
        let overview = Overview {
            states: Ipv6State::ALL.iter().copied().zip([310, 95, 2_912, 41, 6, 120, 9]).collect(),
            subscribers: 5_000,
            delegating: 3_493,
            pools: pools.clone(),
            running: 2,
            waiting: 1,
            failed_today: 3,
            unproved: vec![
                (Enforcement::Acknowledged, Total::AtLeast(1_204)),
                (Enforcement::Unanswered, Total::Exact(17)),
                (Enforcement::Refused, Total::Exact(0)),
            ],
            technicians: TechnicianStatus::ALL.iter().map(|s| (*s, technicians.iter().filter(|t| t.status == *s).count() as u64)).collect(),
            tasks: TaskStatus::ALL.iter().map(|s| (*s, tasks.iter().filter(|t| t.status == *s).count() as u64)).collect(),
            tasks_today: 14,
            tasks_overdue: 4,
            alerts: vec![
                alert(Severity::Warning, "6 subscribers are revoking for more than an hour", 75, Some("state:revoking age:>1h")),
                alert(Severity::Critical, "pool 2001:db8:300::/40 is 91.7 % full", 12, None),
            ],
        };
        let netbox = if hostile { EVIL[0] } else { "NetBox 4.6.8 at https://netbox.isp.example, answered 70s ago" };
        Self {
            overview,
            technicians,
            tasks,
            operations: operations(hostile),
            network: NetworkView {
                pools,
                nases: (0..6).map(|at| nas(at, hostile)).collect(),
                netbox: netbox.into(),
                probes: probes(hostile),
            },
            sync: None,
            drift: drift(hostile),
        }
    }

    /// The answer of the store; `None` for what is asked about subscribers.
    pub fn answer(&self, query: &Query) -> Option<Reply> {
        Some(match query {
            Query::Overview => Reply::Overview(Box::new(self.overview.clone())),
            Query::Technicians => Reply::Technicians(self.technicians.clone()),
            Query::Tasks => Reply::Tasks(self.tasks.clone()),
            Query::Operations { .. } => Reply::Operations(self.operations.iter().map(row_of).collect()),
            Query::Operation(id) => match self.operations.iter().find(|o| o.operation.id == *id) {
                Some(view) => Reply::Operation(Box::new(view.clone())),
                None => Reply::Failed("there is no such operation".into()),
            },
            Query::Network => Reply::Network(Box::new(self.network.clone())),
            Query::Map => Reply::Map(Box::new(MapView {
                technicians: self.technicians.clone(),
                tasks: self.tasks.clone(),
                nases: self.network.nases.clone(),
            })),
            Query::Drift => Reply::Drift(Box::new(self.drift.clone())),
            Query::Sync => Reply::Sync(Box::new(self.sync.clone()?)),
            _ => return None,
        })
    }
}

/// A desk on this world, at a pane by its number key.
pub(crate) fn desk(world: World, pane: &str) -> crate::testing::Desk {
    let mut stub = crate::testing::Stub::of(50);
    stub.world = Some(world);
    let mut desk = crate::testing::Desk::new(stub);
    desk.press(pane);
    desk.take_effects();
    desk
}

/// The lines that are the pane's: without header, tabs and footer, which have tests of their own. The last is the status line.
fn own(frame: &str) -> String {
    let lines: Vec<&str> = frame.lines().collect();
    lines[2..lines.len() - 1].join("\n")
}

/// The pane as it is promised: at three sizes, in dark, in mono and in ASCII, with what is normal, nothing, a store that failed from the
/// first question on, one that failed later, and hostile texts. `scene` presses what the picture needs.
pub(crate) fn scenes(name: &str, pane: &str, scene: fn(&mut crate::testing::Desk)) {
    use crate::look::Depth;
    for (width, height) in [(80, 24), (120, 40), (60, 15)] {
        for case in ["normal", "empty", "failed", "offline", "hostile"] {
            let draw = |theme: &str, depth: Depth, ascii: bool| {
                let world = match case {
                    "empty" | "failed" => World::default(),
                    "hostile" => World::hostile(),
                    _ => World::normal(),
                };
                let mut stub = crate::testing::Stub::of(50);
                stub.world = Some(world);
                if case == "failed" {
                    stub.failing = Some("the store did not answer: the disk is full. Free some space, then press r");
                }
                // Who may do everything: menus and pickers open.
                let config = crate::app::AppConfig { role: noctule_domain::permission::Role::Admin, ..crate::testing::config() };
                let mut desk = crate::testing::Desk::with(config, stub);
                desk.look(theme, depth, ascii);
                desk.resize(width, height);
                desk.press(pane);
                scene(&mut desk);
                if case == "offline" {
                    desk.stub.failing = Some("the store did not answer: the disk is full. Free some space, then press r");
                    desk.send(crate::msg::Msg::Changed);
                    desk.send(crate::msg::Msg::Tick(now() + Duration::seconds(95)));
                }
                buffer_of(&desk)
            };
            shot(&format!("{name}_{case}_{width}x{height}"), case == "normal", &draw);
        }
    }
}

pub(crate) fn buffer_of(desk: &crate::testing::Desk) -> ratatui::buffer::Buffer {
    let area = desk.app.screen();
    let mut terminal = ratatui::Terminal::new(ratatui::backend::TestBackend::new(area.width, area.height)).expect("a terminal");
    terminal.draw(|frame| crate::app::view(&desk.app, desk.app.look(), frame)).expect("a frame");
    terminal.backend().buffer().clone()
}

/// One picture in dark, mono and ASCII: what all three must hold, and the text as a snapshot.
pub(crate) fn shot(name: &str, keep_ascii: bool, draw: &dyn Fn(&str, crate::look::Depth, bool) -> ratatui::buffer::Buffer) {
    use crate::look::Depth;
    let dark = draw("dark", Depth::C16, false);
    let mono = draw("mono", Depth::None, false);
    let ascii = draw("mono", Depth::None, true);
    let text = crate::testing::text_of(&dark);
    assert_eq!(text, crate::testing::text_of(&mono), "no colours say the same in the same places");
    let colourless = |cell: &ratatui::buffer::Cell| cell.fg == ratatui::style::Color::Reset && cell.bg == ratatui::style::Color::Reset;
    assert!(mono.content().iter().all(colourless), "mono has no colours");
    assert!(dark.content().iter().any(|cell| !colourless(cell)), "dark has some");
    assert!(dark.content().iter().all(|cell| cell.bg == ratatui::style::Color::Reset), "the background is never painted");
    let ascii = crate::testing::text_of(&ascii);
    assert!(ascii.is_ascii(), "ASCII only: {ascii}");
    assert!(!text.contains("NEVER_ON_THE_SCREEN"), "no trace of a secret");
    assert!(!text.chars().any(|c| c != '\n' && noctule_domain::text::is_dangerous(c)), "nothing that drives a terminal");
    insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, own(&text));
        if keep_ascii {
            insta::assert_snapshot!(format!("{name}_ascii"), own(&ascii));
        }
    });
}
