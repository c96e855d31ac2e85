//! Deterministic dice: the same seed gives the same world and the same bad luck on every machine and with every version of every crate.
//! Not for secrets that matter.

use uuid::Uuid;

/// SplitMix64: small, and each (seed, stream, index) has its own sequence, so that row 900,000 costs no more than row 1.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The dice of one thing: `stream` is the kind, `index` its number.
    pub fn of(seed: u64, stream: u64, index: u64) -> Self {
        let mut dice = Self(seed ^ stream.wrapping_mul(0xd6e8_feb8_6659_fd93));
        let mixed = dice.next_u64() ^ index.wrapping_mul(0xa076_1d64_78bd_642f);
        Self(mixed)
    }

    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to `n` - 1; 0 when `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        // The bias is under 2^-32 for every n used here.
        ((u128::from(self.next_u64()) * u128::from(n)) >> 64) as u64
    }

    /// `from` to `to`, both included.
    pub fn between(&mut self, from: i64, to: i64) -> i64 {
        from + self.below(to.saturating_sub(from).max(0) as u64 + 1) as i64
    }

    /// 0 to 1, 1 excluded.
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn float(&mut self, from: f64, to: f64) -> f64 {
        from + (to - from) * self.unit()
    }

    pub fn chance(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.unit() < probability
    }

    /// One of a list that is not empty.
    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len() as u64) as usize]
    }

    /// One word of a list that is not empty.
    pub fn word(&mut self, list: &[&'static str]) -> &'static str {
        list[self.below(list.len() as u64) as usize]
    }

    /// One of a list, by weight; the last one when the weights are all 0.
    pub fn weighted<'a, T>(&mut self, list: &'a [(u32, T)]) -> &'a T {
        let total: u64 = list.iter().map(|(w, _)| u64::from(*w)).sum();
        let mut at = self.below(total);
        for (weight, item) in list {
            if at < u64::from(*weight) {
                return item;
            }
            at -= u64::from(*weight);
        }
        &list[list.len() - 1].1
    }

    pub fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let word = self.next_u64().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }

    /// A UUID v7 of that time.
    pub fn uuid_v7(&mut self, unix_ms: u64) -> Uuid {
        let mut bytes = [0; 10];
        self.fill(&mut bytes);
        uuid::Builder::from_unix_timestamp_millis(unix_ms, &bytes).into_uuid()
    }

    /// A UUID v4.
    pub fn uuid_v4(&mut self) -> Uuid {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_row_and_another_index_another() {
        assert_eq!(Dice::of(7, 1, 42).next_u64(), Dice::of(7, 1, 42).next_u64());
        assert_ne!(Dice::of(7, 1, 42).next_u64(), Dice::of(7, 1, 43).next_u64());
        assert_ne!(Dice::of(7, 1, 42).next_u64(), Dice::of(7, 2, 42).next_u64());
    }

    #[test]
    fn ranges_keep_their_ends() {
        let mut dice = Dice::new(1);
        let seen: Vec<i64> = (0..1000).map(|_| dice.between(-2, 2)).collect();
        assert!((-2..=2).all(|n| seen.contains(&n)) && seen.iter().all(|n| (-2..=2).contains(n)));
        assert_eq!(dice.below(0), 0);
        assert!((0..1000).all(|_| (0.0..1.0).contains(&dice.unit())));
    }
}
