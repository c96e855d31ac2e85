//! Looking again at what a scan suspects: one thing by itself, all sides anew. Between two pages of a scan minutes may pass; here the row
//! is read before and after the other side, and what moved in between is not called a finding.

use super::check::{Checker, Step};
use super::names::{Profiles, by_row, login_of};
use super::source::PrefixSource;
use noctule_domain::drift::{
    Crossings, DriftKind, DriftRow, DriftSource, Finding, NetboxRow, Parents, Subject, aaa_pair, aaa_stranger, netbox_alone,
    netbox_missing, netbox_pair,
};
use noctule_domain::{OperationId, SubscriberId};
use std::collections::{BTreeMap, HashMap};

/// Objects that are read again at once.
const AT_ONCE: usize = 100;
/// How often a row that moves is looked at.
const TRIES: u32 = 3;

impl Checker {
    /// What of it stands.
    pub(super) async fn again(&self, suspected: Vec<Finding>, parents: &Parents) -> Result<Vec<Finding>, Step> {
        let mut out = Vec::new();
        let (netbox, others): (Vec<_>, Vec<_>) = suspected.into_iter().partition(|f| f.kind.source() == DriftSource::Netbox);
        for some in netbox.chunks(AT_ONCE) {
            self.stop_if_told()?;
            self.objects_again(some, parents, &mut out).await?;
        }
        let mut profiles = Profiles::new(&*self.config.profiles);
        for finding in others {
            self.stop_if_told()?;
            out.extend(self.name_again(&finding, parents, &mut profiles).await?);
        }
        Ok(out)
    }

    /// Pairs of objects: both as they are now.
    pub(super) async fn crossings_again(&self, pairs: &[(DriftKind, i64, i64)]) -> Result<Vec<Finding>, Step> {
        let mut out = Vec::new();
        let Some(source) = &self.prefixes else { return Ok(out) };
        for some in pairs.chunks(AT_ONCE / 2) {
            self.stop_if_told()?;
            let mut ids: Vec<i64> = some.iter().flat_map(|(_, one, other)| [*one, *other]).collect();
            ids.sort_unstable();
            ids.dedup();
            let objects: HashMap<i64, NetboxRow> = source.by_ids(&ids).await?.into_iter().map(|o| (o.id, o)).collect();
            for (kind, one, other) in some {
                let (Some(one), Some(other)) = (objects.get(one), objects.get(other)) else { continue };
                if !self.is_young(one) && !self.is_young(other) {
                    out.extend(Crossings::pair(*kind, one, other));
                }
            }
        }
        Ok(out)
    }

    async fn objects_again(&self, some: &[Finding], parents: &Parents, out: &mut Vec<Finding>) -> Result<(), Step> {
        let Some(source) = &self.prefixes else { return Ok(()) };
        let mut rows: BTreeMap<SubscriberId, DriftRow> = BTreeMap::new();
        for finding in some {
            if let Subject::Subscriber(id) = &finding.subject {
                rows.extend(self.rows.row(*id).await?.map(|row| (*id, row)));
            }
        }
        let of_row = |row: &DriftRow, finding: &Finding| row.netbox_id.or(finding.netbox_id);
        let mut ids: Vec<i64> = some
            .iter()
            .filter_map(|finding| match &finding.subject {
                Subject::Subscriber(id) => rows.get(id).and_then(|row| of_row(row, finding)),
                _ => finding.netbox_id,
            })
            .collect();
        ids.sort_unstable();
        ids.dedup();
        let objects: HashMap<i64, NetboxRow> = source.by_ids(&ids).await?.into_iter().map(|o| (o.id, o)).collect();
        for finding in some {
            match &finding.subject {
                Subject::Subscriber(id) => {
                    let Some(row) = rows.get(id) else { continue };
                    let Some(netbox_id) = of_row(row, finding) else {
                        out.extend(self.missing_again(&**source, row, parents).await?);
                        continue;
                    };
                    let object = objects.get(&netbox_id);
                    let named = DriftRow { netbox_id: Some(netbox_id), ..row.clone() };
                    let Some(still) = netbox_pair(&named, object, parents) else { continue };
                    // It moved while NetBox was asked: this is the state of no moment.
                    let after = self.rows.row(*id).await?;
                    if after.is_none_or(|after| after.version != row.version || after.busy) || object.is_some_and(|o| self.is_young(o)) {
                        continue;
                    }
                    out.push(still);
                }
                Subject::Prefix(id) => {
                    let Some(object) = objects.get(id).filter(|object| !self.is_young(object)) else { continue };
                    out.extend(self.nobodys(object).await?);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// NetBox is asked by the value of a row that names no object.
    async fn missing_again(&self, source: &dyn PrefixSource, row: &DriftRow, parents: &Parents) -> Result<Option<Finding>, Step> {
        let Some((still, prefix)) = netbox_missing(row, parents).zip(row.prefix) else { return Ok(None) };
        if !source.by_prefix(prefix, row.vrf).await?.is_empty() {
            return Ok(None);
        }
        let after = self.rows.row(row.id).await?;
        Ok(after.is_some_and(|after| after.version == row.version && !after.busy).then_some(still))
    }

    /// An object that really belongs to nobody. First whether its operation is at work, then whether a row has it: in the other order an
    /// allocation could end in between.
    async fn nobodys(&self, object: &NetboxRow) -> Result<Option<Finding>, Step> {
        let operation = object.operation.as_ref().and_then(|text| text.as_str().parse::<OperationId>().ok());
        if let Some(operation) = operation
            && self.rows.at_work(operation).await?
        {
            return Ok(None);
        }
        if !self.rows.holders(vec![(object.id, object.prefix, object.vrf)]).await?.is_empty() {
            return Ok(None);
        }
        Ok(netbox_alone(object, self.config.clock.now()))
    }

    async fn name_again(&self, finding: &Finding, parents: &Parents, profiles: &mut Profiles<'_>) -> Result<Option<Finding>, Step> {
        match &finding.subject {
            Subject::Subscriber(id) => {
                for _ in 0..TRIES {
                    let Some(row) = self.rows.row(*id).await? else { return Ok(None) };
                    let profile = profiles.get(row.profile.as_deref());
                    let still = match (&self.aaa, finding.kind.source()) {
                        (Some(aaa), DriftSource::Aaa) => {
                            let user = aaa.user(&row.username).await?;
                            aaa_pair(&row, user.as_ref(), &login_of(profile), parents)
                        }
                        (None, DriftSource::Aaa) => None,
                        _ => by_row(self, &row, profile, parents, self.config.clock.now()),
                    };
                    let after = self.rows.row(*id).await?;
                    if after.is_some_and(|after| after.version == row.version && after.busy == row.busy) {
                        return Ok(still);
                    }
                }
                Ok(None)
            }
            Subject::User(name) => {
                let Some(aaa) = &self.aaa else { return Ok(None) };
                let user = aaa.user(name).await?;
                if self.rows.named(name.clone()).await?.is_some() {
                    return Ok(None);
                }
                Ok(user.and_then(|user| aaa_stranger(&user, parents)))
            }
            _ => Ok(None),
        }
    }

    /// Changed in NetBox so lately that a copy of the rows may not know why.
    fn is_young(&self, object: &NetboxRow) -> bool {
        !self.config.young.is_zero() && object.updated_at.is_some_and(|at| self.config.clock.now() - at < self.config.young)
    }
}
