//! What a trial begins with, put into the local store by an import and into the centre by its owner.

use super::bench::{Bench, SESSION, USER};
use super::desk::Desk;
use super::plan::{Place, Plan};
use noctule_domain::audit::AuditEntry;
use noctule_domain::lifecycle::{AssignmentMode, Ipv6State};
use noctule_domain::subscriber::{Ipv6Record, Username};
use noctule_storage::{NewNas, NewSession, NewSubscriber, Store};
use std::net::SocketAddr;

/// A NAS, and a pending subscriber on it.
pub async fn subscriber(plan: &Plan, nas: SocketAddr, mode: AssignmentMode, session: bool) {
    match (&plan.place, plan.open()) {
        (Place::Centre(central), _) => {
            let id = uuid::Uuid::now_v7();
            let sql = format!(
                "INSERT INTO noctule.nas (tenant_id, id, name, profile, address, secret)
                    VALUES ('{tenant}', '{id}', 'bng-1', '{profile}', '{nas}', 'env:UNUSED');
                INSERT INTO noctule.subscribers (tenant_id, id, number, username, full_name, status, state, mode, nas)
                    VALUES ('{tenant}', '{subscriber}', 'N-1', '{USER}', 'Anna Virtanen', 'active', 'pending', '{mode}', '{id}');
                INSERT INTO noctule.sessions (tenant_id, id, nas, acct_session_id, started_at, seen_at)
                    SELECT '{tenant}', '{subscriber}', '{id}', '{SESSION}', now(), now() WHERE {session};",
                profile = plan.profile,
                tenant = plan.tenant,
                subscriber = plan.subscriber,
            );
            central.owner().await.batch_execute(&sql).await.expect("a subscriber");
        }
        (Place::Store(_), Desk::Local(store)) => into_store(&store, plan, nas, mode, session).await,
        (Place::Store(_), Desk::Central(_)) => unreachable!("a store opens as a store"),
    }
}

impl Bench {
    /// Another subscriber who holds a prefix here that NetBox does not know of.
    pub async fn neighbour(&self, prefix: &str) {
        let Desk::Local(store) = self.plan.open() else {
            let id = uuid::Uuid::now_v7();
            let sql = format!(
                "INSERT INTO noctule.subscribers (tenant_id, id, number, username, full_name, status, state, mode, prefix)
                 VALUES ('{}', '{id}', 'N-2', 'bertil@isp.example', 'Bertil', 'active', 'allocated', 'pd', '{prefix}')",
                self.plan.tenant
            );
            return self.owner().await.batch_execute(&sql).await.expect("a neighbour");
        };
        let mut record = Ipv6Record::pending(AssignmentMode::Pd, self.plan.now);
        record.state = Ipv6State::Allocated;
        record.prefix = Some(prefix.parse().expect("a prefix"));
        let name = Username::new("bertil@isp.example").expect("a name");
        let mut importer = store.importer().await.expect("import");
        let row = NewSubscriber::new("N-2".into(), name, "Bertil".into(), record);
        assert!(importer.push_subscribers(vec![row]).await.expect("subscribers").is_empty());
        importer.commit(imported(&self.plan)).await.expect("commit");
    }

    /// The subscriber is registered at no NAS any more.
    pub async fn forget_nas(&self) {
        let Desk::Local(store) = self.plan.open() else {
            let sql = format!("UPDATE noctule.subscribers SET nas = NULL WHERE id = '{}'", self.plan.subscriber);
            return self.owner().await.batch_execute(&sql).await.expect("forgotten");
        };
        let record = store.subscriber(self.plan.subscriber).await.expect("store").expect("there").ipv6;
        let mut importer = store.importer().await.expect("import");
        let row = NewSubscriber::new("N-1".into(), Username::new(USER).expect("a name"), "Anna Virtanen".into(), record);
        assert!(importer.push_subscribers(vec![row]).await.expect("subscribers").is_empty());
        importer.commit(imported(&self.plan)).await.expect("commit");
    }

    /// The owner of the centre, for what a test does beside the product.
    pub async fn owner(&self) -> tokio_postgres::Client {
        match &self.plan.place {
            Place::Centre(central) => central.owner().await,
            Place::Store(_) => panic!("there is no centre"),
        }
    }
}

async fn into_store(store: &Store, plan: &Plan, nas: SocketAddr, mode: AssignmentMode, session: bool) {
    let now = plan.now;
    let mut importer = store.importer().await.expect("import");
    let row = NewNas {
        id: None,
        name: "bng-1".into(),
        profile: plan.profile.clone(),
        address: nas,
        nas_ip: None,
        nas_identifier: None,
        secret: "env:UNUSED".parse().expect("a reference"),
        position: None,
        site: None,
        enabled: true,
    };
    assert!(importer.push_nas(vec![row]).await.expect("nas").is_empty());
    let record = Ipv6Record::pending(mode, now);
    let subscriber = NewSubscriber {
        id: Some(plan.subscriber),
        nas: Some("bng-1".into()),
        session: session.then(|| NewSession {
            nas: None,
            acct_session_id: SESSION.into(),
            framed_ipv4: None,
            delegated_prefix: None,
            started_at: now,
            seen_at: now,
        }),
        ..NewSubscriber::new("N-1".into(), Username::new(USER).expect("a name"), "Anna Virtanen".into(), record)
    };
    assert!(importer.push_subscribers(vec![subscriber]).await.expect("subscribers").is_empty());
    importer.commit(imported(plan)).await.expect("commit");
}

fn imported(plan: &Plan) -> AuditEntry {
    AuditEntry {
        tenant: plan.tenant,
        at: plan.now,
        actor: "fault".into(),
        origin: "tests".into(),
        action: "import-subscribers".to_owned(),
        target: "store".into(),
        operation: None,
        reason: None,
        before: serde_json::Value::Null,
        after: serde_json::json!({}),
        answers: serde_json::Value::Null,
    }
}
