//! A row of `import technicians`.

use crate::csv_import::Fields;
use noctule_domain::SafeText;
use noctule_domain::technician::{SkillLevel, Technician, TechnicianStatus};
use noctule_storage::NewTechnician;

const FROM: u16 = 8 * 60;
const TO: u16 = 17 * 60;

pub fn technician(f: &Fields<'_>, old: Option<&Technician>) -> Result<NewTechnician, String> {
    let new = NewTechnician {
        id: None,
        employee_id: f.key("employee_id")?,
        name: f.required("name")?,
        email: f.keep("email", f.text("email"), old.map(|t| t.email.clone())),
        phone: f.keep("phone", f.text("phone"), old.map(|t| t.phone.clone())),
        mobile: f.keep("mobile", f.text("mobile"), old.map(|t| t.mobile.clone())),
        status: f.word("status")?.unwrap_or(TechnicianStatus::OffDuty),
        skill_level: f.keep("skill_level", f.word("skill_level")?.unwrap_or(SkillLevel::Intermediate), old.map(|t| t.skill_level)),
        home_base: f.keep("home_lat", f.position("home_lat", "home_lng")?, old.map(|t| t.home_base)),
        fix: None,
        team: f.keep("team", f.text("team"), old.map(|t| t.team.clone())),
        skills: f.keep("skills", f.list("skills"), old.map(|t| t.skills.clone())),
        time_zone: f.keep("time_zone", zone(f)?, old.map(|t| t.time_zone.clone())),
        work_from_min: f.keep("work_from", f.clock("work_from")?.unwrap_or(FROM), old.map(|t| t.work_from_min)),
        work_to_min: f.keep("work_to", f.clock("work_to")?.unwrap_or(TO), old.map(|t| t.work_to_min)),
        on_call: f.keep("on_call", f.flag("on_call")?.unwrap_or(false), old.map(|t| t.on_call)),
        available_for_emergency: f.keep(
            "available_for_emergency",
            f.flag("available_for_emergency")?.unwrap_or(false),
            old.map(|t| t.available_for_emergency),
        ),
        rating: f.keep("rating", f.number("rating", 0.0..=5.0)?, old.map(|t| t.rating)),
        completion_rate: f.keep("completion_rate", f.number("completion_rate", 0.0..=1.0)?, old.map(|t| t.completion_rate)),
    };
    Ok(new)
}

/// The shape of an IANA name. The zones themselves are not known here.
fn zone(f: &Fields<'_>) -> Result<SafeText, String> {
    let raw = f.raw("time_zone").unwrap_or("UTC");
    let fine = raw.len() <= 64 && raw.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_+-".contains(&b));
    if fine {
        Ok(SafeText::new(raw))
    } else {
        Err(format!("time_zone: '{}' is not a name as in Europe/Berlin", SafeText::bounded(raw, 40)))
    }
}
