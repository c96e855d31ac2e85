//! From what was tried to why: pure. It says what is known, what is excluded, and what can not be told apart from here.

use super::experiment::{Experiment, Found, Tried};
use crate::radius::codec::Reason;
use noctule_domain::{SafeText, words};
use serde::Serialize;
use std::net::{IpAddr, SocketAddr};

words!(
    /// Why a NAS does not answer what the profile sends.
    Cause {
        /// It answered when it was asked again.
        Lossy = "lossy",
        Clock = "clock",
        Timestamp = "timestamp_wanted",
        Signature = "message_authenticator",
        Unsigned = "message_authenticator_not_understood",
        NasName = "nas_identification",
        NoDisconnect = "disconnect_not_taken",
        Port = "port",
        Source = "source_address",
        /// RADIUS answers on this port, and not to dynamic authorization.
        NotCoa = "no_dynamic_authorization",
        Secret = "secret",
        OtherAddress = "answer_from_other_address",
        PortClosed = "port_closed",
        Unreachable = "unreachable",
        NotSent = "not_sent",
        /// Up and silent: these three look alike.
        SecretAddressOrFilter = "secret_address_or_filter",
        /// Nothing of it was heard at all.
        DownOrFiltered = "down_or_filtered",
    }
);

/// All that is known.
pub struct Evidence<'a> {
    pub name: &'a str,
    pub address: SocketAddr,
    pub tried: &'a [Tried],
    /// The first request brought answers that were not authentic.
    pub not_authentic: &'a [Reason],
    /// An authentic answer to the first request came from elsewhere.
    pub answer_from: Option<SocketAddr>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conclusion {
    pub cause: Cause,
    /// What it is and what to do.
    pub words: SafeText,
    /// What it is not, and why that is known.
    pub excluded: Vec<SafeText>,
    /// What can not be told from here.
    pub open: Vec<SafeText>,
}

pub fn conclude(evidence: &Evidence<'_>) -> Conclusion {
    let e = evidence;
    let name = e.name;
    let port = e.address.port();
    if let Some(from) = e.answer_from {
        let words =
            format!("the answer came from {from}, and {name} is registered as {}: register the address from which it answers", e.address);
        return e.end(Cause::OtherAddress, words, &[]);
    }
    if e.answered(Experiment::AsProfile) {
        let words = format!(
            "{name} answered when it was asked again: it is up and the secret is right. Requests or answers were lost before, or it was slow"
        );
        return e.end(Cause::Lossy, words, &[]);
    }
    if e.answered(Experiment::WithoutTimestamp) {
        let how = match (e.answered(Experiment::TimestampAhead), e.answered(Experiment::TimestampBehind)) {
            (true, _) => "the clock of the NAS is ahead of ours by 5 to 15 minutes",
            (_, true) => "the clock of the NAS is behind ours by 5 to 15 minutes",
            _ => "the two clocks are apart by more than 15 minutes, or it takes no Event-Timestamp at all",
        };
        let words =
            format!("{name} answers requests without Event-Timestamp and drops ours: {how}. Set the clocks right (NTP), there or here");
        return e.end(Cause::Clock, words, &["which of the two clocks is wrong"]);
    }
    if e.answered(Experiment::WithTimestamp) {
        let words = format!("{name} wants an Event-Timestamp: set event_timestamp = true in its profile");
        return e.end(Cause::Timestamp, words, &[]);
    }
    if e.answered(Experiment::Signed) {
        let words = format!("{name} wants a Message-Authenticator: set sign_requests = true in its profile");
        return e.end(Cause::Signature, words, &[]);
    }
    if e.answered(Experiment::Unsigned) {
        let words = format!("{name} answers requests without Message-Authenticator only: set sign_requests = false in its profile");
        return e.end(Cause::Unsigned, words, &[]);
    }
    if e.answered(Experiment::WithoutNasName) {
        let words =
            format!("{name} answers when it is not called by name: its NAS-IP-Address or NAS-Identifier in the registry is not its own");
        return e.end(Cause::NasName, words, &[]);
    }
    if e.answered(Experiment::CoaRequest) {
        let words =
            format!("{name} answers a CoA-Request and not a Disconnect-Request: Disconnect is switched off there, or goes to another port");
        return e.end(Cause::NoDisconnect, words, &[]);
    }
    if let Some(other) = e.tried.iter().find(|tried| tried.experiment == Experiment::OtherPort && is_answer(&tried.found)) {
        let words =
            format!("{name} answers on port {}, and is registered with port {port}: correct the address in the registry", other.to.port());
        return e.end(Cause::Port, words, &[]);
    }
    if let Some(other) = e.tried.iter().find(|tried| tried.experiment == Experiment::SystemSource && is_answer(&tried.found)) {
        let words = format!(
            "{name} answers requests from {}, and not from the configured [radius] source: allow that one there, or change it here",
            shown(other.from)
        );
        return e.end(Cause::Source, words, &[]);
    }
    if e.answered(Experiment::StatusServer) {
        let words = format!(
            "a RADIUS server answers on {} and the secret is right, but not to CoA or Disconnect: dynamic authorization is switched off there, or has another port",
            e.address
        );
        return e.end(Cause::NotCoa, words, &[]);
    }
    let not_authentic = || e.not_authentic.iter().chain(e.tried.iter().flat_map(|tried| &tried.not_authentic));
    if not_authentic().any(|reason| *reason == Reason::BadResponseAuthenticator) {
        let words = format!("answers come from {}, made with another secret than ours: the secrets differ", e.address);
        return e.end(Cause::Secret, words, &["whether somebody forges them"]);
    }
    silent(e)
}

/// No authentic answer to anything.
fn silent(e: &Evidence<'_>) -> Conclusion {
    let (name, port) = (e.name, e.address.port());
    let at_the_port = e.tried.iter().filter(|tried| tried.to == e.address && tried.experiment != Experiment::Tcp);
    let found = |wanted: &Found| at_the_port.clone().find(|tried| tried.found == *wanted);
    if let Some(tried) = found(&Found::NotSent) {
        let why = tried.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
        return e.end(Cause::NotSent, format!("nothing leaves this machine for {}{why}", e.address), &[]);
    }
    if found(&Found::PortUnreachable).is_some() {
        let words = format!(
            "the host of {name} is up, and nobody listens on its UDP port {port}: dynamic authorization is switched off there, or has another port"
        );
        return e.end(Cause::PortClosed, words, &["the secret", "whether our address is allowed"]);
    }
    if let Some(tried) = found(&Found::Unreachable) {
        let why = tried.error.as_ref().map(|error| format!(" ({error})")).unwrap_or_default();
        let words = format!(
            "{} is not reached from {}{why}: no route, no such host on its network, or a firewall prohibits it",
            e.address,
            shown(tried.from)
        );
        return e.end(Cause::Unreachable, words, &["which of these: they are told by the same error", "the secret"]);
    }
    let from = shown(at_the_port.clone().find_map(|tried| tried.from));
    if let Some(alive) = e.tried.iter().find(|tried| tried.found == Found::HostAnswers) {
        let how = if alive.experiment == Experiment::Tcp { "TCP" } else { "UDP" };
        let words = format!(
            "the host of {name} is up (it answered on {how} port {}), and its port {port} keeps silent. Check there: the secret; that {from} is allowed; a filter for UDP port {port}",
            alive.to.port()
        );
        let open = ["the secret, our address and a filter for this port: a NAS drops all three without a word"];
        return e.end(Cause::SecretAddressOrFilter, words, &open);
    }
    let words = format!(
        "nothing of {} was heard, on RADIUS or on any other port: it is down, the address is wrong, or everything from {from} is filtered",
        e.address
    );
    e.end(Cause::DownOrFiltered, words, &["down, wrong address and filtered look alike from here", "the secret"])
}

fn is_answer(found: &Found) -> bool {
    matches!(found, Found::Answered { .. })
}

fn shown(address: Option<IpAddr>) -> String {
    address.map_or_else(|| "this machine".to_owned(), |address| address.to_string())
}

impl Evidence<'_> {
    fn answered(&self, experiment: Experiment) -> bool {
        self.tried.iter().any(|tried| tried.experiment == experiment && is_answer(&tried.found))
    }

    fn tried(&self, experiment: Experiment) -> bool {
        self.tried.iter().any(|tried| tried.experiment == experiment && tried.found != Found::NotSent)
    }

    fn end(&self, cause: Cause, words: String, open: &[&str]) -> Conclusion {
        let mut excluded = Vec::new();
        let authentic = self.answer_from.is_some() || self.tried.iter().any(|tried| is_answer(&tried.found));
        let heard = authentic || self.tried.iter().any(|tried| matches!(tried.found, Found::HostAnswers | Found::PortUnreachable));
        if authentic {
            excluded.push("the secret: an authentic answer came".to_owned());
        }
        if heard {
            excluded.push("down: its host answers".to_owned());
        }
        // What one authentic answer to a changed request would have shown, and did not. A closed port answers nothing at all.
        if matches!(cause, Cause::SecretAddressOrFilter) {
            if self.tried(Experiment::WithoutTimestamp) {
                excluded.push("a clock apart: asked without Event-Timestamp, and with one 10 minutes ahead and behind".to_owned());
            }
            excluded.push("Message-Authenticator: asked signed and unsigned".to_owned());
            if self.tried(Experiment::WithoutNasName) {
                excluded.push("its name: asked without NAS identification".to_owned());
            }
            let ports: Vec<String> = self
                .tried
                .iter()
                .filter(|tried| tried.experiment == Experiment::OtherPort)
                .map(|tried| tried.to.port().to_string())
                .collect();
            excluded.push(format!("another usual port: asked on {}", ports.join(" and ")));
            excluded.push("Disconnect alone switched off: asked by CoA as well".to_owned());
        }
        let open = open.iter().map(|words| SafeText::new(words)).collect();
        Conclusion { cause, words: SafeText::from(words), excluded: excluded.into_iter().map(SafeText::from).collect(), open }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(experiment: Experiment, found: Found) -> Tried {
        let port = match experiment {
            Experiment::OtherPort => 1700,
            Experiment::ClosedPort => 33_434,
            _ => 3799,
        };
        let to = SocketAddr::from(([192, 0, 2, 1], port));
        Tried { experiment, to, from: Some("198.51.100.7".parse().expect("an address")), found, not_authentic: Vec::new(), error: None }
    }

    fn cause_of(found: &[(Experiment, Found)]) -> Conclusion {
        let changed = |experiment: &Experiment| {
            found.iter().find(|(known, _)| known == experiment).map_or(Found::Silence, |(_, found)| found.clone())
        };
        let all: Vec<Tried> = Experiment::ALL.iter().map(|experiment| tried(*experiment, changed(experiment))).collect();
        conclude(&Evidence { name: "bng-1", address: ([192, 0, 2, 1], 3799).into(), tried: &all, not_authentic: &[], answer_from: None })
    }

    #[test]
    fn one_changed_thing_that_is_answered_names_the_cause() {
        let nak = || Found::Answered { ack: false, causes: vec![noctule_domain::radius::ErrorCause(503)] };
        for (experiment, cause, words) in [
            (Experiment::AsProfile, Cause::Lossy, "asked again"),
            (Experiment::WithoutTimestamp, Cause::Clock, "more than 15 minutes"),
            (Experiment::WithTimestamp, Cause::Timestamp, "event_timestamp = true"),
            (Experiment::Signed, Cause::Signature, "sign_requests = true"),
            (Experiment::Unsigned, Cause::Unsigned, "sign_requests = false"),
            (Experiment::WithoutNasName, Cause::NasName, "registry"),
            (Experiment::CoaRequest, Cause::NoDisconnect, "Disconnect is switched off"),
            (Experiment::StatusServer, Cause::NotCoa, "not to CoA"),
            (Experiment::OtherPort, Cause::Port, "answers on port 1700"),
            (Experiment::SystemSource, Cause::Source, "from 198.51.100.7"),
        ] {
            let conclusion = cause_of(&[(experiment, nak())]);
            assert_eq!(conclusion.cause, cause);
            assert!(conclusion.words.as_str().contains(words), "{}", conclusion.words);
            assert!(conclusion.excluded.iter().any(|words| words.as_str().starts_with("the secret")), "{conclusion:?}");
        }
        let ahead = cause_of(&[(Experiment::WithoutTimestamp, nak()), (Experiment::TimestampAhead, nak())]);
        assert!(ahead.words.as_str().contains("ahead of ours by 5 to 15"), "{}", ahead.words);
        let behind = cause_of(&[(Experiment::WithoutTimestamp, nak()), (Experiment::TimestampBehind, nak())]);
        assert!(behind.words.as_str().contains("behind ours by 5 to 15"), "{}", behind.words);
    }

    #[test]
    fn what_can_not_be_told_apart_is_said_so() {
        let nothing = cause_of(&[]);
        assert_eq!(nothing.cause, Cause::DownOrFiltered);
        assert!(nothing.excluded.is_empty() && nothing.open.len() == 2, "{nothing:?}");
        let alive = cause_of(&[(Experiment::ClosedPort, Found::HostAnswers)]);
        assert_eq!(alive.cause, Cause::SecretAddressOrFilter);
        assert!(alive.words.as_str().contains("that 198.51.100.7 is allowed"), "{}", alive.words);
        for known in ["down", "a clock apart", "Message-Authenticator", "its name", "another usual port: asked on 1700"] {
            assert!(alive.excluded.iter().any(|words| words.as_str().starts_with(known)), "{known}: {alive:?}");
        }
        assert_eq!(cause_of(&[(Experiment::AsProfile, Found::PortUnreachable)]).cause, Cause::PortClosed);
        assert_eq!(cause_of(&[(Experiment::AsProfile, Found::Unreachable)]).cause, Cause::Unreachable);
        assert_eq!(cause_of(&[(Experiment::AsProfile, Found::NotSent)]).cause, Cause::NotSent);
        // TCP to the RADIUS port is about the host, not about the port of RADIUS.
        assert_eq!(cause_of(&[(Experiment::Tcp, Found::HostAnswers)]).cause, Cause::SecretAddressOrFilter);
        assert_eq!(cause_of(&[(Experiment::Tcp, Found::Unreachable)]).cause, Cause::DownOrFiltered);
    }

    #[test]
    fn answers_that_are_not_authentic_speak_of_the_secret_and_answers_from_elsewhere_of_the_address() {
        let all = [tried(Experiment::AsProfile, Found::Silence)];
        let address = ([192, 0, 2, 1], 3799).into();
        let evidence =
            Evidence { name: "bng-1", address, tried: &all, not_authentic: &[Reason::BadResponseAuthenticator], answer_from: None };
        assert_eq!(conclude(&evidence).cause, Cause::Secret);
        let from = Some(([192, 0, 2, 9], 3799).into());
        let elsewhere = conclude(&Evidence { not_authentic: &[], answer_from: from, ..evidence });
        assert!(elsewhere.cause == Cause::OtherAddress && elsewhere.words.as_str().contains("192.0.2.9"), "{elsewhere:?}");
    }
}
