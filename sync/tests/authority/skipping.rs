//! A client made by hand, with the rights of an operator of the network, tries what the console would never do. All of it is refused, and
//! nothing of it is stored.

use super::machine::allocated;
use super::place::{Place, begun, request};
use noctule_domain::lifecycle::*;
use noctule_domain::permission::Role;
use noctule_domain::ports::{Authority, AuthorityError};
use noctule_domain::{ConsoleId, OperationId, SubscriberId, TenantId};
use serde_json::{Value, json};
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;
use uuid::Uuid;

/// What the centre said to a call: an answer, or the words of its refusal.
async fn call(client: &Client, function: &str, args: &[&(dyn tokio_postgres::types::ToSql + Sync)]) -> Result<Value, String> {
    let places: Vec<String> = (1..=args.len()).map(|n| format!("${n}")).collect();
    let row = client.query_one(&format!("SELECT noctule.{function}({})", places.join(", ")), args).await;
    row.map(|row| row.get(0)).map_err(|e| e.as_db_error().map_or_else(|| e.to_string(), |db| db.message().to_owned()))
}

fn end(status: &str, state: Option<&str>, enforcement: Option<&str>) -> Value {
    json!({
        "status": status, "state": state, "enforcement": enforcement, "enforcement_note": null, "error": null, "begin_hold": false,
        "forget_prefix": false,
    })
}

fn facts(place: &Place, subscriber: SubscriberId) -> String {
    place.sql(&format!(
        "SELECT s.state, s.enforcement, s.prefix, s.netbox_prefix_id, s.version,
            (SELECT string_agg(o.status || o.progress, ',') FROM noctule.operations AS o WHERE o.subscriber = s.id)
         FROM noctule.subscribers AS s WHERE s.id = '{subscriber}'"
    ))
}

#[tokio::test]
async fn tables_are_not_written_by_hand() {
    let place = Place::new().await;
    let subscriber = place.in_service(1);
    let client = place.by_hand(&place.login(Role::Noc)).await;
    for sql in [
        "UPDATE noctule.subscribers SET state = 'suspended'",
        "DELETE FROM noctule.subscribers",
        "INSERT INTO noctule.operations SELECT * FROM noctule.operations",
        "UPDATE noctule.operations SET status = 'succeeded'",
        "UPDATE noctule.operation_steps SET status = 'done'",
        "UPDATE noctule.audit_heads SET seq = 0",
        "DELETE FROM noctule.audit",
        "TRUNCATE noctule.audit",
        "INSERT INTO noctule.audit SELECT * FROM noctule.audit",
        "UPDATE noctule.members SET role = 'admin'",
        "SELECT noctule.audit_append('{}')",
        "SELECT noctule.write_ipv6(s, now()) FROM noctule.subscribers AS s",
        "SELECT noctule.outcome_of(o, 'succeeded') FROM noctule.operations AS o",
        "SET ROLE noctule_owner",
    ] {
        let error = client.batch_execute(sql).await.expect_err(sql);
        assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{sql}: {error}");
    }
    let seen: i64 = client.query_one("SELECT count(*) FROM noctule.subscribers", &[]).await.expect("a count").get(0);
    assert_eq!(seen, 1, "reading is allowed, and shows what was tried on");
    assert!(facts(&place, subscriber).starts_with("active|acknowledged|"));
}

#[tokio::test]
async fn an_operation_is_not_ended_without_its_steps() {
    let place = Place::new().await;
    let subscriber = place.in_service(1);
    let login = place.login(Role::Noc);
    let console = ConsoleId(Uuid::now_v7());
    let operation = begun(&place.console_known(&login, console), request(subscriber, OperationKind::Suspend)).await;
    assert_eq!(operation.plan, [StepKind::NasCoa]);
    let before = facts(&place, subscriber);
    let client = place.by_hand(&login).await;
    let honest = json!(operation.progress);
    let mut further = operation.progress.clone();
    further.at = 1;
    let ends = [
        end("succeeded", Some("suspended"), Some("acknowledged")),
        end("succeeded", Some("suspended"), Some("observed")),
        end("succeeded", Some("suspended"), Some("none")),
        end("succeeded", None, None),
        end("failed", Some("failed"), Some("none")),
        end("failed", None, None),
        end("refused", None, Some("refused")),
        end("unanswered", None, Some("unanswered")),
        end("cancelled", None, None),
        end("running", None, None),
        json!({}),
    ];
    for ended in ends {
        for progress in [&honest, &json!(further)] {
            let said = call(&client, "finish", &[&operation.id.0, &console.0, progress, &ended]).await;
            assert!(said.as_ref().is_err_and(|e| e.contains("nothing was ended")), "{ended}: {said:?}");
        }
    }
    assert_eq!(facts(&place, subscriber), before);
}

/// What a console could not read would stop all of them: it never gets in.
#[tokio::test]
async fn a_request_of_the_wrong_shape_begins_nothing() {
    let place = Place::new().await;
    let client = place.by_hand(&place.login(Role::Noc)).await;
    let (subscriber, console) = (place.subscriber(&[]), Uuid::now_v7());
    let wanted = |options: Value, kind: &str| json!({ "id": Uuid::now_v7(), "subscriber": subscriber, "kind": kind, "options": options });
    for options in [
        json!({ "prefix_len": "56" }),
        json!({ "prefix_len": 300 }),
        json!({ "prefix_len": -1 }),
        json!({ "prefix_len": 56.5 }),
        json!({ "pool": "1" }),
        json!({ "force": "true" }),
        json!({ "force": null }),
        json!({ "reason": 5 }),
        json!({ "reason": {} }),
        json!({ "sudo": true }),
        json!([1]),
    ] {
        let said = call(&client, "begin", &[&wanted(options.clone(), "allocate"), &console, &json!({})]).await;
        assert!(said.is_err(), "{options}: {said:?}");
    }
    for kind in ["", "delete", "ALLOCATE"] {
        assert!(call(&client, "begin", &[&wanted(json!({}), kind), &console, &json!({})]).await.is_err(), "{kind}");
    }
    assert_eq!(place.sql("SELECT count(*) FROM noctule.operations"), "0");
    let said =
        call(&client, "begin", &[&wanted(json!({ "prefix_len": 60, "pool": 1, "reason": null }), "allocate"), &console, &json!({})]).await;
    assert!(said.is_ok_and(|answer| answer.get("operation").is_some()));
}

#[tokio::test]
async fn steps_are_not_journalled_out_of_turn_nor_with_more_than_happened() {
    let place = Place::new().await;
    let subscriber = place.in_service(1);
    let login = place.login(Role::Noc);
    let console = ConsoleId(Uuid::now_v7());
    let operation = begun(&place.console_known(&login, console), request(subscriber, OperationKind::Revoke)).await;
    assert_eq!(operation.plan, [StepKind::NasDisconnect, StepKind::NetboxDeprecate]);
    let client = place.by_hand(&login).await;
    let start = |step: &str| json!({ "operation": operation.id, "step": step, "attempt": 1, "upstream": "x", "request": "y" });
    for step in ["netbox_deprecate", "netbox_delete", "nas_coa", "nothing"] {
        let said = call(&client, "step_started", &[&start(step), &console.0]).await;
        assert!(said.as_ref().is_err_and(|e| e.contains("nothing was journalled")), "{step}: {said:?}");
    }
    let said = call(&client, "step_started", &[&start("nas_disconnect"), &console.0]).await;
    assert_eq!(said, Ok(json!({ "ok": true })));
    // Open steps do not end an operation.
    let said =
        call(&client, "finish", &[&operation.id.0, &console.0, &json!(operation.progress), &end("refused", None, Some("refused"))]).await;
    assert!(said.as_ref().is_err_and(|e| e.contains("under way")), "{said:?}");
    let progress = |at: usize, enforcement: Enforcement| json!({ "at": at, "attempts": 1, "enforcement": enforcement });
    let stop = |status: &str, at: usize, enforcement: Enforcement| {
        json!({
            "operation": operation.id, "step": "nas_disconnect", "attempt": 1, "status": status, "answer": "z",
            "progress": progress(at, enforcement),
        })
    };
    for (status, at, enforcement) in [
        ("refused", 1, Enforcement::Acknowledged),
        ("refused", 1, Enforcement::Refused),
        ("unanswered", 1, Enforcement::Unanswered),
        ("refused", 0, Enforcement::Acknowledged),
        ("skipped", 1, Enforcement::None),
        ("done", 2, Enforcement::Acknowledged),
        ("done", 0, Enforcement::Acknowledged),
        ("done", 1, Enforcement::Observed),
        ("done", 1, Enforcement::Requested),
    ] {
        let said = call(&client, "step_ended", &[&stop(status, at, enforcement), &console.0]).await;
        assert!(said.as_ref().is_err_and(|e| e.contains("nothing was journalled")), "{status} {at} {enforcement}: {said:?}");
    }
    assert!(facts(&place, subscriber).starts_with("revoking|requested|"), "{}", facts(&place, subscriber));
}

/// Tells that a step began, and how it ended; gives what the centre said to the end.
async fn step(client: &Client, console: ConsoleId, operation: &Operation, step: &str, attempt: u32, end: Value) -> Result<Value, String> {
    let mut whole = json!({ "operation": operation.id, "step": step, "attempt": attempt, "upstream": "x", "request": "y", "answer": "z" });
    call(client, "step_started", &[&whole, &console.0]).await?;
    whole.as_object_mut().expect("an object").extend(end.as_object().expect("an object").clone());
    call(client, "step_ended", &[&whole, &console.0]).await
}

/// Where AAA is the tenant's, no plan leaves it out, and no end comes before it says again what the state says.
#[tokio::test]
async fn aaa_is_not_left_out_nor_left_ahead_of_the_state() {
    let place = Place::new().await;
    place.aaa(true);
    let login = place.login(Role::Noc);
    let client = place.by_hand(&login).await;
    let console = ConsoleId(Uuid::now_v7());
    let authority = place.console_known(&login, console);
    let suspend = begun(&authority, request(place.in_service(1), OperationKind::Suspend)).await;
    assert_eq!(suspend.plan, [StepKind::AaaWrite, StepKind::NasCoa]);
    let progress =
        |at: usize, enforcement: &str, restore: Value| json!({ "at": at, "attempts": 1, "enforcement": enforcement, "restore": restore });
    let ending = |status: &str, progress: Value| json!({ "status": status, "progress": progress });
    let refused = |said: Result<Value, String>| assert!(said.as_ref().is_err_and(|e| e.contains("nothing was journalled")), "{said:?}");
    let put_back = |status: &str, done: bool| json!({ "status": status, "error": "so", "done": done });
    // The NAS is not asked, nor AAA put back, before AAA is written.
    for first in ["nas_coa", "aaa_restore"] {
        refused(step(&client, console, &suspend, first, 1, ending("done", progress(1, "acknowledged", Value::Null))).await);
    }
    // A write that was refused and has left nothing needs no putting back; one that succeeded does not end here.
    refused(step(&client, console, &suspend, "aaa_write", 1, ending("refused", progress(0, "none", put_back("refused", false)))).await);
    refused(step(&client, console, &suspend, "aaa_write", 2, ending("done", progress(0, "none", put_back("refused", false)))).await);
    assert!(step(&client, console, &suspend, "aaa_write", 3, ending("done", progress(1, "none", Value::Null))).await.is_ok());
    let finish = async |status: &str, state: Option<&str>, enforcement: Option<&str>, at: usize| {
        let progress = json!({ "at": at });
        call(&client, "finish", &[&suspend.id.0, &console.0, &progress, &end(status, state, enforcement)]).await
    };
    // The NAS says no: what was written stands in AAA, so it does not end yet, whatever the client says.
    let no = progress(1, "refused", put_back("unanswered", false));
    refused(step(&client, console, &suspend, "nas_coa", 1, ending("refused", no)).await);
    assert!(step(&client, console, &suspend, "nas_coa", 2, ending("refused", progress(1, "refused", Value::Null))).await.is_ok());
    for (status, state) in [("refused", None), ("succeeded", Some("suspended")), ("failed", None), ("cancelled", None)] {
        let said = finish(status, state, Some("refused"), 1).await;
        assert!(said.as_ref().is_err_and(|e| e.contains("nothing was ended")), "{status}: {said:?}");
    }
    // Said to be done already, which only AAA can say.
    let lie = progress(1, "refused", put_back("refused", true));
    assert!(step(&client, console, &suspend, "nas_coa", 3, ending("refused", lie)).await.is_ok());
    let said = finish("refused", None, Some("refused"), 1).await;
    assert!(said.as_ref().is_err_and(|e| e.contains("nothing was ended")), "{said:?}");
    refused(step(&client, console, &suspend, "nas_coa", 4, ending("done", progress(2, "acknowledged", Value::Null))).await);
    for (at, status) in [(1, "refused"), (2, "done"), (1, "skipped")] {
        refused(
            step(&client, console, &suspend, "aaa_restore", 1, ending(status, progress(at, "refused", put_back("refused", true)))).await,
        );
    }
    assert!(
        step(&client, console, &suspend, "aaa_restore", 9, ending("done", progress(1, "refused", put_back("refused", true)))).await.is_ok()
    );
    assert!(finish("unanswered", None, Some("unanswered"), 1).await.is_err(), "another end than the one that waited");
    assert!(finish("refused", None, Some("refused"), 1).await.is_ok());
    // What accounting shows is believed where there is any.
    let revoke = begun(&authority, request(place.in_service(2), OperationKind::Revoke)).await;
    assert_eq!(revoke.plan, [StepKind::AaaWrite, StepKind::NasDisconnect, StepKind::NetboxDeprecate]);
    // A release goes by no other way than through AAA: not refused, not silent, not with force.
    for status in ["refused", "unreachable", "unclear", "skipped"] {
        refused(step(&client, console, &revoke, "aaa_write", 1, ending(status, progress(1, "none", Value::Null))).await);
    }
    assert!(step(&client, console, &revoke, "aaa_write", 5, ending("done", progress(1, "none", Value::Null))).await.is_ok());
    assert!(step(&client, console, &revoke, "nas_disconnect", 1, ending("done", progress(2, "observed", Value::Null))).await.is_ok());
    assert!(facts(&place, revoke.subscriber).contains("observed"), "{}", facts(&place, revoke.subscriber));
}

#[tokio::test]
async fn an_allocation_gives_what_was_journalled_and_nothing_else() {
    let place = Place::new().await;
    let login = place.login(Role::Noc);
    let console = ConsoleId(Uuid::now_v7());
    let authority = place.console_known(&login, console);
    let client = place.by_hand(&login).await;
    let subscriber = place.subscriber(&[]);
    let operation = begun(&authority, request(subscriber, OperationKind::Allocate)).await;
    let start = json!({ "operation": operation.id, "step": "netbox_allocate", "attempt": 1, "upstream": "x", "request": "y" });
    assert!(call(&client, "step_started", &[&start, &console.0]).await.is_ok());
    for (prefix, id) in [
        (json!("::/0"), json!(5)),
        (json!("2001:db8::/32"), json!(5)),
        (json!("2001:db8::1/128"), json!(5)),
        (json!("10.0.0.0/24"), json!(5)),
        (json!("2001:db8:1::/56"), json!(0)),
        (json!("2001:db8:1::/56"), json!(null)),
        (json!(null), json!(5)),
    ] {
        let progress = json!({ "at": 1, "attempts": 1, "prefix": prefix, "netbox_prefix_id": id, "enforcement": "none" });
        let stop = json!({
            "operation": operation.id, "step": "netbox_allocate", "attempt": 1, "status": "done", "answer": "z", "progress": progress,
        });
        let said = call(&client, "step_ended", &[&stop, &console.0]).await;
        assert!(said.as_ref().is_err_and(|e| e.contains("not journalled")), "{prefix} {id}: {said:?}");
    }
    // Another one: honest until its end, which names another prefix.
    let other = place.subscriber(&[]);
    let operation = begun(&authority, request(other, OperationKind::Allocate)).await;
    let (progress, ended) = allocated(&authority, &operation, "2001:db8:1::/56", 5).await;
    for (prefix, id) in [("2001:db8:2::/56", 5), ("2001:db8:1::/56", 6)] {
        let mut lie = progress.clone();
        lie.prefix = Some(prefix.parse().expect("a prefix"));
        lie.netbox_prefix_id = Some(id);
        let refused = authority.finish(operation.id, lie, ended.clone()).await.expect_err("a lie");
        assert!(refused.to_string().contains("nothing was ended"), "{refused}");
    }
    assert!(authority.finish(operation.id, progress, ended).await.is_ok());
}

#[tokio::test]
async fn nobody_works_with_the_lease_of_another() {
    let place = Place::new().await;
    let subscriber = place.in_service(1);
    let (anna, bertil) = (place.login_named("anna", Role::Noc), place.login_named("bertil", Role::Noc));
    let console = ConsoleId(Uuid::now_v7());
    let operation = begun(&place.console_known(&anna, console), request(subscriber, OperationKind::Suspend)).await;
    // Another console of the same login, and another login that names the very console.
    for other in [place.console(&anna), place.console_known(&bertil, console)] {
        let lost =
            |error: AuthorityError| assert!(matches!(error, AuthorityError::LeaseLost { operation: id } if id == operation.id), "{error}");
        lost(other.renew(operation.id).await.expect_err("not theirs"));
        let start = noctule_domain::ports::StepStart {
            operation: operation.id,
            step: StepKind::NasCoa,
            attempt: 1,
            upstream: "x".into(),
            request: "y".into(),
            progress: Progress::default(),
        };
        lost(other.step_started(start).await.expect_err("not theirs"));
        let ended = Ended {
            status: OperationStatus::Failed,
            state: None,
            enforcement: None,
            enforcement_note: None,
            error: None,
            begin_hold: false,
            forget_prefix: false,
        };
        lost(other.finish(operation.id, Progress::default(), ended).await.expect_err("not theirs"));
        assert_eq!(other.take_over().await.expect("nothing to take"), []);
    }
    // And saying that a console is dead helps only for one's own.
    place.dead.lock().expect("lock").push(console);
    assert_eq!(place.console(&bertil).take_over().await.expect("nothing to take"), []);
    assert_eq!(place.console(&anna).take_over().await.expect("her own"), [operation.id]);
}

#[tokio::test]
async fn who_acts_is_the_login_and_its_role_whatever_the_request_says() {
    let place = Place::new().await;
    for role in [Role::Viewer, Role::Dispatcher, Role::Technician] {
        let refused = place.console(&place.login(role)).begin(request(place.in_service(7 + role as u16), OperationKind::Suspend)).await;
        let expected = Refusal::NotPermitted { role, needs: noctule_domain::permission::Permission::Ipv6Suspend };
        assert!(matches!(refused, Err(AuthorityError::Refused(refusal)) if refusal == expected), "{role}");
    }
    let login = place.login(Role::Noc);
    let operation = begun(&place.console(&login), request(place.in_service(1), OperationKind::Suspend)).await;
    assert_eq!((operation.actor.name.as_str(), operation.actor.role), (login.as_str(), Role::Noc));
    // Revoked: from this moment on nothing works, also what had begun.
    let console = place.console(&login);
    place.sql(&format!("UPDATE noctule.members SET revoked_at = now() WHERE login = '{login}'"));
    let refused = console.context(operation.id).await.expect_err("revoked");
    assert!(refused.to_string().contains("no member"), "{refused}");
}

#[tokio::test]
async fn another_tenant_is_not_there() {
    let place = Place::new().await;
    let subscriber = place.in_service(1);
    let operation = begun(&place.noc(), request(subscriber, OperationKind::Suspend)).await;
    let foreign = TenantId(Uuid::now_v7());
    place.tenant_add(foreign).await;
    let login = place.login(Role::Noc);
    place.sql(&format!(
        "UPDATE noctule.members SET revoked_at = now() WHERE login = '{login}';
         INSERT INTO noctule.members (tenant_id, login, role) VALUES ('{foreign}', '{login}', 'admin')"
    ));
    // On the tenant that it belongs to now, nothing of the first is found; on the first it is nobody.
    let mut config = place.config(&login, ConsoleId(Uuid::now_v7()));
    config.tenant = foreign;
    let there = place.over(noctule_sync::connect::Centre::new(config));
    assert!(matches!(
        there.begin(request(subscriber, OperationKind::Suspend)).await,
        Err(AuthorityError::NotFound { what: "subscriber", .. })
    ));
    assert!(matches!(there.context(operation.id).await, Err(AuthorityError::NotFound { what: "operation", .. })));
    assert!(matches!(there.renew(operation.id).await, Err(AuthorityError::NotFound { .. })));
    assert!(matches!(there.context(OperationId(Uuid::now_v7())).await, Err(AuthorityError::NotFound { .. })));
    assert_eq!(there.take_over().await.expect("nothing"), []);
    assert!(place.console(&login).begin(request(subscriber, OperationKind::Suspend)).await.is_err());
}
