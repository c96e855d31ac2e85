//! Free space as buddies: a parent is whole, or split into halves of halves. What is free is kept as its largest blocks, so that the lowest
//! place for a length is found by one look for each block length, however many children there are. The store and the centre keep the
//! blocks; these are the rules that both follow.

use ipnet::Ipv6Net;
use std::net::Ipv6Addr;

/// `net` cut to its first `len` bits. A length that is none gives the net itself.
fn cut(net: Ipv6Net, len: u8) -> Ipv6Net {
    Ipv6Net::new(net.network(), len).map_or(net, |cut| cut.trunc())
}

/// The other half of the block that `net` is a half of; `None` for the whole address space.
pub fn buddy(net: Ipv6Net) -> Option<Ipv6Net> {
    let len = net.prefix_len();
    let bit = 1u128.checked_shl(u32::from(128 - len))?;
    (len > 0).then(|| cut(Ipv6Net::from(Ipv6Addr::from(u128::from(net.network()) ^ bit)), len))
}

/// The block that `net` and its buddy are the halves of.
pub fn up(net: Ipv6Net) -> Option<Ipv6Net> {
    net.prefix_len().checked_sub(1).map(|len| cut(net, len))
}

/// The first block of `len` in a free block.
pub fn lowest(block: Ipv6Net, len: u8) -> Option<Ipv6Net> {
    (block.prefix_len() <= len && len <= 128).then(|| cut(block, len))
}

/// What is left of a free block when `taken` is taken out of it, in the order of addresses; `None` when `taken` is not in it.
pub fn carve(block: Ipv6Net, taken: Ipv6Net) -> Option<Vec<Ipv6Net>> {
    if !block.contains(&taken) {
        return None;
    }
    let mut rest: Vec<Ipv6Net> = (block.prefix_len() + 1..=taken.prefix_len()).filter_map(|len| buddy(cut(taken, len))).collect();
    rest.sort();
    Some(rest)
}

/// What is free when `freed` comes back: the blocks that it swallows, and the block that it becomes. `is_free` says whether exactly this
/// block is kept as free.
pub fn give_back<E>(
    parent: Ipv6Net,
    freed: Ipv6Net,
    mut is_free: impl FnMut(Ipv6Net) -> Result<bool, E>,
) -> Result<(Vec<Ipv6Net>, Ipv6Net), E> {
    let (mut swallowed, mut block) = (Vec::new(), freed);
    while block.prefix_len() > parent.prefix_len()
        && let (Some(other), Some(whole)) = (buddy(block), up(block))
    {
        if !is_free(other)? {
            break;
        }
        swallowed.push(other);
        block = whole;
    }
    Ok((swallowed, block))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;
    use std::convert::Infallible;

    fn net(text: &str) -> Ipv6Net {
        text.parse().expect("a prefix")
    }

    #[test]
    fn halves_know_each_other() {
        assert_eq!(buddy(net("2001:db8::/56")), Some(net("2001:db8:0:100::/56")));
        assert_eq!(buddy(net("2001:db8:0:100::/56")), Some(net("2001:db8::/56")));
        assert_eq!(up(net("2001:db8:0:100::/56")), Some(net("2001:db8::/55")));
        assert_eq!((buddy(net("::/0")), up(net("::/0"))), (None, None));
        assert_eq!(buddy(net("8000::/1")), Some(net("::/1")));
        assert_eq!(buddy(net("::1/128")), Some(net("::/128")));
        assert_eq!(carve(net("2001:db8::/54"), net("2001:db8:0:100::/56")), Some(vec![net("2001:db8::/56"), net("2001:db8:0:200::/55")]));
        assert_eq!(carve(net("2001:db8::/56"), net("2001:db8::/56")), Some(vec![]));
        assert_eq!(carve(net("2001:db8::/56"), net("2001:db8:0:100::/64")), None);
    }

    const PARENT: &str = "2001:db8::/48";

    /// The blocks as a store keeps them.
    struct Model {
        free: BTreeSet<Ipv6Net>,
        taken: BTreeSet<Ipv6Net>,
    }

    impl Model {
        fn take(&mut self, len: u8) -> Option<Ipv6Net> {
            let block = *self.free.iter().filter(|b| b.prefix_len() <= len).min_by_key(|b| b.network())?;
            let taken = lowest(block, len)?;
            self.free.remove(&block);
            self.free.extend(carve(block, taken)?);
            self.taken.insert(taken);
            Some(taken)
        }

        fn give(&mut self, net: Ipv6Net) {
            self.taken.remove(&net);
            let free = &self.free;
            let Ok((gone, block)) = give_back::<Infallible>(super::tests::net(PARENT), net, |b| Ok(free.contains(&b)));
            for one in gone {
                self.free.remove(&one);
            }
            self.free.insert(block);
        }
    }

    /// The lowest free place of `len`, by looking at every one.
    fn first_fit(taken: &BTreeSet<Ipv6Net>, len: u8) -> Option<Ipv6Net> {
        net(PARENT).subnets(len).ok()?.find(|place| !taken.iter().any(|t| t.contains(place) || place.contains(t)))
    }

    proptest! {
        #[test]
        fn it_gives_the_lowest_place_as_a_full_look_would_and_comes_back_to_one_block(
            steps in proptest::collection::vec((any::<bool>(), 49u8..58, any::<prop::sample::Index>()), 1..60)
        ) {
            let mut model = Model { free: BTreeSet::from([net(PARENT)]), taken: BTreeSet::new() };
            for (take, len, which) in steps {
                if take || model.taken.is_empty() {
                    let expected = first_fit(&model.taken, len);
                    prop_assert_eq!(model.take(len), expected);
                } else {
                    let nets: Vec<Ipv6Net> = model.taken.iter().copied().collect();
                    model.give(*which.get(&nets));
                }
                // Free and taken together are the parent, once.
                let all: u128 = model.free.iter().chain(&model.taken).map(|n| 1u128 << (128 - n.prefix_len())).sum();
                prop_assert_eq!(all, 1u128 << 80);
            }
            for one in model.taken.clone() {
                model.give(one);
            }
            prop_assert_eq!(model.free, BTreeSet::from([net(PARENT)]));
        }
    }
}
