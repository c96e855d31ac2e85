//! For tests: an application on a stub store that answers at once, keys as a human would name them, and frames as text.

use crate::action::parse_sequence;
use crate::app::{App, AppConfig, update, view};
use crate::effect::Effect;
use crate::look::Depth;
use crate::msg::Msg;
use crate::query::{Query, Reply, SubscriberView};
use chrono::{Duration, TimeZone, Utc};
use noctule_domain::filter::Matcher;
use noctule_domain::lifecycle::*;
use noctule_domain::page::{From, Page, PageRequest, Total};
use noctule_domain::permission::Role;
use noctule_domain::subscriber::{Ipv6Record, Session, SessionAccounting, Subscriber, SubscriberRow, SubscriberStatus, Username};
use noctule_domain::sync::Other;
use noctule_domain::{NasId, OperationId, SafeText, SubscriberId, TenantId, Timestamp};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use std::cell::Cell;
use uuid::Uuid;

pub(crate) mod jobs;

pub(crate) fn now() -> Timestamp {
    Utc.with_ymd_and_hms(2026, 11, 23, 9, 30, 0).single().expect("a moment")
}

const PEOPLE: &[&str] = &[
    "Anna M\u{fc}ller",
    "Bj\u{f6}rn \u{c5}kesson",
    "Chidi Okafor",
    "\u{6771}\u{4eac} \u{82b1}\u{5b50}",
    "Maria do Carmo de Albuquerque Cavalcanti",
];

const HOSTILE: &[&str] = &[
    "\u{1b}[2J\u{1b}[31mred",
    "a\u{202e}gnp.exe",
    "nul\0tab\tbell\u{7}",
    "\u{9b}31mC1\u{9d}0;title\u{7}",
    "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467} family",
    "e\u{301}\u{301}\u{301}\u{301} combining",
    "\u{ff37}\u{ff29}\u{ff24}\u{ff25} \u{30c6}\u{30b9}\u{30c8}\u{540d}\u{524d}\u{304c}\u{3068}\u{3066}\u{3082}\u{9577}\u{3044}",
    "",
];

/// The row at a place of the stub's list. Every state, every enforcement, names of all kinds come in turn.
pub(crate) fn row(at: u64, hostile: bool) -> SubscriberRow {
    let n = at as usize;
    let state = Ipv6State::ALL[n % Ipv6State::ALL.len()];
    let has_prefix = state.holds_prefix() || state == Ipv6State::Revoked;
    let name = if hostile { HOSTILE[n % HOSTILE.len()] } else { PEOPLE[n % PEOPLE.len()] };
    let enforcement = match state {
        Ipv6State::Active | Ipv6State::Suspended => [Enforcement::Acknowledged, Enforcement::Observed, Enforcement::Unanswered][n / 7 % 3],
        Ipv6State::Revoking => Enforcement::Refused,
        _ => Enforcement::None,
    };
    SubscriberRow {
        id: subscriber_id(at),
        subscriber_number: SafeText::new(&format!("N-{at:06}")),
        username: Username::new(&format!("user{at}@isp.example")).expect("a user name"),
        full_name: SafeText::new(&if hostile && n % HOSTILE.len() == 7 { "x".repeat(10_000) } else { name.to_owned() }),
        status: SubscriberStatus::Active,
        state,
        mode: if n % 11 == 10 { AssignmentMode::Slaac } else { AssignmentMode::Pd },
        enforcement,
        prefix: has_prefix.then(|| format!("2001:db8:{:x}:{:x}00::/56", at % 0xffff, at % 251).parse().expect("a prefix")),
        nas: (n % 13 != 12).then(|| SafeText::new(&format!("bng-{}", n % 3 + 1))),
        has_session: matches!(state, Ipv6State::Active),
        running: (n % 17 == 16).then(|| operation_id(at)),
        queued: None,
        last_error: (state == Ipv6State::Failed).then(|| "NetBox refused (409): the pool 2001:db8::/40 has no room for a /56".into()),
        hold_until: (state == Ipv6State::Revoked).then(|| now() + Duration::hours(5)),
        since: now() - Duration::seconds((at as i64 * 977) % 400_000),
        version: 3,
    }
}

pub(crate) fn subscriber_id(at: u64) -> SubscriberId {
    SubscriberId(Uuid::from_u128(0x5000_0000_0000_0000_0000 + u128::from(at)))
}

pub(crate) fn operation_id(at: u64) -> OperationId {
    OperationId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + u128::from(at)))
}

fn place(id: SubscriberId) -> u64 {
    (id.uuid().as_u128() & 0xffff_ffff) as u64
}

/// A store of `len` rows that are made when they are asked for.
pub(crate) struct Stub {
    pub len: u64,
    pub hostile: bool,
    /// Answers nothing but this.
    pub failing: Option<&'static str>,
    /// What it knows beside subscribers; nothing when there is none.
    pub world: Option<crate::panes::testing::World>,
    /// A row that left the list.
    pub gone: Option<u64>,
    /// What the operations made of the rows since.
    pub state: Option<Ipv6State>,
    /// An operation that waits in the outbox for each row, and who else looks at each.
    pub queued: Option<OperationKind>,
    pub others: Vec<Other>,
    /// Rows made so far: what a test of cost looks at.
    pub made: Cell<u64>,
}

impl Stub {
    pub fn of(len: u64) -> Self {
        Self {
            len,
            hostile: false,
            failing: None,
            world: None,
            gone: None,
            state: None,
            queued: None,
            others: Vec::new(),
            made: Cell::new(0),
        }
    }

    fn row(&self, at: u64) -> SubscriberRow {
        let row = SubscriberRow { queued: self.queued, ..row(at, self.hostile) };
        match self.state {
            Some(state) => SubscriberRow {
                state,
                version: row.version + 1,
                prefix: row.prefix.or_else(|| "2001:db8::/56".parse().ok()),
                running: None,
                queued: None,
                mode: AssignmentMode::Pd,
                ..row
            },
            None => row,
        }
    }

    /// The only filter it knows is the number, exact; any other matches everything.
    fn page(&self, ask: &PageRequest) -> Page<SubscriberRow> {
        let number = ask.filter.terms.iter().find_map(|t| match &t.matcher {
            Matcher::Number(n) => Some(n.trim_start_matches("N-").parse::<u64>().unwrap_or(u64::MAX)),
            _ => None,
        });
        let (low, high) = number.map_or((0, self.len), |n| (n.min(self.len), n.saturating_add(1).min(self.len)));
        let limit = u64::from(ask.limit);
        let lost = |id| self.gone == Some(place(id));
        let (from, to) = match ask.from {
            From::After(id) | From::Before(id) | From::At(id) if lost(id) => (low, low + limit),
            From::First => (low, low + limit),
            From::Last => (high.saturating_sub(limit), high),
            From::After(id) => (place(id) + 1, place(id) + 1 + limit),
            From::Before(id) => (place(id).saturating_sub(limit), place(id)),
            From::At(id) => (place(id), place(id) + limit),
        };
        let (from, to) = (from.clamp(low, high), to.clamp(low, high));
        self.made.set(self.made.get() + (to - from));
        Page {
            rows: (from..to).filter(|at| self.gone != Some(*at)).map(|at| self.row(at)).collect(),
            more_before: from > low,
            more_after: to < high,
            total: if self.len > 10_000 { Total::AtLeast(10_000) } else { Total::Exact(high - low) },
        }
    }

    pub fn answer(&self, query: &Query) -> Reply {
        if let Some(why) = self.failing {
            return Reply::Failed(why.into());
        }
        if let Some(reply) = self.world.as_ref().and_then(|world| world.answer(query)) {
            return reply;
        }
        match query {
            Query::Subscribers(ask) => Reply::Subscribers(self.page(ask)),
            Query::Rows(ids) => Reply::Rows(ids.iter().map(|id| self.row(place(*id))).collect()),
            Query::Subscriber { id, .. } => {
                let mut view = subscriber_view(place(*id), self.hostile);
                view.subscriber.queued = self.queued;
                view.others.clone_from(&self.others);
                Reply::Subscriber(Box::new(view))
            }
            Query::Overview => Reply::Overview(Box::default()),
            Query::Technicians => Reply::Technicians(Vec::new()),
            Query::Tasks => Reply::Tasks(Vec::new()),
            Query::Operations { .. } => Reply::Operations(Vec::new()),
            Query::Operation(_) => Reply::Failed("there is no such operation".into()),
            Query::Network => Reply::Network(Box::default()),
            Query::Map => Reply::Map(Box::default()),
            Query::Drift => Reply::Drift(Box::default()),
            Query::Sync => Reply::Sync(Box::new(crate::query::SyncView {
                status: None,
                centre: SafeText::default(),
                rows: Vec::new(),
                outbox: Vec::new(),
                conflicts: Vec::new(),
                others: Vec::new(),
            })),
            Query::Vocabulary => {
                Reply::Vocabulary { nas: vec!["bng-1".into(), "bng-2".into(), "bng-3".into()], sites: vec!["north".into()] }
            }
        }
    }
}

pub(crate) fn subscriber_view(at: u64, hostile: bool) -> SubscriberView {
    let row = row(at, hostile);
    let tenant = TenantId(Uuid::from_u128(1));
    let nas = NasId(Uuid::from_u128(7));
    let subscriber = Subscriber {
        id: row.id,
        tenant,
        subscriber_number: row.subscriber_number.clone(),
        username: row.username.clone(),
        full_name: row.full_name.clone(),
        email: Some("anna@example.org".into()),
        phone: Some("+49 30 1234567".into()),
        status: row.status,
        service_type: Some("ftth".into()),
        download_kbps: Some(1_000_000),
        upload_kbps: Some(250_000),
        service_address: Some("Hauptstra\u{df}e 12, 10827 Berlin".into()),
        position: None,
        site: Some("north".into()),
        nas: Some(nas),
        vlan: Some(312),
        circuit_id: Some("olt-3/1/4:77".into()),
        remote_id: None,
        onu_serial: Some("ALCLB1234567".into()),
        cpe_mac: Some("00:00:5e:00:53:01".into()),
        static_ipv4: None,
        ipv6: Ipv6Record {
            state: row.state,
            mode: row.mode,
            enforcement: row.enforcement,
            enforcement_note: None,
            prefix: row.prefix,
            vrf: None,
            pd_size: Some(56),
            netbox_prefix_id: row.prefix.map(|_| 4711),
            hold_until: row.hold_until,
            last_error: row.last_error.clone(),
            allocated_at: Some(now() - Duration::days(3)),
            since: row.since,
            ..Ipv6Record::pending(row.mode, row.since)
        },
        balance_flag: at % 5 == 4,
        suspend_reason: None,
        notes: Some("Dog. Call before.".into()),
        session: row.has_session.then(|| Session {
            nas,
            acct_session_id: "0A1B2C3D".into(),
            framed_ipv4: "192.0.2.44".parse().ok(),
            delegated_prefix: row.prefix,
            started_at: now() - Duration::hours(30),
            seen_at: now() - Duration::minutes(2),
            accounting: Some(SessionAccounting {
                key: "7f3a".into(),
                framed_prefix: "2001:db8:fe:7::/64".parse().ok(),
                input_octets: 5_120_000_000,
                output_octets: 160_200_000_000,
            }),
        }),
        running: row.running,
        queued: None,
        version: row.version,
        created_at: now() - Duration::days(400),
        updated_at: row.since,
    };
    let timeline = vec![
        operation(at, OperationKind::Suspend, OperationStatus::Refused),
        operation(at, OperationKind::Allocate, OperationStatus::Succeeded),
    ];
    SubscriberView {
        subscriber,
        nas_name: Some("bng-1".into()),
        session_nas_name: Some("bng-1".into()),
        timeline,
        others: Vec::new(),
        expected: (row.enforcement == Enforcement::Acknowledged).then(|| Expected::By(now() + Duration::minutes(12))),
        accounting_read: true,
    }
}

pub(crate) fn operation(at: u64, kind: OperationKind, status: OperationStatus) -> OperationView {
    let refused = status == OperationStatus::Refused;
    let step = if refused { StepKind::NasCoa } else { StepKind::NetboxAllocate };
    let began = now() - Duration::hours(if refused { 2 } else { 72 });
    OperationView {
        operation: Operation {
            id: operation_id(at * 2 + u64::from(refused)),
            tenant: TenantId(Uuid::from_u128(1)),
            subscriber: subscriber_id(at),
            kind,
            actor: Actor { name: "mira".into(), role: Role::Noc, origin: "noc-3 pts/4".into() },
            options: OperationOptions::default(),
            expected_version: Some(2),
            requested_at: began,
            status,
            plan: vec![step],
            progress: Progress::default(),
            retry_at: None,
            ended_at: Some(began + Duration::seconds(1)),
            error: refused.then(|| "bng-1 refused: 503 Session Context Not Found: the subscriber has no session there".into()),
            lease_owner: None,
            lease_until: None,
        },
        subscriber_name: "Anna".into(),
        steps: vec![StepRow {
            step,
            attempt: 1,
            upstream: if refused { "bng-1".into() } else { "netbox".into() },
            request: if refused {
                "CoA-Request User-Name=user1@isp.example Acct-Session-Id=0A1B2C3D Filter-Id=garden".into()
            } else {
                "POST /api/ipam/prefixes/12/available-prefixes/ prefix_length=56".into()
            },
            status: if refused { StepStatus::Refused } else { StepStatus::Done },
            answer: Some(if refused {
                "CoA-NAK Error-Cause=503 Session Context Not Found".into()
            } else {
                "201: 2001:db8:1:100::/56, id 4711".into()
            }),
            started_at: began,
            ended_at: Some(began + Duration::milliseconds(210)),
        }],
    }
}

pub(crate) fn config() -> AppConfig {
    let mut config = AppConfig::new(now(), "mira", Role::Noc);
    config.tenant = "Nordnetz".into();
    config
}

/// An application and the store that answers it.
pub(crate) struct Desk {
    pub app: App,
    pub stub: Stub,
    /// Effects other than questions, since the last look.
    pub effects: Vec<Effect>,
}

impl Desk {
    pub fn new(stub: Stub) -> Self {
        Self::with(config(), stub)
    }

    pub fn with(config: AppConfig, stub: Stub) -> Self {
        let mut desk = Self { app: App::new(config), stub, effects: Vec::new() };
        let effects = desk.app.start();
        desk.settle(effects);
        desk
    }

    /// On the board.
    pub fn board(stub: Stub) -> Self {
        let mut desk = Self::new(stub);
        desk.press("2");
        desk
    }

    /// Answers questions until there are none; keeps the other effects.
    pub fn settle(&mut self, effects: Vec<Effect>) {
        let mut todo = effects;
        for _ in 0..200 {
            let mut next = Vec::new();
            for effect in std::mem::take(&mut todo) {
                match effect {
                    Effect::Ask { id, query } => {
                        let reply = self.stub.answer(&query);
                        next.extend(update(&mut self.app, Msg::Reply { id, reply }));
                    }
                    Effect::PreviewJob { course, set } => {
                        let answer = jobs::preview(&self.stub, course.clone(), &set);
                        self.effects.push(Effect::PreviewJob { course, set });
                        next.extend(update(&mut self.app, Msg::JobPreviewed(Box::new(answer))));
                    }
                    other => self.effects.push(other),
                }
            }
            if next.is_empty() {
                return;
            }
            todo = next;
        }
        panic!("the application asks for ever");
    }

    pub fn send(&mut self, msg: Msg) {
        let effects = update(&mut self.app, msg);
        self.settle(effects);
    }

    /// Keys one after the other: `"g g"`.
    pub fn press(&mut self, keys: &str) {
        for word in keys.split_whitespace() {
            let keys = parse_sequence(word).unwrap_or_else(|| panic!("'{word}' is not a key"));
            for key in keys {
                self.send(Msg::Key(key));
            }
        }
    }

    pub fn type_text(&mut self, text: &str) {
        for c in text.chars() {
            if c == ' ' { self.press("space") } else { self.press(&c.to_string()) }
        }
    }

    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    pub fn resize(&mut self, width: u16, height: u16) {
        self.send(Msg::Resize(width, height));
    }

    /// The frame as text, at the present size.
    pub fn frame(&self) -> String {
        let area = self.app.screen();
        let mut terminal = Terminal::new(TestBackend::new(area.width, area.height)).expect("a terminal");
        terminal.draw(|frame| view(&self.app, self.app.look(), frame)).expect("a frame");
        text_of(terminal.backend().buffer())
    }

    pub fn look(&mut self, theme: &str, depth: Depth, ascii: bool) {
        self.app.look = crate::look::Look::new(theme, depth, ascii);
    }
}

/// A buffer as lines of text; the cell behind a wide character is left out.
pub(crate) fn text_of(buffer: &ratatui::buffer::Buffer) -> String {
    let mut out = String::new();
    for y in buffer.area.top()..buffer.area.bottom() {
        let mut line = String::new();
        let mut x = buffer.area.left();
        while x < buffer.area.right() {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            x += crate::widgets::width(symbol).max(1);
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}
