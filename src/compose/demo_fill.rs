//! Fills a store with a made-up provider, through the same import that a CSV goes through: for the demo, and for the bench.

use crate::exit::{Exit, Failure};
use noctule_domain::audit::AuditEntry;
use noctule_domain::nas::Nas;
use noctule_domain::subscriber::Subscriber;
use noctule_domain::task::Task;
use noctule_domain::technician::Technician;
use noctule_domain::{NasId, SafeText, SubscriberId, TaskId, TechnicianId};
use noctule_sim::world::World;
use noctule_storage::{NewNas, NewSession, NewSubscriber, NewTask, NewTechnician, RowError, Store};
use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;

const BATCH: usize = 1000;

/// `addresses`: where the simulated NASes listen, in the order of the world's. `seen` is told of each subscriber.
pub async fn fill(store: &Store, world: &World, addresses: &[SocketAddr], seen: &(dyn Fn(&Subscriber) + Sync)) -> Result<(), Failure> {
    let mut importer = store.importer().await?;
    let nases = world.nases.iter().zip(addresses).map(|(nas, address)| new_nas(nas, *address)).collect();
    clean(importer.push_nas(nases).await?)?;
    let nas_names: HashMap<NasId, SafeText> = world.nases.iter().map(|n| (n.id, n.name.clone())).collect();
    let mut batch = Vec::with_capacity(BATCH);
    for subscriber in world.subscribers() {
        seen(&subscriber);
        batch.push(new_subscriber(subscriber, &nas_names));
        if batch.len() == BATCH {
            clean(importer.push_subscribers(std::mem::replace(&mut batch, Vec::with_capacity(BATCH))).await?)?;
        }
    }
    clean(importer.push_subscribers(batch).await?)?;
    clean(importer.push_technicians(world.technicians.iter().cloned().map(new_technician).collect()).await?)?;
    let people: HashMap<TechnicianId, SafeText> = world.technicians.iter().map(|t| (t.id, t.employee_id.clone())).collect();
    let numbers: HashMap<TaskId, SafeText> = world.tasks.iter().map(|t| (t.id, t.number.clone())).collect();
    let wanted: HashSet<SubscriberId> = world.tasks.iter().filter_map(|t| t.subscriber).collect();
    let subscribers = world.subscribers().filter(|s| wanted.contains(&s.id)).map(|s| (s.id, s.subscriber_number)).collect();
    let tasks = world.tasks.iter().cloned().map(|t| new_task(t, &people, &numbers, &subscribers)).collect();
    clean(importer.push_tasks(tasks).await?)?;
    let entry = AuditEntry {
        tenant: world.tenant,
        at: chrono::Utc::now(),
        actor: "system".into(),
        origin: "demo".into(),
        action: "demo-fill".to_owned(),
        target: "store".into(),
        operation: None,
        reason: Some("the made-up provider of the demo".into()),
        before: serde_json::Value::Null,
        after: serde_json::json!({}),
        answers: serde_json::Value::Null,
    };
    importer.commit(entry).await?;
    // As a console would have seen them over the last weeks, so that there is an outlook.
    for days in (0..WEEKS * 7).rev() {
        store.pools_replace(world.pools_before(days)).await?;
    }
    Ok(())
}

/// For which the use of pools is made up.
const WEEKS: u32 = 5;

/// The made-up rows are good by construction; one that is not is a fault of the generator.
fn clean(errors: Vec<RowError>) -> Result<(), Failure> {
    match errors.first() {
        None => Ok(()),
        Some(error) => Err(Failure::new(Exit::Internal, format!("row {} of the made-up provider is wrong: {}", error.index, error.words))),
    }
}

fn new_nas(nas: &Nas, address: SocketAddr) -> NewNas {
    let nas = nas.clone();
    NewNas {
        id: Some(nas.id),
        name: nas.name,
        profile: nas.profile,
        address,
        nas_ip: nas.nas_ip,
        nas_identifier: nas.nas_identifier,
        secret: nas.secret,
        position: nas.position,
        site: nas.site,
        enabled: nas.enabled,
    }
}

fn new_subscriber(s: Subscriber, nases: &HashMap<NasId, SafeText>) -> NewSubscriber {
    NewSubscriber {
        id: Some(s.id),
        email: s.email,
        phone: s.phone,
        status: s.status,
        service_type: s.service_type,
        download_kbps: s.download_kbps,
        upload_kbps: s.upload_kbps,
        service_address: s.service_address,
        position: s.position,
        site: s.site,
        nas: s.nas.and_then(|id| nases.get(&id).cloned()),
        vlan: s.vlan,
        circuit_id: s.circuit_id,
        remote_id: s.remote_id,
        onu_serial: s.onu_serial,
        cpe_mac: s.cpe_mac,
        static_ipv4: s.static_ipv4,
        balance_flag: s.balance_flag,
        suspend_reason: s.suspend_reason,
        notes: s.notes,
        session: s.session.map(|session| NewSession {
            nas: nases.get(&session.nas).cloned(),
            acct_session_id: session.acct_session_id,
            framed_ipv4: session.framed_ipv4,
            delegated_prefix: session.delegated_prefix,
            started_at: session.started_at,
            seen_at: session.seen_at,
        }),
        ..NewSubscriber::new(s.subscriber_number, s.username, s.full_name, s.ipv6)
    }
}

fn new_technician(t: Technician) -> NewTechnician {
    NewTechnician {
        id: Some(t.id),
        employee_id: t.employee_id,
        name: t.name,
        email: t.email,
        phone: t.phone,
        mobile: t.mobile,
        status: t.status,
        skill_level: t.skill_level,
        home_base: t.home_base,
        fix: t.fix,
        team: t.team,
        skills: t.skills,
        time_zone: t.time_zone,
        work_from_min: t.work_from_min,
        work_to_min: t.work_to_min,
        on_call: t.on_call,
        available_for_emergency: t.available_for_emergency,
        rating: t.rating,
        completion_rate: t.completion_rate,
    }
}

fn new_task(
    t: Task,
    people: &HashMap<TechnicianId, SafeText>,
    numbers: &HashMap<TaskId, SafeText>,
    subscribers: &HashMap<SubscriberId, SafeText>,
) -> NewTask {
    NewTask {
        id: Some(t.id),
        number: t.number,
        title: t.title,
        task_type: t.task_type,
        status: t.status,
        priority: t.priority,
        subscriber_number: t.subscriber.and_then(|id| subscribers.get(&id).cloned()),
        technician: t.technician.and_then(|id| people.get(&id).cloned()),
        address: t.address,
        position: t.position,
        scheduled_at: t.scheduled_at,
        estimate_min: t.estimate_min,
        sla_due_at: t.sla_due_at,
        depends_on: t.depends_on.iter().filter_map(|id| numbers.get(id).cloned()).collect(),
        notes: t.notes,
        blocked_reason: t.blocked_reason,
        started_at: t.started_at,
        ended_at: t.ended_at,
    }
}
