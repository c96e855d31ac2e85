//! AAA and sessions that say something else than the state.

use super::place::Place;
use noctule_domain::aaa::Login;
use noctule_domain::drift::{DriftKind, Subject};
use noctule_domain::lifecycle::{Enforcement, Ipv6State};
use noctule_domain::subscriber::{Subscriber, Username};

impl Place {
    fn login(&self, subscriber: &Subscriber, login: Login) {
        self.demo.aaa.seed([(subscriber.username.clone(), login)]);
    }
}

fn normal(prefix: &str) -> Login {
    Login::Normal { delegated: Some(prefix.parse().expect("a prefix")), framed: None }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_aaa_hands_out_is_held_against_the_state() {
    let place = Place::new(300).await;
    let active = place.one(Ipv6State::Active).await;
    let own = active.ipv6.prefix.expect("prefix").to_string();
    place.login(&active, normal("2001:db8:aaaa::/56"));
    let found = place.finds(DriftKind::AaaOtherPrefix).await;
    assert_eq!(found.subject, Subject::Subscriber(active.id));
    assert!(found.theirs.as_str().contains("2001:db8:aaaa::/56"), "{}", found.theirs);
    place.login(&active, Login::WithoutPrefix);
    place.finds(DriftKind::AaaPrefixMissing).await;
    place.login(&active, normal(&own));
    assert_eq!(place.check().await, []);

    let suspended = place.one(Ipv6State::Suspended).await;
    let right = place.demo.aaa.login(suspended.username.as_str()).expect("its login");
    place.login(&suspended, normal(&suspended.ipv6.prefix.expect("prefix").to_string()));
    place.finds(DriftKind::AaaNotSuspended).await;
    place.login(&active, right.clone());
    place.login(&suspended, right);
    place.finds(DriftKind::AaaStillSuspended).await;
    place.login(&active, normal(&own));

    // Given back, and still handed out: the worst of them.
    let revoked = place.one(Ipv6State::Revoked).await;
    place.login(&revoked, normal(&revoked.ipv6.prefix.expect("it rests").to_string()));
    let found = place.finds(DriftKind::AaaReleasedPrefix).await;
    assert_eq!(found.kind.severity(), noctule_domain::overview::Severity::Critical);
    place.login(&revoked, Login::WithoutPrefix);

    // A user of nobody, with a prefix that is ours to give.
    let free = super::netbox::free_56(&place, 1);
    let nobody = Username::new("nobody@isp.example").expect("a name");
    place.demo.aaa.seed([(nobody.clone(), normal(&free[0]))]);
    let found = place.finds(DriftKind::AaaUserUnknown).await;
    assert_eq!(found.subject, Subject::User(nobody));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_session_with_another_prefix_or_after_the_end_is_found() {
    let place = Place::new(300).await;
    let store = &place.demo.services.store;
    let active = place.those(Ipv6State::Active).await.into_iter().find(|s| s.session.is_some()).expect("one online");
    let right = active.session.clone().expect("session");
    let mut other = right.clone();
    other.delegated_prefix = Some("2001:db8:bbbb::/56".parse().expect("prefix"));
    store.sessions_put(vec![(active.id, Some(other))]).await.expect("stored");
    place.finds(DriftKind::SessionOtherPrefix).await;
    store.sessions_put(vec![(active.id, Some(right.clone()))]).await.expect("stored");
    assert_eq!(place.check().await, []);

    let now = chrono::Utc::now();
    let revoked = place.those(Ipv6State::Revoked).await.into_iter().find(|s| now - s.ipv6.since > chrono::Duration::hours(1));
    let revoked = revoked.expect("revoked a while ago");
    let mut lasting = right.clone();
    lasting.acct_session_id = "lasting".into();
    lasting.delegated_prefix = revoked.ipv6.prefix;
    lasting.seen_at = now;
    store.sessions_put(vec![(revoked.id, Some(lasting))]).await.expect("stored");
    place.finds(DriftKind::SessionNotEnded).await;
    store.sessions_put(vec![(revoked.id, None)]).await.expect("stored");

    // Acknowledged long ago, and accounting shows nothing of it.
    let unproved = place
        .those(Ipv6State::Active)
        .await
        .into_iter()
        .find(|s| s.ipv6.enforcement == Enforcement::Acknowledged && now - s.ipv6.since > chrono::Duration::hours(1));
    let unproved = unproved.expect("one that was acknowledged");
    store.sessions_put(vec![(unproved.id, None)]).await.expect("stored");
    place.finds(DriftKind::ProofMissing).await;
}
