//! What the made-up system does, and that a file of it is the same system to the next process.

use super::*;
use crate::nas::{NasSession, NasSim, NasSimConfig, Preset};
use noctule_domain::OperationId;
use noctule_domain::aaa::{Login, SuspendLogin};
use noctule_domain::secret::Secret;
use noctule_domain::subscriber::Username;
use std::time::Duration;

fn name(name: &str) -> Username {
    Username::new(name).expect("a name")
}

fn normal() -> Login {
    Login::Normal { delegated: "2001:db8:1::/56".parse().ok(), framed: None }
}

fn operation() -> OperationId {
    OperationId::from_uuid(uuid::Uuid::now_v7())
}

#[test]
fn a_write_is_stored_unless_it_was_refused_or_lost_on_the_way() {
    let aaa = AaaSim::new();
    let anna = name("anna");
    aaa.script([AaaFault::Refused, AaaFault::Down, AaaFault::LostBefore]);
    assert!(matches!(aaa.write(operation(), &anna, &normal()), Err(AaaTrouble::Refused(_))));
    assert!(matches!(aaa.write(operation(), &anna, &normal()), Err(AaaTrouble::Unreachable(_))));
    assert!(matches!(aaa.write(operation(), &anna, &normal()), Err(AaaTrouble::Unclear(_))));
    assert_eq!((aaa.login("anna"), aaa.user(&anna)), (None, Ok(None)));
    aaa.script([AaaFault::LostAfter]);
    assert!(matches!(aaa.write(operation(), &anna, &normal()), Err(AaaTrouble::Unclear(_))));
    assert_eq!(aaa.login("anna"), Some(normal()));
    aaa.set_down(true);
    assert!(matches!(aaa.user(&anna), Err(AaaTrouble::Unreachable(_))));
    aaa.set_down(false);
    let reject = Login::Suspended { how: SuspendLogin::Reject, group: String::new(), reply: Vec::new(), delegated: None, framed: None };
    aaa.write(operation(), &anna, &reject).expect("written");
    assert!(aaa.user(&anna).expect("an answer").is_some_and(|user| user.rejected && user.delegated.is_empty()));
    assert_eq!(aaa.written().len(), 2);
}

#[test]
fn users_come_in_their_order_page_by_page() {
    let aaa = AaaSim::new();
    aaa.seed(["b", "B", "a", "C"].map(|n| (name(n), Login::WithoutPrefix)));
    let mut found: Vec<String> = Vec::new();
    loop {
        let after = found.last().map(|last| name(last));
        let page = aaa.users_after(after.as_ref(), 3).expect("a page");
        if page.is_empty() {
            break;
        }
        found.extend(page.into_iter().map(|user| user.username.to_string()));
    }
    assert_eq!(found, ["a", "B", "b", "C"]);
}

#[test]
fn a_file_is_the_same_system_to_another_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("aaa.json");
    let (one, other) = (AaaSim::kept(file.clone()), AaaSim::kept(file));
    one.write(operation(), &name("anna"), &normal()).expect("written");
    assert_eq!(other.login("anna"), Some(normal()));
    other.script([AaaFault::Refused]);
    assert!(one.write(operation(), &name("anna"), &Login::WithoutPrefix).is_err());
    assert!(other.write(operation(), &name("anna"), &Login::WithoutPrefix).is_ok(), "the fault was used up by the other one");
    assert_eq!(one.login("anna"), Some(Login::WithoutPrefix));
}

#[tokio::test]
async fn accounting_hears_what_a_nas_does() {
    let now = chrono::Utc::now();
    let session = NasSession::new("s-1", "anna", now).with_prefix("2001:db8:1::/56".parse().expect("prefix"));
    let nas = NasSim::start(NasSimConfig::new(Preset::Strict, Secret::new("secret")).session(session)).await.expect("a NAS");
    let aaa = AaaSim::new();
    aaa.hears(&nas, "192.0.2.1".parse().expect("address"));
    let open = aaa.sessions_of(&name("anna")).expect("sessions");
    assert_eq!((open.len(), open[0].stopped_at, open[0].delegated_prefix), (1, None, "2001:db8:1::/56".parse().ok()));
    nas.remove_session("s-1");
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while aaa.sessions_of(&name("anna")).expect("sessions")[0].stopped_at.is_none() {
        assert!(tokio::time::Instant::now() < deadline, "the Stop was not heard");
        tokio::task::yield_now().await;
    }
}
