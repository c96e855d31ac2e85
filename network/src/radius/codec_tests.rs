//! The codec against the crate, against itself and against everything that may come. The vectors are in the integration tests.

use super::*;
use proptest::prelude::*;

fn secret() -> Secret {
    Secret::new("a-secret-of-the-nas-1")
}

fn out(attributes: &[Attribute], sign: bool) -> Outgoing<'_> {
    Outgoing { kind: RequestKind::Coa, identifier: 7, attributes, sign, event_timestamp: Some(1_795_397_041) }
}

fn session() -> Vec<Attribute> {
    vec![Attribute::text(kind::ACCT_SESSION_ID, "s-1001").expect("short")]
}

/// An answer with a right Response Authenticator and whatever attributes.
fn answer(asked: &Asked, code: u8, attributes: &[u8]) -> Vec<u8> {
    let mut bytes = vec![code, asked.identifier];
    bytes.extend_from_slice(&u16::try_from(HEADER + attributes.len()).expect("short").to_be_bytes());
    bytes.extend_from_slice(&[0; 16]);
    bytes.extend_from_slice(attributes);
    let digest = digest(&bytes, &asked.authenticator, &secret());
    bytes[4..HEADER].copy_from_slice(&digest);
    bytes
}

const NOW: i64 = 1_795_397_041;

#[test]
fn a_signed_request_begins_with_its_message_authenticator_and_the_crate_finds_it_authentic() {
    let bytes = build(&out(&session(), true), &secret()).expect("builds");
    assert_eq!(bytes[HEADER..HEADER + 2], [80, 18]);
    assert!(Packet::is_authentic_request(&bytes, secret().expose()));
    let (kind, attributes) = judge_request(&bytes, &secret(), NOW).expect("right in our own eyes");
    assert_eq!(kind, RequestKind::Coa);
    assert_eq!(attributes.iter().map(|a| a.kind).collect::<Vec<_>>(), [80, 44, 55]);
    let unsigned = build(&out(&session(), false), &secret()).expect("builds");
    assert_eq!(unsigned.len() + 18, bytes.len());
    assert_eq!(judge_request(&bytes, &secret(), NOW + 301), Err(Reason::StaleEventTimestamp));
    assert_eq!(judge_request(&bytes, &Secret::new("another"), NOW), Err(Reason::BadRequestAuthenticator));
}

#[test]
fn the_same_request_is_the_same_bytes_and_a_right_signature_in_an_answer_is_accepted() {
    let bytes = build(&out(&session(), true), &secret()).expect("builds");
    assert_eq!(bytes, build(&out(&session(), true), &secret()).expect("builds"));
    let asked = Asked::of(&bytes).expect("a request");
    let mut signed = answer(&asked, 44, &[&[80, 18][..], &[0; 16]].concat());
    let mac = message_authenticator(&signed, 22, &asked.authenticator, &secret());
    signed[22..38].copy_from_slice(&mac);
    let authenticator = digest(&signed, &asked.authenticator, &secret());
    signed[4..HEADER].copy_from_slice(&authenticator);
    assert!(judge(&signed, &asked, &secret(), SignedAnswers::Required, NOW).is_ok_and(|answer| answer.ack));
}

#[test]
fn an_answer_with_another_identifier_is_not_ours_even_when_somebody_with_the_secret_made_it() {
    let asked = Asked { code: 43, identifier: 7, authenticator: [9; 16] };
    let other = answer(&Asked { identifier: 8, ..asked }, 44, &[]);
    assert_eq!(judge(&other, &asked, &secret(), SignedAnswers::IfPresent, NOW), Err(Reason::WrongIdentifier));
}

#[test]
fn sizes_are_checked_before_anything_is_built() {
    let long = |count: usize, len: usize| (0..count).map(|_| Attribute { kind: 18, value: vec![b'x'; len] }).collect::<Vec<_>>();
    // 20 header + 18 signature + 6 timestamp + 15 * 255 = 3869, and one of 227 fills the packet.
    let mut fits = long(15, 253);
    fits.extend(long(1, 225));
    assert_eq!(build(&out(&fits, true), &secret()).expect("fits").len(), MAX_PACKET);
    fits.push(Attribute { kind: 18, value: vec![] });
    assert!(matches!(build(&out(&fits, true), &secret()), Err(RadiusError::PacketTooLong { len: 4098 })));
    assert!(matches!(build(&out(&long(400, 253), true), &secret()), Err(RadiusError::PacketTooLong { .. })));
    assert!(matches!(build(&out(&long(1, 254), true), &secret()), Err(RadiusError::AttributeTooLong { len: 254, .. })));
    let bad_place = [Attribute { kind: kind::MESSAGE_AUTHENTICATOR, value: vec![0; 3] }];
    let last = Outgoing { event_timestamp: None, ..out(&bad_place, false) };
    assert!(build(&last, &secret()).is_err());
}

proptest! {
    #[test]
    fn judging_never_panics_and_takes_nothing_without_the_secret(datagram in proptest::collection::vec(any::<u8>(), 0..300), now in any::<i64>()) {
        let asked = Asked { code: 43, identifier: 7, authenticator: [9; 16] };
        prop_assert!(judge(&datagram, &asked, &secret(), SignedAnswers::IfPresent, now).is_err());
        prop_assert!(judge_request(&datagram, &secret(), now).is_err());
        let _ = attributes(&datagram);
    }

    #[test]
    fn an_authentic_answer_with_any_attributes_is_read_without_panic(attributes in proptest::collection::vec(any::<u8>(), 0..120), code in 44u8..46) {
        let asked = Asked { code: 43, identifier: 7, authenticator: [9; 16] };
        let bytes = answer(&asked, code, &attributes);
        let framed = Attributes(&attributes).all(|found| found.is_ok());
        let verdict = judge(&bytes, &asked, &secret(), SignedAnswers::IfPresent, NOW);
        if !framed {
            prop_assert!(matches!(verdict, Err(Reason::AttrLen0 | Reason::AttrLen1 | Reason::AttrOverrun)));
        }
        // The crate and we agree on what is framed.
        prop_assert_eq!(Packet::decode(&bytes, b"").is_ok(), framed);
    }

    #[test]
    fn one_flipped_bit_makes_an_answer_worthless(bit in 0usize..26 * 8, padding in proptest::collection::vec(any::<u8>(), 0..20)) {
        let asked = Asked { code: 40, identifier: 7, authenticator: [9; 16] };
        let mut bytes = answer(&asked, 42, &[101, 6, 0, 0, 1, 0xf7]);
        bytes.extend_from_slice(&padding);
        prop_assert!(judge(&bytes, &asked, &secret(), SignedAnswers::IfPresent, NOW).is_ok_and(|a| a.causes == [ErrorCause(503)]));
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(judge(&bytes, &asked, &secret(), SignedAnswers::IfPresent, NOW).is_err());
    }

    #[test]
    fn what_is_built_reads_back(values in proptest::collection::vec((1u8..=255, proptest::collection::vec(any::<u8>(), 0..=60)), 0..12), id in any::<u8>()) {
        let list: Vec<Attribute> = values.into_iter().filter(|(kind, _)| ![55, 80].contains(kind)).map(|(kind, value)| Attribute { kind, value }).collect();
        let out = Outgoing { kind: RequestKind::Disconnect, identifier: id, attributes: &list, sign: true, event_timestamp: None };
        let bytes = build(&out, &secret()).expect("fits");
        let (kind, back) = judge_request(&bytes, &secret(), NOW).expect("right");
        prop_assert_eq!((kind, bytes[1]), (RequestKind::Disconnect, id));
        prop_assert_eq!(&back[1..], list.as_slice());
    }
}
