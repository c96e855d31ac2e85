//! The world keeps the domain's rules: what a screen, NetBox and a NAS say of a subscriber fits together.

use super::*;
use crate::nas::{Attribute, Delay, NasSession, NasSim, attr, code, vendor, write_request};
use noctule_domain::Timestamp;
use noctule_domain::ipam::PoolLevel;
use noctule_domain::lifecycle::{AssignmentMode, Ipv6State};
use noctule_domain::subscriber::Subscriber;
use noctule_domain::task::TaskStatus;
use noctule_domain::technician::TechnicianStatus;
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

fn now() -> Timestamp {
    "2026-11-23T10:00:00Z".parse().unwrap()
}

fn world() -> World {
    World::generate(WorldConfig::new(42, now()))
}

#[test]
fn every_state_and_mode_is_there_in_believable_numbers() {
    for n in [FEWEST_SUBSCRIBERS, 5_000] {
        let mut config = WorldConfig::new(7, now());
        config.subscribers = n;
        let world = World::generate(config);
        let mut states: HashMap<Ipv6State, u64> = HashMap::new();
        let mut modes = HashSet::new();
        for s in world.subscribers() {
            *states.entry(s.ipv6.state).or_default() += 1;
            modes.insert(s.ipv6.mode);
        }
        assert!(Ipv6State::ALL.iter().all(|s| states[s] > 0), "{n}: {states:?}");
        assert!(states[&Ipv6State::Active] * 2 > n);
        assert_eq!(states.values().sum::<u64>(), n);
        if n == 5_000 {
            assert!(
                [AssignmentMode::Pd, AssignmentMode::DualStack, AssignmentMode::Slaac, AssignmentMode::None]
                    .iter()
                    .all(|m| modes.contains(m))
            );
        }
    }
}

#[test]
fn facts_of_a_subscriber_agree_with_its_state() {
    let world = world();
    for s in world.subscribers() {
        let r = &s.ipv6;
        let who = s.subscriber_number.as_str();
        if r.state.holds_prefix() {
            assert!(r.prefix.is_some() && r.netbox_prefix_id.is_some() && r.allocated_at.is_some(), "{who}: {r:?}");
            assert!(r.mode.delegates(), "{who}");
        }
        if matches!(r.state, Ipv6State::Active | Ipv6State::Suspended) {
            let session = s.session.as_ref().unwrap_or_else(|| panic!("{who} has no session"));
            // Where a suspend ends the session, the next one is without the prefix.
            let routed = r.prefix.filter(|_| r.state == Ipv6State::Active || session.started_at < r.since);
            assert_eq!((Some(session.nas), session.delegated_prefix), (s.nas, routed), "{who}");
            assert!(r.activated_at.is_some() && r.activated_at >= r.allocated_at);
        }
        match r.state {
            Ipv6State::Pending => assert!(r.prefix.is_none() && r.netbox_prefix_id.is_none(), "{who}"),
            Ipv6State::Failed => assert!(r.last_error.is_some() && r.failed_at == Some(r.since) && r.prefix.is_none(), "{who}"),
            Ipv6State::Suspended => assert!(r.suspended_at == Some(r.since) && s.suspend_reason.is_some(), "{who}"),
            Ipv6State::Revoked => {
                assert!(r.revoked_at == Some(r.since) && s.session.is_none(), "{who}");
                assert_eq!(r.hold_until.is_some(), r.netbox_prefix_id.is_some(), "{who}: rests in NetBox while on hold");
            }
            _ => {}
        }
        let stamps = [r.allocated_at, r.activated_at, r.suspended_at, r.resumed_at, r.revoked_at, r.failed_at, Some(r.since)];
        assert!(
            stamps.into_iter().flatten().all(|t| t >= s.created_at && t <= now()),
            "{who}: a stamp before its time or after now: {r:?}"
        );
        assert!(r.prefix.is_none_or(|p| p.trunc() == p && Some(p.prefix_len()) == r.pd_size), "{who}");
    }
    let of = |class| (0..world.count_of(class)).filter_map(move |i| world.subscriber_of(class, i)).collect::<Vec<_>>();
    let world = self::world();
    let revoked = |s: &Subscriber| s.ipv6.state == Ipv6State::Revoked;
    assert!(world.subscribers().any(|s| revoked(&s) && s.ipv6.hold_until.is_some_and(|t| t > now())), "one on hold");
    assert!(world.subscribers().any(|s| revoked(&s) && s.ipv6.hold_until.is_some_and(|t| t <= now())), "one past its hold");
    assert!(world.subscribers().any(|s| revoked(&s) && s.ipv6.netbox_prefix_id.is_none()), "one long gone");
    let hour = chrono::TimeDelta::hours(1);
    assert!(of(Class::Revoking).iter().filter(|s| now() - s.ipv6.since > hour).count() >= 2, "revoking for more than an hour");
}

#[test]
fn ids_numbers_and_user_names_are_unique_and_texts_are_clean() {
    let world = world();
    let (mut ids, mut names, mut sessions) = (HashSet::new(), HashSet::new(), HashSet::new());
    for (i, s) in world.subscribers().enumerate() {
        assert_eq!(s.subscriber_number.as_str(), format!("N-{:07}", i + 1));
        assert!(ids.insert(s.id) && names.insert(s.username.clone()));
        if let Some(session) = &s.session {
            assert!(sessions.insert(session.acct_session_id.clone()));
        }
        assert!(s.username.as_str().ends_with(&format!(".{}@isp.example", i + 1)), "{}", s.username);
    }
}

#[test]
fn netbox_holds_exactly_the_prefixes_of_the_subscribers_and_none_overlap() {
    let world = world();
    let seed: Vec<WorldPrefix> = world.netbox_seed().collect();
    assert_eq!(seed.len() as u64, world.netbox_count());
    assert!(seed.iter().enumerate().all(|(i, p)| p.id == i as i64 + 1), "ids without a gap");
    let mut expected = HashMap::new();
    for s in world.subscribers() {
        if let (Some(id), Some(prefix)) = (s.ipv6.netbox_prefix_id, s.ipv6.prefix) {
            expected.insert(id, (prefix, s.subscriber_number.clone(), s.ipv6.hold_until));
        }
    }
    let mut operations = HashSet::new();
    let mut nets: Vec<ipnet::Ipv6Net> = Vec::new();
    for p in &seed {
        let Some(owner) = &p.owner else { continue };
        assert_eq!(expected.remove(&p.id), Some((p.prefix, owner.subscriber_number.clone(), owner.hold_until)));
        assert!(operations.insert(owner.operation));
        nets.push(p.prefix);
    }
    assert!(expected.is_empty(), "held but not in NetBox: {expected:?}");
    nets.sort();
    for pair in nets.windows(2) {
        assert!(!pair[0].contains(&pair[1]) && !pair[1].contains(&pair[0]), "{} and {} overlap", pair[0], pair[1]);
    }
    for pool in world.pools() {
        assert_eq!(pool.used, nets.iter().filter(|n| pool.prefix.contains(*n)).count() as u64, "{}", pool.prefix);
        assert_eq!(seed[pool.id as usize - 1].prefix, pool.prefix);
    }
    let levels: Vec<PoolLevel> = world.pools().iter().map(noctule_domain::ipam::Pool::level).collect();
    assert_eq!(levels, vec![PoolLevel::Critical, PoolLevel::Warning, PoolLevel::Normal], "an alert of each kind, and room");
}

#[tokio::test]
async fn a_simulated_netbox_seeded_with_the_world_has_the_same_ids() {
    let mut config = WorldConfig::new(11, now());
    config.subscribers = 300;
    let world = World::generate(config);
    let seed = crate::netbox::NetboxConfig { prefixes: world.netbox_seed().map(Into::into).collect(), ..Default::default() };
    let netbox = crate::netbox::NetboxSim::start(seed).await.unwrap();
    for p in world.netbox_seed() {
        let there = netbox.prefix(p.id).unwrap_or_else(|| panic!("no prefix {}", p.id));
        assert_eq!((there.prefix, there.status), (p.prefix, p.status.word()));
        let owner = p.owner.map(|o| (o.operation.to_string(), o.subscriber_number.into_string()));
        assert_eq!(there.operation_id.zip(there.subscriber_id), owner);
    }
    assert_eq!(netbox.prefixes().len() as u64, world.netbox_count());
}

#[test]
fn every_active_subscriber_routes_on_its_nas_and_no_suspended_one_does() {
    let world = world();
    let sims = world.nas_sims();
    assert_eq!(sims.len(), 6);
    let words = sims[0].behaviour.blocking_words.clone();
    let mut on: HashMap<(usize, &str), &NasSession> = HashMap::new();
    for (i, sim) in sims.iter().enumerate() {
        assert_eq!(sim.name, world.nases[i].name.as_str());
        assert_eq!(world.nases[i].nas_ip, sim.identity.ipv4.map(std::net::IpAddr::V4));
        assert!(!sim.sessions.is_empty(), "{} has sessions", sim.name);
        on.extend(sim.sessions.iter().map(|s| ((i, s.username.as_str()), s)));
    }
    for s in world.subscribers() {
        let nas = world.nases.iter().position(|n| Some(n.id) == s.nas).unwrap();
        let session = on.get(&(nas, s.username.as_str()));
        match s.ipv6.state {
            Ipv6State::Active => assert!(session.is_some_and(|x| x.routes(&words)), "{}", s.username),
            Ipv6State::Suspended => assert!(session.is_some_and(|x| !x.routes(&words)), "{}", s.username),
            _ => {}
        }
        assert_eq!(session.is_some(), s.session.is_some(), "{}", s.username);
    }
    assert_eq!(
        world.nases.iter().map(|n| n.profile.as_str()).collect::<Vec<_>>(),
        ["generic", "mikrotik", "juniper", "nokia", "accel-ppp", "freeradius"]
    );
}

/// A vendor attribute with one value inside.
fn vsa(vendor: u32, typ: u8, value: &str) -> Attribute {
    let mut out = vendor.to_be_bytes().to_vec();
    out.extend([typ, value.len() as u8 + 2]);
    out.extend_from_slice(value.as_bytes());
    Attribute::new(attr::VENDOR_SPECIFIC, out)
}

#[tokio::test]
async fn a_suspended_subscriber_of_each_nas_routes_again_when_it_is_resumed() {
    let world = world();
    for (i, mut config) in world.nas_sims().into_iter().enumerate() {
        let id = world.nases[i].id;
        let subscriber =
            (0..).map_while(|n| world.subscriber_of(Class::Suspended, n)).find(|s| s.nas == Some(id)).expect("a suspended one");
        let user = subscriber.username.as_str().to_owned();
        let mut resumed = subscriber.clone();
        resumed.ipv6.state = Ipv6State::Active;
        config.login = Some(std::sync::Arc::new(move |_: &str| Some(login_profile(&resumed))));
        config.behaviour.relogin = Some(Delay::None);
        let nas = NasSim::start(config).await.unwrap();
        assert!(!nas.routes(&user), "{}", nas.name());
        let session = subscriber.session.as_ref().unwrap();
        let mut attributes = vec![
            Attribute::new(attr::USER_NAME, user.as_bytes()),
            Attribute::new(attr::ACCT_SESSION_ID, session.acct_session_id.as_str().as_bytes()),
        ];
        let code = match world.nases[i].profile.as_str() {
            "accel-ppp" => code::DISCONNECT_REQUEST,
            "juniper" => {
                attributes.push(vsa(vendor::JUNIPER, vendor::JUNIPER_DEACTIVATE, SUSPENDED_FILTER));
                code::COA_REQUEST
            }
            "nokia" => {
                attributes.push(vsa(vendor::NOKIA, vendor::NOKIA_SLA_PROFILE, "noctule-normal"));
                code::COA_REQUEST
            }
            _ => {
                attributes.push(Attribute::new(attr::FILTER_ID, "noctule-normal"));
                code::COA_REQUEST
            }
        };
        let request = write_request(code, 1, &attributes, true, &world.nas_secret(i)).unwrap();
        let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.send_to(&request, nas.addr()).await.unwrap();
        let routes = nas.wait_until(Duration::from_secs(10), |n| n.routes(&user)).await;
        assert!(routes, "{}: {:?}", nas.name(), nas.events());
    }
}

#[test]
fn radius_gives_a_prefix_from_activation_on_and_a_filter_while_suspended() {
    let world = world();
    let profile = |class| login_profile(&world.subscriber_of(class, 0).unwrap());
    assert!(profile(Class::Active).filter.is_none() && profile(Class::Active).delegated_prefixes.len() == 1);
    assert!(profile(Class::Suspended).filter.is_some() && profile(Class::Suspended).delegated_prefixes.len() == 1);
    for class in [Class::Allocated, Class::Revoking, Class::Resting, Class::Pending] {
        assert!(profile(class).delegated_prefixes.is_empty(), "{class:?}: RADIUS must not hand it out");
    }
}

#[test]
fn the_same_seed_gives_the_same_world_and_another_seed_another() {
    let (a, b) = (world(), world());
    assert_eq!(a, b);
    assert!(a.subscribers().eq(b.subscribers()));
    assert!(a.netbox_seed().eq(b.netbox_seed()));
    let other = World::generate(WorldConfig::new(43, now()));
    assert_ne!(a.subscriber(0), other.subscriber(0));
    assert_ne!(a.nas_secret(0), other.nas_secret(0));
}

#[test]
fn tasks_keep_the_rules_of_field_service() {
    let world = world();
    assert_eq!((world.technicians.len(), world.tasks.len()), (40, 200));
    assert!(TaskStatus::ALL.iter().all(|s| world.tasks.iter().any(|t| t.status == *s)), "every status");
    assert!(TechnicianStatus::ALL.iter().all(|s| world.technicians.iter().any(|t| t.status == *s)), "every status of people");
    assert!(world.tasks.iter().any(|t| t.is_overdue(now())), "something is overdue");
    let by_id: HashMap<_, _> = world.tasks.iter().map(|t| (t.id, t)).collect();
    assert_eq!(by_id.len(), 200);
    for task in &world.tasks {
        let open = task.depends_on.iter().filter(|d| !by_id[d].status.is_ended()).count();
        if !matches!(task.status, TaskStatus::Pending | TaskStatus::Blocked | TaskStatus::Cancelled | TaskStatus::Skipped) {
            assert_eq!(open, 0, "{} is {} before what it depends on", task.number, task.status);
        }
        if matches!(task.status, TaskStatus::InProgress | TaskStatus::Assigned | TaskStatus::Paused | TaskStatus::Completed) {
            assert!(task.technician.is_some_and(|id| world.technicians.iter().any(|t| t.id == id)), "{} {}", task.number, task.status);
        }
        assert_eq!(task.status == TaskStatus::Blocked, task.blocked_reason.is_some());
        assert_eq!(task.status.is_ended(), task.ended_at.is_some());
    }
    for technician in &world.technicians {
        let open = world.tasks.iter().filter(|t| t.technician == Some(technician.id) && !t.status.is_ended()).count();
        assert_eq!(technician.open_tasks as usize, open, "{}", technician.name);
        if technician.status == TechnicianStatus::OnJob {
            let current = world.tasks.iter().find(|t| Some(&t.number) == technician.current_task.as_ref());
            assert_eq!(current.map(|t| t.status), Some(TaskStatus::InProgress), "{}", technician.name);
        }
    }
}

#[test]
fn people_move_at_the_speed_of_a_road_and_come_to_their_task() {
    let mut world = world();
    let mut last: HashMap<_, _> = world.technicians.iter().filter_map(|t| t.fix.map(|f| (t.id, (f.at, now())))).collect();
    let (mut fixes, mut moved) = (0, HashSet::new());
    for step in 1..=600 {
        for (id, fix) in world.step(Duration::from_secs(2)) {
            assert_eq!(fix.device_time, now() + chrono::TimeDelta::seconds(2 * step));
            if let Some((at, since)) = last.insert(id, (fix.at, fix.device_time)) {
                let metres = at.distance_m(fix.at);
                let seconds = (fix.device_time - since).num_seconds() as f64;
                assert!(metres / seconds * 3.6 < 130.0, "{metres} m in {seconds} s");
                if metres > 5.0 {
                    moved.insert(id);
                }
            }
            fixes += 1;
        }
    }
    assert!(moved.len() >= 15 && fixes > 1000, "{} people moved, {fixes} fixes", moved.len());
    let at_work = world.technicians.iter().filter(|t| t.status == TechnicianStatus::OnJob);
    let there = |t: &&noctule_domain::technician::Technician| {
        let task = world.tasks.iter().find(|x| Some(&x.number) == t.current_task.as_ref()).and_then(|x| x.position);
        task.zip(t.fix).is_some_and(|(goal, fix)| goal.distance_m(fix.at) < 30.0)
    };
    let (all, come) = (at_work.clone().count(), at_work.filter(there).count());
    assert!(come * 3 >= all, "{come} of {all} are at their task after 20 minutes");
    let mut again = self::world();
    (0..600).for_each(|_| drop(again.step(Duration::from_secs(2))));
    assert_eq!(again.technicians, world.technicians, "the same steps give the same positions");
    let off = |t: &noctule_domain::technician::Technician| t.status == TechnicianStatus::OffDuty;
    assert!(again.technicians.iter().zip(&self::world().technicians).all(|(a, b)| !off(a) || a.fix == b.fix), "off duty stays silent");
}

#[test]
fn a_hundred_thousand_subscribers_come_one_by_one_in_bounded_time() {
    let mut config = WorldConfig::new(1, now());
    config.subscribers = 100_000;
    let begun = Instant::now();
    let world = World::generate(config);
    let held = world.subscribers().filter(|s| s.ipv6.state.holds_prefix()).count();
    assert!(held > 70_000);
    // A bound against a quadratic slip, far from what it takes.
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}

#[test]
fn the_bad_minute_goes_wrong_and_right_again() {
    let script = bad_minute(6);
    assert!(script.windows(2).all(|w| w[0].at <= w[1].at));
    let normal = crate::nas::Preset::Strict.behaviour();
    let mut behaviours = vec![normal.clone(); 6];
    let mut netbox = 200;
    for event in &script {
        match (&event.what, event.what.nas()) {
            (what, Some(nas)) => assert!(what.apply(&mut behaviours[nas], &normal)),
            (Trouble::NetboxFails { status }, None) => netbox = *status,
            (_, None) => netbox = 200,
        }
    }
    assert!(netbox == 200 && behaviours.iter().all(|b| *b == normal), "all is well at the end");
    assert!(
        script.iter().any(|e| matches!(e.what, Trouble::NasDown { nas: 5 }))
            && script.iter().any(|e| matches!(e.what, Trouble::NasSlow { nas: 4, .. }))
    );
}
