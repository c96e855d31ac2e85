//! The world as a whole: what is kept (NASes, people, tasks) and what is made on demand (subscribers).

use super::layout::{Class, Layout};
use super::mover::Mover;
use super::subscribers::{Common, stream};
use super::{field, nases};
use crate::dice::Dice;
use noctule_domain::nas::Nas;
use noctule_domain::subscriber::Subscriber;
use noctule_domain::task::Task;
use noctule_domain::technician::Technician;
use noctule_domain::{NasId, TenantId, Timestamp};
use std::path::PathBuf;

/// What a world is made from. The same configuration gives the same world.
#[derive(Debug, Clone, PartialEq)]
pub struct WorldConfig {
    pub seed: u64,
    /// Kept between 60 and 1,000,000.
    pub subscribers: u64,
    pub technicians: u32,
    pub tasks: u32,
    /// Kept between 1 and 6.
    pub nases: usize,
    pub now: Timestamp,
    /// Folder in which the files with the NAS secrets will stand, each by the NAS's name.
    pub secrets: PathBuf,
}

impl WorldConfig {
    pub fn new(seed: u64, now: Timestamp) -> Self {
        Self { seed, subscribers: 5_000, technicians: 40, tasks: 200, nases: 6, now, secrets: PathBuf::from("nas-secrets") }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct World {
    pub config: WorldConfig,
    pub tenant: TenantId,
    pub nases: Vec<Nas>,
    pub technicians: Vec<Technician>,
    pub tasks: Vec<Task>,
    pub(super) layout: Layout,
    pub(super) movers: Vec<Mover>,
    /// Where `step` has come to.
    pub(super) clock: Timestamp,
    nas_ids: Vec<NasId>,
}

impl World {
    pub fn generate(config: WorldConfig) -> Self {
        let seed = config.seed;
        let tenant = TenantId(Dice::of(seed, stream::TENANT, 0).uuid_v4());
        let nas_ids = nases::ids(seed, config.nases);
        let mut world = Self {
            tenant,
            nases: nases::registry(&nas_ids, tenant, &config.secrets),
            technicians: Vec::new(),
            tasks: Vec::new(),
            layout: Layout::new(config.subscribers, seed),
            movers: Vec::new(),
            clock: config.now,
            nas_ids,
            config,
        };
        (world.technicians, world.tasks) = field::people_and_tasks(&world);
        world.movers = Mover::all(&world);
        world
    }

    pub(super) fn common(&self) -> Common<'_> {
        Common { seed: self.config.seed, now: self.config.now, tenant: self.tenant, layout: &self.layout, nases: &self.nas_ids }
    }

    pub fn subscriber_count(&self) -> u64 {
        self.layout.subscribers
    }

    /// The subscriber with number `index + 1`.
    pub fn subscriber(&self, index: u64) -> Option<Subscriber> {
        (index < self.layout.subscribers).then(|| self.common().subscriber(index))
    }

    /// All subscribers by number, made one by one.
    pub fn subscribers(&self) -> impl Iterator<Item = Subscriber> + '_ {
        let common = self.common();
        (0..self.layout.subscribers).map(move |i| common.subscriber(i))
    }

    /// A subscriber of one kind, `nth` of them: `None` when there are fewer.
    pub fn subscriber_of(&self, class: Class, nth: u64) -> Option<Subscriber> {
        if nth >= self.layout.count(class) {
            return None;
        }
        self.subscriber(self.layout.index_of_rank(self.layout.first_rank(class) + nth))
    }

    pub fn count_of(&self, class: Class) -> u64 {
        self.layout.count(class)
    }
}
