//! NAS profiles: data in `assets/nas-profiles`, parsed once, and an operator's own files that override them. What a profile promises is
//! checked here, so that no request is built from half a profile.

use super::error::RadiusError;
use super::request::templates;
use super::template;
use crate::upstream::Purpose;
use noctule_domain::SafeText;
use noctule_domain::aaa::SuspendLogin;
use noctule_domain::nas::{Identify, Method, NasProfile};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

const EMBEDDED: [(&str, &str); 9] = [
    ("generic.toml", include_str!("../../../assets/nas-profiles/generic.toml")),
    ("mikrotik.toml", include_str!("../../../assets/nas-profiles/mikrotik.toml")),
    ("cisco.toml", include_str!("../../../assets/nas-profiles/cisco.toml")),
    ("cisco-xr.toml", include_str!("../../../assets/nas-profiles/cisco-xr.toml")),
    ("juniper.toml", include_str!("../../../assets/nas-profiles/juniper.toml")),
    ("nokia.toml", include_str!("../../../assets/nas-profiles/nokia.toml")),
    ("huawei.toml", include_str!("../../../assets/nas-profiles/huawei.toml")),
    ("accel-ppp.toml", include_str!("../../../assets/nas-profiles/accel-ppp.toml")),
    ("freeradius.toml", include_str!("../../../assets/nas-profiles/freeradius.toml")),
];

static BUILT_IN: LazyLock<Vec<Arc<NasProfile>>> = LazyLock::new(|| {
    let parsed = EMBEDDED.iter().map(|(name, text)| (name, parse(name, text)));
    // A test proves that all of them parse; should one not, the others still serve.
    parsed
        .filter_map(|(name, profile)| match profile {
            Ok(profile) => Some(Arc::new(profile)),
            Err(error) => {
                tracing::error!(name, %error, "a built-in NAS profile is not usable");
                None
            }
        })
        .collect()
});

/// The built-in profiles, `generic` first.
pub fn all() -> &'static [Arc<NasProfile>] {
    &BUILT_IN
}

/// A built-in profile.
pub fn get(key: &str) -> Option<Arc<NasProfile>> {
    all().iter().find(|profile| profile.key == key).cloned()
}

/// The built-in profiles with the files `*.toml` of a folder laid over them: a file with a known key replaces that profile.
pub fn load_dir(path: &Path) -> Result<Profiles, RadiusError> {
    let unreadable = |source| RadiusError::ProfileUnreadable { file: path.to_owned(), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        if file.extension().is_some_and(|extension| extension == "toml") {
            files.push(file);
        }
    }
    files.sort();
    let mut profiles = Profiles::built_in();
    let mut own: BTreeMap<String, String> = BTreeMap::new();
    for file in files {
        let text = std::fs::read_to_string(&file).map_err(|source| RadiusError::ProfileUnreadable { file: file.clone(), source })?;
        let name = SafeText::from(file.display().to_string()).into_string();
        let profile = parse(&name, &text)?;
        if let Some(other) = own.insert(profile.key.clone(), name.clone()) {
            let message = SafeText::from(format!("the key '{}' is taken by {other} already", profile.key));
            return Err(RadiusError::BadProfile { file: name, line: line_of(&text, "key", 0), message });
        }
        profiles.origins.insert(profile.key.clone(), file);
        profiles.all.insert(profile.key.clone(), Arc::new(profile));
    }
    Ok(profiles)
}

/// The profiles in force.
#[derive(Debug, Clone)]
pub struct Profiles {
    all: BTreeMap<String, Arc<NasProfile>>,
    /// The files of those that are not built in.
    origins: BTreeMap<String, PathBuf>,
}

impl Profiles {
    pub fn built_in() -> Self {
        let all = all().iter().map(|profile| (profile.key.clone(), Arc::clone(profile))).collect();
        Self { all, origins: BTreeMap::new() }
    }

    pub fn get(&self, key: &str) -> Option<Arc<NasProfile>> {
        self.all.get(key).cloned()
    }

    /// By key.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<NasProfile>> {
        self.all.values()
    }

    /// The file that a profile comes from; `None` for a built-in one.
    pub fn origin(&self, key: &str) -> Option<&Path> {
        self.origins.get(key).map(PathBuf::as_path)
    }

    /// Adds or replaces one; for tests and for profiles that come from elsewhere than files.
    pub fn with(mut self, profile: NasProfile) -> Self {
        self.all.insert(profile.key.clone(), Arc::new(profile));
        self
    }
}

/// Reads one profile; `file` names it in errors.
pub fn parse(file: &str, text: &str) -> Result<NasProfile, RadiusError> {
    let bad = |line, message: String| RadiusError::BadProfile { file: file.to_owned(), line, message: SafeText::from(message) };
    let profile: NasProfile = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start.min(text.len()));
        bad(1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count(), error.message().to_owned())
    })?;
    check(&profile).map_err(|wrong| bad(line_of(text, wrong.field, wrong.nth), wrong.message))?;
    Ok(profile)
}

/// Where a profile is wrong, and how it is mended.
struct Wrong {
    field: &'static str,
    /// Of several `[[field]]`, which, counted from 0.
    nth: usize,
    message: String,
}

/// The line on which `field` stands as a key for the `nth` time; the first of them when there are fewer, 1 when there is none.
fn line_of(text: &str, field: &str, nth: usize) -> usize {
    let is_it = |line: &&str| {
        let line = line.trim_start().trim_start_matches('[');
        line.strip_prefix(field).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    };
    let mut lines = text.lines().enumerate().filter(|(_, line)| is_it(line)).map(|(index, _)| index + 1);
    let first = lines.next().unwrap_or(1);
    if nth == 0 { first } else { lines.nth(nth - 1).unwrap_or(first) }
}

fn check(profile: &NasProfile) -> Result<(), Wrong> {
    let no = |field, message: &str| Err(Wrong { field, nth: 0, message: message.to_owned() });
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
    if profile.key.is_empty() || profile.key.len() > 60 || !profile.key.chars().all(plain) {
        return no("key", "a key is 1 to 60 of a-z, 0-9, '-' and '_'");
    }
    if !profile.identify.iter().any(|what| matches!(what, Identify::SessionId | Identify::Username | Identify::FramedIpv4)) {
        return no("identify", "nothing here names a session: give acct_session_id, user_name or framed_ip_address");
    }
    if profile.activate == Method::CoaPrefix && profile.identify.contains(&Identify::DelegatedPrefix) {
        return no("identify", "delegated_ipv6_prefix can not name the session where activate sends the same attribute to change it");
    }
    let plain_name = |c: char| c.is_ascii_alphanumeric() || "-._:{}".contains(c);
    if profile.tls_name.is_empty() || profile.tls_name.len() > 253 || !profile.tls_name.chars().all(plain_name) {
        return no("tls_name", "a host name or an address; {nas_name}, {nas_identifier} and {address} are filled in");
    }
    if profile.port == 0 {
        return no("port", "port 0 can not be sent to");
    }
    if !(1..=4096).contains(&profile.window) {
        return no("window", "the window is 1 to 4096 requests");
    }
    if profile.rate_per_s == Some(0) {
        return no("rate_per_s", "a rate of 0 would send nothing; leave it out for no limit");
    }
    if profile.identifier_rest_s > 3600 {
        return no("identifier_rest_s", "an identifier rests at most 3600 s");
    }
    let r = profile.retransmit;
    let in_range = |value: f64, min: f64, max: f64| value.is_finite() && (min..=max).contains(&value);
    if !in_range(r.irt_s, 0.01, 60.0) || !in_range(r.mrt_s, 0.0, 120.0) || !in_range(r.mrd_s, 0.05, 300.0) || r.mrc > 100 {
        return no("retransmit", "irt_s is 0.01 to 60, mrt_s 0 to 120, mrd_s 0.05 to 300 seconds, mrc 0 to 100 sends");
    }
    if profile.suspend == Method::CoaPrefix {
        return no("suspend", "a CoA with a prefix can not suspend: an omitted prefix stays (RFC 5176 section 3.6)");
    }
    for (field, method, purpose) in [
        ("activate", profile.activate, Purpose::Activate),
        ("suspend", profile.suspend, Purpose::Suspend),
        ("resume", profile.resume, Purpose::Resume),
    ] {
        let list = templates(profile, purpose);
        if matches!(method, Method::CoaFilter | Method::CoaService) && list.is_empty() {
            return Err(Wrong { field, nth: 0, message: format!("{method} sends {field}_attributes, and there are none") });
        }
        let listed = templates_field(purpose);
        if !list.is_empty() && !matches!(method, Method::CoaFilter | Method::CoaService) {
            let message = format!("these are never sent: {field} is {method}, and only coa_filter and coa_service send {listed}");
            return Err(Wrong { field: listed, nth: 0, message });
        }
        template::check(list).map_err(|(nth, error)| Wrong { field: listed, nth, message: error.to_string() })?;
    }
    check_login_and_proof(profile)
}

fn check_login_and_proof(profile: &NasProfile) -> Result<(), Wrong> {
    let wrong = |field, message: String| Err(Wrong { field, nth: 0, message });
    let login = &profile.login;
    let plain = |text: &str, most: usize| !text.is_empty() && text.len() <= most && !text.chars().any(char::is_control);
    if login.suspend == SuspendLogin::Group && !plain(&login.group, 64) {
        return wrong("group", "suspend = \"group\" needs the name of a group, 1 to 64 characters".to_owned());
    }
    if login.suspend == SuspendLogin::Rate && login.reply.is_empty() {
        return wrong("login", "suspend = \"rate\" needs [[login.reply]]: what slows the session down".to_owned());
    }
    if login.suspend != SuspendLogin::Rate && !login.reply.is_empty() {
        return wrong("login", format!("[[login.reply]] is written with suspend = \"rate\" only, and it is {}", login.suspend));
    }
    if let Some(bad) = login.reply.iter().find(|reply| !plain(&reply.name, 64) || !plain(&reply.value, 253)) {
        return wrong("login", format!("the reply attribute '{}' needs a name and a value of at most 253 characters", bad.name));
    }
    if !(30..=604_800).contains(&profile.proof.deadline_s) {
        return wrong("deadline_s", "the proof has 30 s to 604800 s (a week): longer than the accounting interval of the NAS".to_owned());
    }
    Ok(())
}

fn templates_field(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Activate => "activate_attributes",
        Purpose::Suspend => "suspend_attributes",
        Purpose::Resume | Purpose::Revoke => "resume_attributes",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_profile_parses_and_is_named_after_its_file() {
        for (file, text) in EMBEDDED {
            let profile = parse(file, text).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(format!("{}.toml", profile.key), file);
            assert!(profile.identify.contains(&Identify::Username), "{file}: after a 503 the session is asked for by user name");
        }
        assert_eq!(all().len(), EMBEDDED.len());
        assert_eq!(all()[0].key, "generic");
    }

    #[test]
    fn what_cannot_change_a_prefix_by_coa_does_not_try() {
        for key in ["mikrotik", "cisco", "cisco-xr", "huawei", "juniper", "nokia", "accel-ppp"] {
            assert_eq!(get(key).expect(key).activate, Method::DisconnectThenLogin, "{key}");
        }
        for key in ["nokia", "accel-ppp", "huawei", "freeradius"] {
            assert!(get(key).expect(key).ack_note.is_some(), "{key}: what an ACK is worth must be said");
        }
        let generic = get("generic").expect("generic");
        assert_eq!((generic.activate, generic.suspend, generic.resume), (Method::CoaPrefix, Method::CoaFilter, Method::CoaFilter));
    }

    #[test]
    fn an_operators_file_replaces_a_profile_and_errors_name_file_and_line() {
        let dir = tempfile::tempdir().expect("folder");
        let file = dir.path().join("lab.toml");
        let own = "key = \"mikrotik\"\ntitle = \"Ours\"\nactivate = \"none\"\nsuspend = \"none\"\nresume = \"none\"\nidentify = [\"user_name\"]\n";
        std::fs::write(&file, own).expect("writes");
        let profiles = load_dir(dir.path()).expect("loads");
        assert_eq!(profiles.get("mikrotik").expect("there").title, "Ours");
        assert_eq!((profiles.origin("mikrotik"), profiles.origin("generic")), (Some(file.as_path()), None));
        assert_eq!(profiles.iter().count(), EMBEDDED.len());

        let say = |text: String| {
            std::fs::write(&file, text).expect("writes");
            load_dir(dir.path()).expect_err("refused").to_string()
        };
        let message = say(format!("{own}colour = \"red\"\n"));
        assert!(message.contains("lab.toml, line 7:") && message.contains("colour"), "{message}");
        let message = say(format!("{own}window = 0\n"));
        assert!(message.contains("line 7: the window"), "{message}");
        let message = say(own.replace("suspend = \"none\"", "suspend = \"coa_filter\""));
        assert!(message.contains("line 4: coa_filter sends suspend_attributes"), "{message}");
        let message = say(format!("{own}[[suspend_attributes]]\ntype = 11\nvalue = {{ text = \"{{colour}}\" }}\n")
            .replace("suspend = \"none\"", "suspend = \"coa_filter\""));
        assert!(message.contains("line 7:") && message.contains("{colour}"), "{message}");
        let service = own.replace("suspend = \"none\"", "suspend = \"coa_service\"");
        let three = format!(
            "{service}[[suspend_attributes]]\nname = \"Filter-Id\"\nvalue = \"x\"\n\n[[suspend_attributes]]\nname = \"Filter-Idd\"\nvalue = \"x\"\n"
        );
        let message = say(three);
        assert!(message.contains("line 11:") && message.contains("Did you mean Filter-Id?"), "{message}");
        let message = say(format!("{own}[[suspend_attributes]]\nname = \"Filter-Id\"\nvalue = \"x\"\n"));
        assert!(message.contains("line 7:") && message.contains("never sent: suspend is none"), "{message}");
        let message = say(format!("{own}[login]\nsuspend = \"group\"\ngroup = \"\"\n"));
        assert!(message.contains("line 9:") && message.contains("name of a group"), "{message}");
        let message = say(format!("{own}[login]\nsuspend = \"rate\"\n"));
        assert!(message.contains("line 7:") && message.contains("[[login.reply]]"), "{message}");
        let message = say(format!("{own}[proof]\nrevoke = \"stop\"\ndeadline_s = 3\n"));
        assert!(message.contains("line 9:") && message.contains("30 s"), "{message}");
        let both = own
            .replace("activate = \"none\"", "activate = \"coa_prefix\"")
            .replace("[\"user_name\"]", "[\"user_name\", \"delegated_ipv6_prefix\"]");
        let message = say(both);
        assert!(message.contains("line 6:") && message.contains("delegated_ipv6_prefix"), "{message}");
        let message = say("key = ".into());
        assert!(message.contains("line 1:"), "{message}");
        std::fs::write(&file, own).expect("writes");
        std::fs::write(dir.path().join("more.toml"), own).expect("writes");
        let message = load_dir(dir.path()).expect_err("refused").to_string();
        assert!(message.contains("more.toml") && message.contains("taken"), "{message}");
        assert!(load_dir(&dir.path().join("missing")).is_err());
    }
}
