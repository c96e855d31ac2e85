//! The items of a job as they are told apart when somebody asks how it stands: each item is in exactly one of these.

use super::{Outcome, Tally};
use crate::words;

words!(
    /// What wants a look first.
    ItemGroup {
        Refused = "refused",
        Unanswered = "unanswered",
        Failed = "failed",
        Unproven = "unproven",
        /// It has not begun, or was cancelled before it had an effect.
        NotTried = "not_tried",
        UnderWay = "under_way",
        Succeeded = "succeeded",
        AlreadyThere = "already_there",
        /// Refused in the preview.
        LeftOut = "left_out",
    }
);

impl ItemGroup {
    /// The words of the outcomes and states that belong to it; an item that has ended has an outcome, another one a state.
    pub const fn holds(self) -> &'static [&'static str] {
        match self {
            Self::Refused => &["refused"],
            Self::Unanswered => &["unanswered"],
            Self::Failed => &["failed"],
            Self::Unproven => &["unproven"],
            Self::NotTried => &["waiting", "cancelled"],
            Self::UnderWay => &["running"],
            Self::Succeeded => &["succeeded"],
            Self::AlreadyThere => &["already_there"],
            Self::LeftOut => &["left_out"],
        }
    }

    /// Its words for people.
    pub fn title(self) -> String {
        self.word().replace('_', " ")
    }
}

impl Tally {
    /// How many are in a group.
    pub fn group(&self, group: ItemGroup) -> u32 {
        match group {
            ItemGroup::Refused => self.refused,
            ItemGroup::Unanswered => self.unanswered,
            ItemGroup::Failed => self.failed,
            ItemGroup::Unproven => self.unproven,
            ItemGroup::NotTried => self.waiting + self.of(Outcome::Cancelled),
            ItemGroup::UnderWay => self.running,
            ItemGroup::Succeeded => self.succeeded,
            ItemGroup::AlreadyThere => self.already_there,
            ItemGroup::LeftOut => self.left_out,
        }
    }

    /// Tried to the end: what a gauge may show as done. Whoever was cancelled before it had an effect was not tried.
    pub fn tried(&self) -> u32 {
        self.ended() - self.cancelled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::ItemState;

    #[test]
    fn every_way_an_item_can_stand_is_in_one_group_and_the_groups_add_up() {
        let words =
            || ItemState::ALL.iter().filter(|s| **s != ItemState::Ended).map(|s| s.word()).chain(Outcome::ALL.iter().map(|o| o.word()));
        for word in words() {
            assert_eq!(ItemGroup::ALL.iter().filter(|group| group.holds().contains(&word)).count(), 1, "{word}");
        }
        assert_eq!(ItemGroup::ALL.iter().map(|group| group.holds().len()).sum::<usize>(), words().count());
        let tally = Tally {
            waiting: 1,
            running: 2,
            succeeded: 3,
            already_there: 4,
            unproven: 5,
            refused: 6,
            unanswered: 7,
            failed: 8,
            cancelled: 9,
            left_out: 10,
        };
        let sum: u32 = ItemGroup::ALL.iter().map(|group| tally.group(*group)).sum();
        assert_eq!(sum, tally.total() + tally.left_out);
        assert_eq!((tally.tried(), tally.ended()), (33, 42));
    }
}
