//! Marks that stand too close become one, with their number. Blocks of cells are counted from the corner of the world, so that a pan does
//! not regroup them. Nobody is hidden: every member can be reached through [`super::cluster_at`].

use super::{
    mark::{MapData, Mark, MarkId},
    project::project,
    style::Charset,
    viewport::Viewport,
};
use std::collections::BTreeMap;

/// A global cell, or a block of them.
type Cell = (i64, i64);

/// A block, in cells.
const BLOCK: (i64, i64) = (4, 2);

/// One or several marks at a global cell.
#[derive(Debug)]
pub struct Placed<'a> {
    pub cell: Cell,
    /// Lead first: the selected one, else the worst.
    pub members: Vec<&'a Mark>,
    pub selected: bool,
}

impl Placed<'_> {
    pub fn lead(&self) -> Option<&Mark> {
        self.members.first().copied()
    }

    /// The sign, and the count of a cluster.
    pub fn text(&self, charset: Charset) -> String {
        let Some(lead) = self.lead() else { return String::new() };
        let (unicode, ascii) = lead.shown().0.forms();
        let sign = if charset.is_unicode() { unicode } else { ascii };
        match self.members.len() {
            1 => sign.to_owned(),
            count @ 2..=9 => format!("{sign}{count}"),
            _ => format!("{sign}9+"),
        }
    }

    /// Cells of [`Placed::text`].
    pub fn width(&self) -> i64 {
        match self.members.len() {
            1 => 1,
            2..=9 => 2,
            _ => 3,
        }
    }
}

/// All marks near the area, grouped. The order is that of importance, and does not depend on the screen.
pub fn place<'a>(viewport: &Viewport, data: &MapData<'a>, selected: Option<MarkId>) -> Vec<Placed<'a>> {
    let mut blocks: BTreeMap<Cell, Vec<(Cell, &'a Mark)>> = BTreeMap::new();
    for mark in data.marks() {
        let Some(at) = project(mark.at) else { continue };
        let cell = viewport.cell(at);
        if viewport.is_near(cell) {
            blocks.entry((cell.0.div_euclid(BLOCK.0), cell.1.div_euclid(BLOCK.1))).or_default().push((cell, mark));
        }
    }
    let mut placed = Vec::with_capacity(blocks.len());
    for (block, mut marks) in blocks {
        marks.sort_by_key(|(_, mark)| (Some(mark.id) != selected, mark.rank()));
        let apart = marks.len() == 2 && marks[0].0 != marks[1].0;
        if apart {
            placed.extend(marks.into_iter().map(|(cell, mark)| single(cell, mark, selected)));
            continue;
        }
        let Some(&(cell, lead)) = marks.first() else { continue };
        let mut group = Placed { cell, members: marks.into_iter().map(|(_, mark)| mark).collect(), selected: Some(lead.id) == selected };
        // The count stays within the block, where no other mark can be.
        let last = (block.0 + 1) * BLOCK.0 - group.width();
        group.cell.0 = group.cell.0.min(last);
        placed.push(group);
    }
    placed.sort_by_key(|p| p.lead().map(|lead| (!p.selected, lead.rank())));
    placed
}

fn single<'a>(cell: Cell, mark: &'a Mark, selected: Option<MarkId>) -> Placed<'a> {
    Placed { cell, members: vec![mark], selected: Some(mark.id) == selected }
}
