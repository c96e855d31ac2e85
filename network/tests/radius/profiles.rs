//! What each built-in profile sends for each operation, read back by FreeRADIUS's own dictionary: names, types and values are what the world
//! takes them for, and a change of a profile shows as a changed snapshot.

use crate::fixtures::{nas, subscriber};
use noctule_domain::SafeText;
use noctule_domain::nas::{Method, ValueKind};
use noctule_domain::secret::Secret;
use noctule_network::radius::codec::{Outgoing, build};
use noctule_network::radius::request::prepare;
use noctule_network::radius::{dictionary, profiles, sheet};
use noctule_network::upstream::NasAsk;
use std::fmt::Write;
use std::process::Command;

const SECRET: &str = "a-secret-of-the-nas-1";

/// A capture file of one datagram from us to port 3799.
fn capture(datagram: &[u8]) -> Vec<u8> {
    let len = |bytes: usize| u16::try_from(bytes).expect("short").to_be_bytes();
    let mut udp = Vec::new();
    udp.extend_from_slice(&40_000u16.to_be_bytes());
    udp.extend_from_slice(&3799u16.to_be_bytes());
    udp.extend_from_slice(&len(8 + datagram.len()));
    udp.extend_from_slice(&[0, 0]);
    udp.extend_from_slice(datagram);
    let mut ip = vec![0x45, 0];
    ip.extend_from_slice(&len(20 + udp.len()));
    ip.extend_from_slice(&[0, 1, 0, 0, 64, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1]);
    let sum: u32 = ip.chunks_exact(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let sum = !u16::try_from((folded & 0xffff) + (folded >> 16)).expect("folded");
    ip[10..12].copy_from_slice(&sum.to_be_bytes());
    ip.extend_from_slice(&udp);
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
    frame.extend_from_slice(&ip);
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1] {
        file.extend_from_slice(&word.to_le_bytes());
    }
    let size = u32::try_from(frame.len()).expect("short");
    for word in [1_800_000_000_u32, 0, size, size] {
        file.extend_from_slice(&word.to_le_bytes());
    }
    file.extend_from_slice(&frame);
    file
}

/// The attributes of a request as radsniff (package freeradius-utils) reads them.
fn decoded(datagram: &[u8]) -> Vec<String> {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), capture(datagram)).expect("written");
    let run = Command::new("radsniff").args(["-x", "-s", SECRET, "-p", "3799", "-I"]).arg(file.path()).output();
    let run = run.expect("radsniff runs: install the package freeradius-utils");
    let text = String::from_utf8_lossy(&run.stdout);
    let lines: Vec<String> = text
        .lines()
        .filter(|line| line.starts_with('\t') && line.contains(" = ") && !line.contains("Authenticator-Field"))
        .map(|line| line.trim().to_owned())
        .collect();
    assert!(!lines.is_empty(), "radsniff read nothing: {text}{}", String::from_utf8_lossy(&run.stderr));
    lines
}

#[test]
fn every_operation_of_every_profile_is_read_by_freeradius_as_it_is_meant() {
    let mut nas = nas("127.0.0.1:3799".parse().expect("an address"));
    nas.nas_ip = Some("192.0.2.1".parse().expect("an address"));
    nas.nas_identifier = Some(SafeText::new("bng-demo-1"));
    let mut anna = subscriber(&nas, Some("8a3f0001"));
    anna.session.as_mut().expect("a session").delegated_prefix = anna.ipv6.prefix;
    let mut all = String::new();
    for profile in profiles::all() {
        let _ = writeln!(all, "== {}", profile.key);
        for (operation, purpose) in sheet::OPERATIONS {
            let method = profile.method(operation);
            assert_ne!(method, Method::None, "{}: {operation}", profile.key);
            let ask = NasAsk { purpose, disconnect: method == Method::DisconnectThenLogin, with_session_id: true };
            let prepared = prepare(&ask, profile, &nas, &anna).unwrap_or_else(|error| panic!("{} {operation}: {error}", profile.key));
            let out = Outgoing {
                kind: prepared.request.kind,
                identifier: 7,
                attributes: &prepared.request.attributes,
                sign: false,
                event_timestamp: profile.event_timestamp.then_some(1_800_000_000),
            };
            let bytes = build(&out, &Secret::new(SECRET)).expect("fits");
            assert!(bytes.len() < 1_400, "{} {operation}: {} bytes", profile.key, bytes.len());
            let lines = decoded(&bytes);
            let _ = writeln!(all, "-- {operation}: {}", prepared.request.kind);
            for line in &lines {
                let _ = writeln!(all, "{line}");
                assert!(!line.starts_with("Attr-"), "{} {operation}: FreeRADIUS does not know {line}", profile.key);
            }
        }
    }
    insta::assert_snapshot!("requests", all);
}

#[test]
fn our_table_of_attributes_is_that_of_freeradius() {
    let folder = ["/usr/share/freeradius", "/usr/local/share/freeradius"].iter().find(|folder| std::fs::exists(folder).unwrap_or(false));
    let folder = folder.expect("the dictionary of FreeRADIUS: install the package freeradius");
    let mut theirs = Vec::new();
    for file in std::fs::read_dir(folder).expect("readable") {
        let text = std::fs::read(file.expect("readable").path()).expect("readable");
        let text = String::from_utf8_lossy(&text);
        let mut vendor = None;
        let ids: Vec<(&str, u32)> = text
            .lines()
            .filter_map(|line| {
                let mut words = line.split_whitespace();
                (words.next() == Some("VENDOR")).then(|| Some((words.next()?, words.next()?.parse().ok()?))).flatten()
            })
            .collect();
        for line in text.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["BEGIN-VENDOR", name, ..] => vendor = ids.iter().find(|(known, _)| known == name).map(|(_, id)| *id),
                ["END-VENDOR", ..] => vendor = None,
                ["ATTRIBUTE", name, number, kind, rest @ ..] => {
                    if let Ok(number) = number.parse::<u8>() {
                        theirs.push(((*name).to_owned(), vendor, number, (*kind).to_owned(), rest.join(" ").contains("has_tag")));
                    }
                }
                _ => {}
            }
        }
    }
    for ours in dictionary::TABLE {
        let kind = match ours.kind {
            ValueKind::Text => "string",
            ValueKind::Integer => "integer",
            ValueKind::Ipv4Address => "ipaddr",
            ValueKind::Ipv6Address => "ipv6addr",
            ValueKind::Ipv6Prefix => "ipv6prefix",
            ValueKind::Octets => "octets",
        };
        let same = theirs.iter().any(|(name, vendor, number, their_kind, tagged)| {
            (name.as_str(), *vendor, *number, their_kind.as_str(), *tagged) == (ours.name, ours.vendor, ours.number, kind, ours.tagged)
        });
        let near: Vec<_> = theirs.iter().filter(|(name, ..)| name.eq_ignore_ascii_case(ours.name)).collect();
        assert!(same, "{ours:?}\nFreeRADIUS has {near:?}");
    }
}
