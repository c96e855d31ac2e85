//! A probe as it is told: by the command line, and by the Network pane for as long as the console runs.

use super::{Found, Tried};
use crate::radius::Probe;
use noctule_domain::nas::{ProbeReport, ProbeTry};
use noctule_domain::{NasId, SafeText, Timestamp};

impl Tried {
    /// What was tried: `without timestamp`.
    pub fn what(&self) -> String {
        self.experiment.word().replace('_', " ")
    }

    /// What it showed.
    pub fn result(&self) -> String {
        let mut result = match &self.found {
            Found::Answered { ack: true, .. } => "an authentic ACK".to_owned(),
            Found::Answered { causes, .. } => {
                let causes: Vec<String> = causes.iter().map(ToString::to_string).collect();
                format!("an authentic answer {}", causes.join(", ")).trim_end().to_owned()
            }
            Found::HostAnswers => "the host answers".to_owned(),
            Found::PortUnreachable => "ICMP: nobody listens on this port".to_owned(),
            Found::Unreachable => "not reached".to_owned(),
            Found::NotSent => "not sent".to_owned(),
            Found::Silence => "silence".to_owned(),
        };
        if let Some(error) = &self.error {
            result.push_str(&format!(" ({error})"));
        }
        if !self.not_authentic.is_empty() {
            let reasons: Vec<&str> = self.not_authentic.iter().map(|reason| reason.word()).collect();
            result.push_str(&format!("; not authentic: {}", reasons.join(", ")));
        }
        result
    }

    /// Something came back from there.
    fn heard(&self) -> bool {
        !self.not_authentic.is_empty() || matches!(self.found, Found::Answered { .. } | Found::HostAnswers | Found::PortUnreachable)
    }
}

impl Probe {
    pub fn report(&self, nas: NasId, at: Timestamp) -> ProbeReport {
        let told = |tried: &Tried| ProbeTry {
            what: SafeText::from(tried.what()),
            to: tried.to,
            from: tried.from,
            result: SafeText::from(tried.result()),
            heard: tried.heard(),
        };
        let (excluded, open) = self.conclusion.as_ref().map(|c| (c.excluded.clone(), c.open.clone())).unwrap_or_default();
        ProbeReport {
            nas,
            at,
            reach: self.seen.reach,
            round_trip: self.round_trip,
            words: self.words.clone(),
            tried: self.tried.iter().map(told).collect(),
            excluded,
            open,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::radius::codec::Reason;
    use crate::radius::probe::Experiment;
    use noctule_domain::radius::ErrorCause;

    #[test]
    fn an_experiment_is_told_with_what_came_back() {
        let tried = |found| Tried {
            experiment: Experiment::WithoutTimestamp,
            to: ([192, 0, 2, 1], 3799).into(),
            from: None,
            found,
            not_authentic: Vec::new(),
            error: None,
        };
        let nak = tried(Found::Answered { ack: false, causes: vec![ErrorCause(503)] });
        assert_eq!(nak.what(), "without timestamp");
        assert!(nak.result().starts_with("an authentic answer 503") && nak.heard(), "{}", nak.result());
        assert!(!tried(Found::Silence).heard() && !tried(Found::Unreachable).heard());
        let forged = Tried { not_authentic: vec![Reason::BadResponseAuthenticator], error: Some("EINVAL".into()), ..tried(Found::Silence) };
        assert!(forged.result().starts_with("silence (EINVAL); not authentic: ") && forged.heard(), "{}", forged.result());
    }
}
