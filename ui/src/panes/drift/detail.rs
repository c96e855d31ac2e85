//! One finding with both sides, and what its repair will do.

use super::{State, columns::tone};
use crate::app::Env;
use crate::look::Tone;
use crate::panes::kit::{Detail, local_long};
use crate::widgets::age;
use noctule_domain::drift::KeptFinding;

pub fn detail(state: &State, kept: &KeptFinding, env: &Env<'_>) -> Detail {
    let finding = &kept.finding;
    let mut d = Detail::default();
    d.head(format!("{}: {}", finding.kind.title(), finding.about()));
    d.text(0, finding.kind.meaning(), tone(kept.severity()));
    d.field("Severity", kept.severity().word());
    if let Some(who) = &finding.who {
        d.field("Subscriber", format!("{} {}", who.number, who.username));
    }
    d.maybe("Prefix", finding.prefix);
    d.maybe("NetBox id", finding.netbox_id);
    d.field("Here", finding.ours.as_str());
    d.toned("There", finding.theirs.as_str(), Tone::Warning);
    d.field("First seen", format!("{}, {} ago", local_long(kept.first_seen, env), age(kept.first_seen, env.now)));
    d.field("Last seen", local_long(kept.last_seen, env));
    d.field("Finding", format!("{} {}", finding.id(), finding.kind));
    if let Some(dismissed) = &kept.dismissed {
        d.head("Dismissed");
        d.field("By", format!("{}, {}", dismissed.by, local_long(dismissed.at, env)));
        d.field("Why", dismissed.why.as_str());
        d.text(0, "d takes the dismissal back.", Tone::Muted);
    }
    d.head(format!("Repair: {}", finding.repair.title()));
    for sentence in finding.preview(state.hold()) {
        d.text(0, sentence, Tone::Text);
    }
    if finding.repair.is_possible() {
        d.text(0, "f repairs this one, F all of this kind.", Tone::Muted);
    }
    d
}
