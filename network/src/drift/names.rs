//! AAA against the rows, by user name; and what each row says by itself, as every row passes here.

use super::check::{Checker, Step};
use super::suspects::Suspects;
use crate::upstream::AaaError;
use noctule_domain::aaa::{AaaUser, LoginProfile};
use noctule_domain::drift::{
    Crossings, DriftRow, Finding, Merge, Pair, Parents, aaa_pair, aaa_stranger, name_order, netbox_missing, row_alone, session_of,
};
use noctule_domain::nas::NasProfile;
use std::collections::HashMap;
use std::sync::Arc;

/// Rows and users of a page.
const PAGE: u32 = 1000;

/// What came of the pass over the names.
#[derive(Default)]
pub(super) struct Named {
    pub rows: u64,
    pub users: u64,
    /// AAA could not be read to its end; the rows went on without it.
    pub aaa: Option<AaaError>,
}

/// Profiles by key, asked once each.
pub(super) struct Profiles<'a> {
    of: &'a (dyn Fn(&str) -> Option<Arc<NasProfile>> + Send + Sync),
    known: HashMap<String, Option<Arc<NasProfile>>>,
}

impl<'a> Profiles<'a> {
    pub fn new(of: &'a (dyn Fn(&str) -> Option<Arc<NasProfile>> + Send + Sync)) -> Self {
        Self { of, known: HashMap::new() }
    }

    pub fn get(&mut self, key: Option<&str>) -> Option<&NasProfile> {
        let key = key?;
        if !self.known.contains_key(key) {
            self.known.insert(key.to_owned(), (self.of)(key));
        }
        self.known.get(key).and_then(Option::as_deref)
    }
}

impl Checker {
    /// `objects`: all of NetBox's, where they were read to the end. A row that names none is held against them by value.
    pub(super) async fn names(
        &self,
        parents: &Parents,
        objects: Option<&Crossings>,
        suspects: &mut Suspects,
        out: &mut Named,
    ) -> Result<(), Step> {
        let missing = |row: &DriftRow| {
            let listed = row.prefix.zip(objects).is_none_or(|(prefix, objects)| objects.holds(prefix, row.vrf));
            if listed { None } else { netbox_missing(row, parents) }
        };
        let mut merge = Merge::new(|row: &DriftRow, user: &AaaUser| name_order(row.username.as_str(), user.username.as_str()));
        let mut profiles = Profiles::new(&*self.config.profiles);
        let mut after = None;
        let mut last = None;
        let mut aaa = self.aaa.as_deref();
        let now = self.config.clock.now();
        loop {
            self.stop_if_told()?;
            if merge.wants_left() {
                let page = self.rows.by_name(after.clone(), PAGE).await?;
                out.rows += page.len() as u64;
                self.progress(page.len() as u64, suspects.count());
                after = page.last().map(|row| row.username.clone()).or(after);
                merge.left(page);
            }
            if merge.wants_right() {
                let page = match aaa {
                    None => Vec::new(),
                    Some(system) => match system.users_after(last.as_ref(), PAGE).await {
                        Ok(page) => page,
                        Err(error) => {
                            // What the rows say by themselves is still said; of AAA nothing is, from here on.
                            out.aaa = Some(error);
                            aaa = None;
                            Vec::new()
                        }
                    },
                };
                out.users += page.len() as u64;
                last = page.last().map(|user| user.username.clone()).or(last);
                merge.right(page);
            }
            while let Some(pair) = merge.take() {
                match pair {
                    Pair::Both(row, user) => {
                        let profile = profiles.get(row.profile.as_deref());
                        self.suspect(suspects, by_row(self, &row, profile, parents, now));
                        self.suspect(suspects, aaa_pair(&row, Some(&user), &login_of(profile), parents));
                        self.suspect(suspects, missing(&row));
                    }
                    Pair::Left(row) => {
                        let profile = profiles.get(row.profile.as_deref());
                        self.suspect(suspects, by_row(self, &row, profile, parents, now));
                        if aaa.is_some() {
                            self.suspect(suspects, aaa_pair(&row, None, &login_of(profile), parents));
                        }
                        self.suspect(suspects, missing(&row));
                    }
                    Pair::Right(user) => self.suspect(suspects, aaa_stranger(&user, parents)),
                }
            }
            if !merge.wants_left() && !merge.wants_right() {
                return Ok(());
            }
        }
    }
}

pub(super) fn login_of(profile: Option<&NasProfile>) -> LoginProfile {
    profile.map(|p| p.login.clone()).unwrap_or_default()
}

/// What a row says by itself, and with its session.
pub(super) fn by_row(
    checker: &Checker,
    row: &DriftRow,
    profile: Option<&NasProfile>,
    parents: &Parents,
    now: noctule_domain::Timestamp,
) -> Option<Finding> {
    session_of(row, profile, checker.aaa.is_some(), parents, now).or_else(|| row_alone(row, &checker.config.limits, now))
}
