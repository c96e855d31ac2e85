//! What stands in a request: identification by the profile, the change by its method, nothing else.

use crate::fixtures::{nas, profile, subscriber};
use noctule_domain::SafeText;
use noctule_domain::nas::{AttributeTemplate, AttributeValue, Identify, IdentifyBy, Method, NasProfile};
use noctule_network::radius::{RequestKind, profiles, request::prepare};
use noctule_network::upstream::{NasAsk, Purpose};

const ACTIVATE: NasAsk = NasAsk { purpose: Purpose::Activate, disconnect: false, with_session_id: true };
const SUSPEND: NasAsk = NasAsk { purpose: Purpose::Suspend, disconnect: false, with_session_id: true };
const REVOKE: NasAsk = NasAsk { purpose: Purpose::Revoke, disconnect: true, with_session_id: true };

fn registered() -> noctule_domain::nas::Nas {
    let mut nas = nas("127.0.0.1:3799".parse().expect("an address"));
    nas.nas_ip = Some("2001:db8::7".parse().expect("an address"));
    nas.nas_identifier = Some(SafeText::new("bng-demo-1"));
    nas
}

#[test]
fn activation_sends_the_prefix_and_names_session_user_and_nas() {
    let nas = registered();
    let prepared = prepare(&ACTIVATE, &profile(), &nas, &subscriber(&nas, Some("0000A1"))).expect("possible");
    assert_eq!(prepared.request.kind, RequestKind::Coa);
    assert_eq!(prepared.request.attributes.iter().map(|a| a.kind).collect::<Vec<_>>(), [44, 1, 95, 32, 123]);
    assert_eq!(prepared.request.attributes[4].value[..10], [0, 60, 0x20, 0x01, 0x0d, 0xb8, 0x01, 0x00, 0x42, 0xf0]);
    assert_eq!(
        prepared.words.as_str(),
        "CoA-Request Acct-Session-Id=0000A1 User-Name=alice@isp.example NAS-IPv6-Address=2001:db8::7 NAS-Identifier=bng-demo-1 Delegated-IPv6-Prefix=2001:db8:100:42f0::/60"
    );
    assert_eq!(prepared.request.session_key, "alice@isp.example");
}

#[test]
fn a_disconnect_holds_identification_only() {
    let nas = registered();
    for profile in profiles::all() {
        let prepared = prepare(&REVOKE, profile, &nas, &subscriber(&nas, Some("0000A1"))).expect("possible");
        assert_eq!(prepared.request.kind, RequestKind::Disconnect);
        let identification = [44, 1, 8, 4, 95, 32];
        assert!(prepared.request.attributes.iter().all(|a| identification.contains(&a.kind)), "{}: {}", profile.key, prepared.words);
    }
}

#[test]
fn without_session_id_the_user_name_alone_names_the_session() {
    let nas = registered();
    let by_all = NasProfile { identify: vec![Identify::SessionId, Identify::Username, Identify::FramedIpv4], ..profile() };
    let ask = NasAsk { with_session_id: false, ..REVOKE };
    let prepared = prepare(&ask, &by_all, &nas, &subscriber(&nas, Some("0000A1"))).expect("possible");
    assert_eq!(prepared.words.as_str(), "Disconnect-Request User-Name=alice@isp.example");
    let prepared = prepare(&REVOKE, &by_all, &nas, &subscriber(&nas, Some("0000A1"))).expect("possible");
    assert_eq!(
        prepared.words.as_str(),
        "Disconnect-Request Acct-Session-Id=0000A1 User-Name=alice@isp.example Framed-IP-Address=192.0.2.10"
    );
    // A session on another NAS says nothing to this one.
    let mut roamer = subscriber(&nas, Some("0000A1"));
    roamer.session.as_mut().expect("a session").nas = noctule_domain::NasId(uuid::Uuid::from_u128(99));
    assert!(!prepare(&REVOKE, &by_all, &nas, &roamer).expect("possible").words.as_str().contains("0000A1"));

    let by_session = NasProfile { identify: vec![Identify::SessionId], ..profile() };
    let error = prepare(&ask, &by_session, &nas, &subscriber(&nas, Some("0000A1"))).expect_err("nothing to name it by").to_string();
    assert!(error.contains("no way to name the session"), "{error}");
}

#[test]
fn templates_are_filled_in_from_the_row_and_errors_are_words() {
    let nas = registered();
    let with = |text: &str| NasProfile {
        suspend: Method::CoaService,
        suspend_attributes: vec![AttributeTemplate {
            name: None,
            r#type: Some(65),
            vendor: Some(4874),
            tag: Some(2),
            value: AttributeValue::text(text),
        }],
        identify: vec![Identify::Username],
        ..profile()
    };
    let alice = subscriber(&nas, None);
    let prepared = prepare(&SUSPEND, &with("slow({username},{prefix},{upload_kbps}k/{download_kbps}k)"), &nas, &alice).expect("possible");
    let (vendor, parts) = prepared.request.attributes[1].as_vendor().expect("a vendor attribute");
    assert_eq!((vendor, parts[0].kind), (4874, 65));
    assert_eq!(parts[0].value, b"\x02slow(alice@isp.example,2001:db8:100:42f0::/60,20000k/100000k)");
    assert!(prepared.words.as_str().ends_with("ERX-Service-Activate=slow(alice@isp.example,2001:db8:100:42f0::/60,20000k/100000k)"));

    let error = |text: &str, who: &noctule_domain::subscriber::Subscriber| {
        prepare(&SUSPEND, &with(text), &nas, who).expect_err("not possible").to_string()
    };
    assert!(error("{colour}", &alice).contains("'{colour}' is no place holder"));
    assert!(error("{username", &alice).contains("is no place holder"));
    assert!(error(&"x".repeat(250), &alice).contains("at most 247"));
    let mut bare = alice.clone();
    bare.download_kbps = None;
    assert!(error("{download_kbps}", &bare).contains("the subscriber has none"));
    // A user name that looks like a place holder stays a user name.
    bare.username = noctule_domain::subscriber::Username::new("{prefix}").expect("a legal name");
    let prepared = prepare(&SUSPEND, &with("{username}"), &nas, &bare).expect("possible");
    assert!(prepared.words.as_str().ends_with("={prefix}"), "{}", prepared.words);
}

#[test]
fn what_a_profile_does_not_do_by_coa_is_refused_in_words() {
    let nas = registered();
    let mikrotik = profiles::get("mikrotik").expect("built in");
    let error = prepare(&ACTIVATE, &mikrotik, &nas, &subscriber(&nas, None)).expect_err("not by CoA").to_string();
    assert!(error.contains("mikrotik") && error.contains("disconnect_then_login"), "{error}");
    // On a NAS that knows its host by the prefix of the session it is a name.
    let by_prefix =
        NasProfile { identify: vec![Identify::DelegatedPrefix, Identify::Username], identify_by: IdentifyBy::First, ..(*mikrotik).clone() };
    let mut alice = subscriber(&nas, Some("0000A1"));
    alice.session.as_mut().expect("a session").delegated_prefix = Some("2001:db8:100:42f0::/60".parse().expect("a prefix"));
    let prepared = prepare(&REVOKE, &by_prefix, &nas, &alice).expect("possible");
    assert_eq!(prepared.words.as_str(), "Disconnect-Request Delegated-IPv6-Prefix=2001:db8:100:42f0::/60");
    let mut bare = subscriber(&nas, None);
    bare.ipv6.prefix = None;
    assert!(prepare(&ACTIVATE, &profile(), &nas, &bare).expect_err("no prefix").to_string().contains("no prefix"));
}

#[test]
fn every_built_in_profile_can_do_what_it_says() {
    let nas = registered();
    let alice = subscriber(&nas, Some("0000A1"));
    for profile in profiles::all() {
        for (purpose, method) in
            [(Purpose::Activate, profile.activate), (Purpose::Suspend, profile.suspend), (Purpose::Resume, profile.resume)]
        {
            let disconnect = method == Method::DisconnectThenLogin;
            let prepared = prepare(&NasAsk { purpose, disconnect, with_session_id: true }, profile, &nas, &alice);
            let prepared = prepared.unwrap_or_else(|error| panic!("{} {purpose:?}: {error}", profile.key));
            let first = profile.identify_by == IdentifyBy::First;
            assert_eq!(prepared.words.as_str().contains("User-Name=alice@isp.example"), !first, "{}", prepared.words);
            assert!(prepared.words.as_str().contains("Acct-Session-Id=0000A1"));
            let by_name = prepare(&NasAsk { purpose, disconnect, with_session_id: false }, profile, &nas, &alice).expect("possible");
            assert!(by_name.words.as_str().contains("User-Name=alice@isp.example"), "{}", by_name.words);
        }
    }
}
