//! What has to change in the tables so that a new login gets what it is to get. Pure: the rows as they are and the wish go in, rows to take
//! away and to add come out. Rows of the operator stay as they are; ours are known by their ids, which are kept beside the last write.

use ipnet::Ipv6Net;
use noctule_domain::aaa::{Login, ReplyAttribute, SuspendLogin};
use serde::{Deserialize, Serialize};

pub(super) const DELEGATED: &str = "Delegated-IPv6-Prefix";
pub(super) const FRAMED: &str = "Framed-IPv6-Prefix";

/// A row of radcheck or radreply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    pub id: i64,
    pub attribute: String,
    pub op: String,
    pub value: String,
}

/// A row of radusergroup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub id: i64,
    pub group: String,
    pub priority: i32,
}

/// An attribute that a group of the user sets in such a way that it wins over the user's own (`:=` in radgroupreply).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Winning {
    pub group: String,
    pub attribute: String,
}

/// The rows of one user as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Rows {
    pub check: Vec<Pair>,
    pub reply: Vec<Pair>,
    pub groups: Vec<Member>,
    pub winning: Vec<Winning>,
    /// Whether the group that is asked for gives anything: one without rows in radgroupreply lets everybody through as they are.
    pub group_has_reply: bool,
}

/// The rows that were put there for a suspension, and those of the operator that were set aside for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Marks {
    pub check: Vec<i64>,
    pub reply: Vec<i64>,
    pub groups: Vec<i64>,
    /// Framed-IPv6-Prefix that we wrote.
    pub framed: Vec<i64>,
    pub aside: Vec<Aside>,
}

/// A row of radreply that the operator wrote, put back when the suspension ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Aside {
    pub attribute: String,
    pub op: String,
    pub value: String,
}

/// Why a row is added: its id is kept under this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum As {
    /// Not remembered: the attribute is ours altogether, or the row is the operator's again.
    Plain,
    Framed,
    Mark,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub drop_check: Vec<i64>,
    pub drop_reply: Vec<i64>,
    pub drop_groups: Vec<i64>,
    pub add_check: Vec<Aside>,
    pub add_reply: Vec<(As, Aside)>,
    pub add_group: Option<(String, i32)>,
    /// What is remembered, without the rows that are only now added.
    pub keep: Marks,
}

impl Changes {
    /// Nothing to write but, perhaps, who wrote last.
    pub(super) fn is_nothing(&self) -> bool {
        self.drop_check.is_empty()
            && self.drop_reply.is_empty()
            && self.drop_groups.is_empty()
            && self.add_check.is_empty()
            && self.add_reply.is_empty()
            && self.add_group.is_none()
    }
}

fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

pub(super) fn prefix_of(pair: &Pair) -> Option<Ipv6Net> {
    pair.value.trim().trim_matches(['"', '\'']).parse::<Ipv6Net>().ok().map(|net| net.trunc())
}

fn pair(attribute: &str, value: impl ToString) -> Aside {
    Aside { attribute: attribute.to_owned(), op: ":=".to_owned(), value: value.to_string() }
}

/// The changes, or why there can be none.
pub(super) fn changes(rows: &Rows, marks: &Marks, login: &Login) -> Result<Changes, String> {
    let (delegated, framed) = match login {
        Login::Normal { delegated, framed } => (*delegated, *framed),
        // The garden is without the subscriber's own prefix.
        Login::Suspended { how: SuspendLogin::Group, .. } | Login::WithoutPrefix => (None, None),
        Login::Suspended { delegated, framed, .. } => (*delegated, *framed),
    };
    let mut out = Changes { keep: marks.clone(), ..Changes::default() };
    prefixes(rows, marks, &mut out, delegated, framed)?;
    match login {
        Login::Normal { .. } => unmark(rows, &mut out, None),
        Login::WithoutPrefix => {}
        Login::Suspended { how: SuspendLogin::Reject, .. } => {
            unmark(rows, &mut out, Some(SuspendLogin::Reject));
            reject(rows, &mut out);
        }
        Login::Suspended { how: SuspendLogin::Group, group, .. } => {
            if group.is_empty() {
                return Err("the NAS profile suspends by a group and names none: set login.group".to_owned());
            }
            if !rows.group_has_reply {
                return Err(format!(
                    "the group {group} has no row in radgroupreply: a login would pass as if nothing had happened; write what the garden is first"
                ));
            }
            unmark(rows, &mut out, Some(SuspendLogin::Group));
            garden(rows, &mut out, group);
        }
        Login::Suspended { how: SuspendLogin::Rate, reply, .. } => {
            if reply.is_empty() {
                return Err("the NAS profile suspends by rate and names no reply attribute: set login.reply".to_owned());
            }
            unmark(rows, &mut out, Some(SuspendLogin::Rate));
            slow(rows, marks, &mut out, reply)?;
        }
    }
    Ok(out)
}

/// FreeRADIUS adds up what stands in radreply, so there may be one row of each, and groups with `:=` win over it.
fn prefixes(rows: &Rows, marks: &Marks, out: &mut Changes, delegated: Option<Ipv6Net>, framed: Option<Ipv6Net>) -> Result<(), String> {
    let stand = |name: &'static str| rows.reply.iter().filter(move |pair| same(&pair.attribute, name));
    let mut going: Vec<Ipv6Net> = Vec::new();
    let mut found = false;
    for pair in stand(DELEGATED) {
        if delegated.is_some() && !found && prefix_of(pair) == delegated.map(|net| net.trunc()) && pair.op == ":=" {
            found = true;
        } else {
            going.extend(prefix_of(pair));
            out.drop_reply.push(pair.id);
        }
    }
    if let Some(net) = delegated {
        not_overruled(rows, marks, DELEGATED)?;
        if !found {
            out.add_reply.push((As::Plain, pair(DELEGATED, net)));
        }
    }
    // Framed-IPv6-Prefix may be the operator's own business: without a wish of ours only what we wrote, or what lies in a prefix that goes,
    // is taken away.
    let mut found = false;
    for row in stand(FRAMED) {
        let ours = out.keep.framed.contains(&row.id) || prefix_of(row).is_some_and(|net| going.iter().any(|gone| gone.contains(&net)));
        if framed.is_some() && !found && prefix_of(row) == framed.map(|net| net.trunc()) && row.op == ":=" {
            found = true;
            if !out.keep.framed.contains(&row.id) {
                out.keep.framed.push(row.id);
            }
        } else if framed.is_some() || ours {
            out.drop_reply.push(row.id);
        }
    }
    if let Some(net) = framed {
        not_overruled(rows, marks, FRAMED)?;
        if !found {
            out.add_reply.push((As::Framed, pair(FRAMED, net)));
        }
    }
    out.keep.framed.retain(|id| rows.reply.iter().any(|pair| pair.id == *id) && !out.drop_reply.contains(id));
    Ok(())
}

fn not_overruled(rows: &Rows, marks: &Marks, attribute: &str) -> Result<(), String> {
    // The garden that is left, or entered again, may set what it likes.
    let theirs = |group: &str| rows.groups.iter().any(|member| member.group == group && !marks.groups.contains(&member.id));
    match rows.winning.iter().find(|winning| same(&winning.attribute, attribute) && theirs(&winning.group)) {
        None => Ok(()),
        Some(winning) => Err(format!(
            "the group {} sets {attribute} with := in radgroupreply and would win over the user's own; write = there",
            winning.group
        )),
    }
}

/// Takes the marks of a suspension away, but for those of `keep`, and puts back what was set aside for them.
fn unmark(rows: &Rows, out: &mut Changes, keep: Option<SuspendLogin>) {
    if keep != Some(SuspendLogin::Reject) {
        let gone = std::mem::take(&mut out.keep.check);
        out.drop_check.extend(gone.iter().filter(|id| rows.check.iter().any(|pair| pair.id == **id)));
    }
    if keep != Some(SuspendLogin::Group) {
        let gone = std::mem::take(&mut out.keep.groups);
        out.drop_groups.extend(gone.iter().filter(|id| rows.groups.iter().any(|member| member.id == **id)));
    }
    if keep != Some(SuspendLogin::Rate) {
        let gone = std::mem::take(&mut out.keep.reply);
        out.drop_reply.extend(gone.iter().filter(|id| rows.reply.iter().any(|pair| pair.id == **id)));
        for row in std::mem::take(&mut out.keep.aside) {
            // Somebody has written a new one meanwhile: that is the newer word.
            let replaced = rows.reply.iter().any(|pair| same(&pair.attribute, &row.attribute) && !gone.contains(&pair.id));
            if !replaced {
                out.add_reply.push((As::Plain, row));
            }
        }
    }
}

fn reject(rows: &Rows, out: &mut Changes) {
    let wanted = pair("Auth-Type", "Reject");
    let ours = |row: &&Pair| out.keep.check.contains(&row.id);
    let good = |row: &&Pair| same(&row.attribute, &wanted.attribute) && row.op == wanted.op && same(&row.value, &wanted.value);
    let found = rows.check.iter().find(|row| ours(row) && good(row)).map(|row| row.id);
    let others: Vec<i64> = rows.check.iter().filter(|row| ours(row) && Some(row.id) != found).map(|row| row.id).collect();
    out.drop_check.extend(others);
    out.keep.check = found.into_iter().collect();
    if found.is_none() {
        out.add_check.push(wanted);
    }
}

/// The first group by priority is the only one whose reply counts, so ours is put before all others.
fn garden(rows: &Rows, out: &mut Changes, group: &str) {
    let ours = |member: &&Member| out.keep.groups.contains(&member.id);
    let first = rows.groups.iter().filter(|member| !ours(member)).map(|member| member.priority).min();
    let found = rows
        .groups
        .iter()
        .find(|member| ours(member) && member.group == group && first.is_none_or(|first| member.priority < first))
        .map(|member| member.id);
    let others: Vec<i64> = rows.groups.iter().filter(|member| ours(member) && Some(member.id) != found).map(|member| member.id).collect();
    out.drop_groups.extend(others);
    out.keep.groups = found.into_iter().collect();
    if found.is_none() {
        out.add_group = Some((group.to_owned(), first.unwrap_or(0).min(0).saturating_sub(1)));
    }
}

/// Two rows of one attribute would both be sent: those of the operator are set aside for as long as the suspension lasts.
fn slow(rows: &Rows, marks: &Marks, out: &mut Changes, reply: &[ReplyAttribute]) -> Result<(), String> {
    let ours = out.keep.reply.clone();
    let mut kept = Vec::new();
    for wanted in reply {
        if same(&wanted.name, DELEGATED) || same(&wanted.name, FRAMED) {
            return Err(format!("login.reply of the NAS profile names {}, which is written from the subscriber; take it out", wanted.name));
        }
        not_overruled(rows, marks, &wanted.name)?;
        let found = rows
            .reply
            .iter()
            .find(|row| {
                ours.contains(&row.id)
                    && !kept.contains(&row.id)
                    && same(&row.attribute, &wanted.name)
                    && row.value == wanted.value
                    && row.op == op_of(reply, wanted)
            })
            .map(|row| row.id);
        match found {
            Some(id) => kept.push(id),
            None => out.add_reply.push((
                As::Mark,
                Aside { attribute: wanted.name.clone(), op: op_of(reply, wanted).to_owned(), value: wanted.value.clone() },
            )),
        }
    }
    // What was set aside before, where nobody has written anew, and what stands now.
    let theirs = |row: &&Pair| !ours.contains(&row.id);
    out.keep.aside.retain(|old| !rows.reply.iter().filter(theirs).any(|row| same(&row.attribute, &old.attribute)));
    for row in &rows.reply {
        let named = reply.iter().any(|wanted| same(&wanted.name, &row.attribute));
        if ours.contains(&row.id) {
            if !kept.contains(&row.id) {
                out.drop_reply.push(row.id);
            }
        } else if named && !out.drop_reply.contains(&row.id) {
            out.drop_reply.push(row.id);
            out.keep.aside.push(Aside { attribute: row.attribute.clone(), op: row.op.clone(), value: row.value.clone() });
        }
    }
    // Set aside for another profile than that of now.
    let (stay, back): (Vec<Aside>, Vec<Aside>) =
        out.keep.aside.drain(..).partition(|row| reply.iter().any(|wanted| same(&wanted.name, &row.attribute)));
    out.keep.aside = stay;
    out.add_reply.extend(back.into_iter().map(|row| (As::Plain, row)));
    out.keep.reply = kept;
    Ok(())
}

/// An attribute that is given more than once is added up, as a dictionary attribute like Cisco-AVPair wants it.
fn op_of(reply: &[ReplyAttribute], wanted: &ReplyAttribute) -> &'static str {
    if reply.iter().filter(|other| same(&other.name, &wanted.name)).count() > 1 { "+=" } else { ":=" }
}
